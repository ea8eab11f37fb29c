#!/usr/bin/env bash
# The questions of `cargo bench --bench nearby` put to PostGIS, so that both can stand side by side.
#
#   NEARBY_OUT=/tmp/nearby cargo bench --bench nearby && benches/postgis.sh /tmp/nearby
#
# Needs Debian's postgresql-15-postgis-3 (apt-get install --no-install-recommends postgresql-15-postgis-3), or PostgreSQL with
# PostGIS elsewhere, its programs in PG_BIN. Starts a server of its own in a temporary folder and removes it afterwards.
# Times are the server's own for each question, without parsing and without the way to a client.
set -euo pipefail
data=${1:?the folder that NEARBY_OUT named}
bin=${PG_BIN:-/usr/lib/postgresql/15/bin}
[ -x "$bin/initdb" ] || { echo "no PostgreSQL in $bin: apt-get install --no-install-recommends postgresql-15-postgis-3" >&2; exit 1; }
home=$(mktemp -d)
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
# PostgreSQL refuses to run as root.
[ "$(id -u)" != 0 ] || chown postgres "$home"
cleanup() { as "$bin/pg_ctl" -D "$home/db" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$home"; }
trap cleanup EXIT

cd "$home"
as "$bin/initdb" -D "$home/db" -A trust -U postgres >/dev/null
as "$bin/pg_ctl" -D "$home/db" -w -l "$home/log" \
  -o "-c listen_addresses='' -k $home -c shared_buffers=1GB -c fsync=off -c jit=off" start >/dev/null
sql() { as "$bin/psql" -h "$home" -U postgres -d postgres -X -q -v ON_ERROR_STOP=1 -P pager=off "$@"; }

sql -c 'CREATE EXTENSION postgis' -c 'SELECT postgis_version()' -At
sql -c 'CREATE TABLE raw (id text, free boolean, lng float8, lat float8)' \
    -c 'CREATE TABLE raw_places (number int, lng float8, lat float8)'
sql -c '\copy raw FROM STDIN CSV' <"$data/splitters.csv"
sql -c '\copy raw_places FROM STDIN CSV' <"$data/places.csv"
sql <<'SQL'
\timing on
\echo building the table and its GiST index
CREATE TABLE splitters AS
  SELECT id, free, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS at FROM raw;
CREATE INDEX ON splitters USING gist (at);
\timing off
CREATE TABLE places AS SELECT number, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS at FROM raw_places;
VACUUM ANALYZE splitters;
SELECT pg_size_pretty(pg_total_relation_size('splitters')) AS table_and_index;

CREATE TABLE times (way text, ms float8, found int);
-- On the sphere, as the gateway measures.
CREATE FUNCTION within(place geography) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    SELECT id, ST_Distance(at, place, false) AS distance FROM splitters
    WHERE free AND ST_DWithin(at, place, 300, false) ORDER BY distance, id LIMIT 20) found
$$;
-- The nearest 20, of which those within 300 m count.
CREATE FUNCTION nearest(place geography) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    SELECT id, at FROM splitters WHERE free ORDER BY at <-> place LIMIT 20) found
  WHERE ST_Distance(at, place, false) <= 300
$$;
CREATE PROCEDURE measure(way text) LANGUAGE plpgsql AS $$
DECLARE place geography; begun timestamptz; found int;
BEGIN
  FOR place IN SELECT at FROM places ORDER BY number LOOP
    begun := clock_timestamp();
    IF way LIKE 'KNN%' THEN found := nearest(place); ELSE found := within(place); END IF;
    INSERT INTO times VALUES (way, extract(epoch FROM clock_timestamp() - begun) * 1000, found);
  END LOOP;
END $$;
-- Twice each: the first round warms the caches.
CALL measure('ST_DWithin 300 m'); CALL measure('KNN <-> 20'); TRUNCATE times;
CALL measure('ST_DWithin 300 m'); CALL measure('KNN <-> 20');
SELECT way, count(*) AS questions, round(avg(ms)::numeric, 4) AS mean_ms,
  round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 4) AS median_ms,
  round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 4) AS p99_ms, sum(found) AS found
FROM times GROUP BY way ORDER BY way;
SQL
