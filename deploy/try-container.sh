#!/usr/bin/env bash
# Builds the image and starts it, then the compose file with PostgreSQL, two replicas and the proxy; for a machine with an engine.
#
#   deploy/try-container.sh
#
# Exit status: 0 all of it works here, 1 something does not, 3 this machine has no engine: nothing was tried.
# ENGINE=podman takes another program than docker. What it starts has names of its own, and is gone in the end.
set -euo pipefail
cd "$(dirname "$0")"
engine="${ENGINE:-docker}" project="int6-ozmap-gateway-try-$$"
say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

if ! command -v "$engine" >/dev/null 2>&1; then
  echo "no container was built or started: there is no $engine on this machine" >&2
  exit 3
fi
if ! "$engine" info >/dev/null 2>&1; then
  echo "no container was built or started: there is $engine, and no engine that it could ask ($engine info fails)" >&2
  exit 3
fi

work="$(mktemp -d)"
composed=
clean() {
  local status=$?
  [ -z "$composed" ] || (cd "$work/deploy" && "$engine" compose -p "$project" -f compose.postgres.yaml down --volumes --timeout 30) || true
  "$engine" rm --force "$project-systems" "$project-one" >/dev/null 2>&1 || true
  "$engine" network rm "$project" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap clean EXIT

say "the image, without the pretend systems"
"$engine" build -f Dockerfile -t int6-ozmap-gateway ..
"$engine" run --rm int6-ozmap-gateway sandbox 2>&1 | grep -q "unrecognized subcommand" || fail "the image has the sandbox"
[ "$("$engine" run --rm --entrypoint id int6-ozmap-gateway -u)" = 10001 ] || fail "the image runs as another user than 10001"

say "one gateway on the embedded database, read-only but for its volume"
# The pretend systems listen on their container's loopback: the gateway shares its network.
"$engine" build -f Dockerfile --build-arg FEATURES=sandbox -t "$project-systems" ..
"$engine" network create "$project" >/dev/null
"$engine" run --detach --name "$project-systems" --network "$project" "$project-systems" sandbox --port 9999 --interval 0 >/dev/null
for _ in $(seq 60); do
  "$engine" logs "$project-systems" 2>/dev/null | grep -q '^export ' && break
  sleep 1
done
"$engine" logs "$project-systems" 2>/dev/null | sed -n 's/^export //p' | tr ' ' '\n' | grep -E '^(OZMAP|INT6)_' >"$work/environment"
[ -s "$work/environment" ] || fail "the pretend systems did not start"
echo "GATEWAY_API_KEY=a-key-for-this-trial" >>"$work/environment"
"$engine" run --detach --name "$project-one" --network "container:$project-systems" --env-file "$work/environment" \
  --read-only --cap-drop ALL --security-opt no-new-privileges:true --volume /var/lib/int6-ozmap-gateway int6-ozmap-gateway >/dev/null
for _ in $(seq 60); do
  health="$("$engine" inspect --format '{{.State.Health.Status}}' "$project-one")"
  [ "$health" != healthy ] || break
  sleep 1
done
[ "$health" = healthy ] || { "$engine" logs "$project-one" >&2; fail "the container is $health"; }
"$engine" exec "$project-one" int6-ozmap-gateway sync --dry-run || fail "sync beside serve"
begun=$SECONDS
"$engine" stop --time 30 "$project-one" >/dev/null
[ $((SECONDS - begun)) -lt 25 ] || fail "the stop took $((SECONDS - begun)) s"
[ "$("$engine" inspect --format '{{.State.ExitCode}}' "$project-one")" = 0 ] || fail "the stop was no clean one"

say "compose: PostgreSQL, two replicas, the proxy"
mkdir -p "$work/deploy/secrets"
cp compose.postgres.yaml Caddyfile "$work/deploy/"
cd "$work/deploy"
# Built above.
sed -i '/^    build:/,/^      dockerfile:/d' compose.postgres.yaml
password="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
printf %s "$password" >secrets/postgres_password
printf 'postgres://gateway:%s@postgres/gateway' "$password" >secrets/database_url
for name in gateway_api_key int6_token ozmap_api_key; do printf 'a-secret-for-this-trial' >"secrets/$name"; done
chmod 444 secrets/*
export PUBLIC_DOMAIN=localhost GATEWAY_ALLOWED_IPS=172.30.147.0/24
export INT6_URL=http://int6.invalid INT6_EMAIL=gateway@isp.example OZMAP_URL=http://ozmap.invalid
composed=yes
"$engine" compose -p "$project" -f compose.postgres.yaml up --detach --wait --wait-timeout 180 || fail "compose up"
curl --silent --show-error --fail --insecure --retry 20 --retry-all-errors --retry-delay 1 https://localhost/health/ready || fail "the proxy's answer"
echo
say "a replica is killed: the other one answers"
"$engine" compose -p "$project" -f compose.postgres.yaml kill gateway-1
for _ in $(seq 10); do
  curl --silent --show-error --fail --insecure --max-time 10 https://localhost/health/ready >/dev/null || fail "an answer after the kill"
done
say "image and compose file work on this machine"
