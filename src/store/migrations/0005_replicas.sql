-- Who is there by the database's own clock, what each holds, and when each tenant's next run is due.
-- What ends in `_ms` is milliseconds since 1970, as the database counts them: no process's clock is ever compared.

CREATE TABLE replicas (
    -- Drawn at each start of a process: neither a host's name nor a process number tells two of them apart.
    id TEXT NOT NULL PRIMARY KEY,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    -- Without a sign for so long it is dead.
    life_ms BIGINT NOT NULL,
    -- Another one with each sign of life, whatever the clock does.
    sign BIGINT NOT NULL
);

-- The replica of the holder; empty where release 0.1.0 holds it.
ALTER TABLE leases ADD COLUMN replica TEXT NOT NULL DEFAULT '';
-- Grows each time that the lease is taken.
ALTER TABLE leases ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
-- 1: the row stays when it is given back, without a holder, so that its number goes on growing.
ALTER TABLE leases ADD COLUMN kept BIGINT NOT NULL DEFAULT 0;
CREATE INDEX leases_of_replica ON leases (replica);
CREATE INDEX leases_of_holder ON leases (holder);

-- The number of the lease under which the run records what it does; 0 before it has one.
ALTER TABLE runs ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX runs_under_way ON runs (tenant) WHERE state = 'running';

CREATE TABLE beats (
    tenant TEXT NOT NULL PRIMARY KEY,
    due_ms BIGINT NOT NULL
);
