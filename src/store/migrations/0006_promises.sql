-- What was acknowledged is kept: requests are numbered by the database, operations are claimed, activations show signs of life.
--
-- `due_at`, `claimed_until` and `alive_until` are milliseconds since 1970 by the clock of the database, the only one that
-- replicas share; the texts `created_at`, `next_at`, `asked_at` and `finished_at` are shown to people and compared with nothing.
--
-- On the disk before anybody is told: operations, activations (but `alive_until`), runs, changes, findings, plans. May be lost
-- in a power cut: `holder`, `claimed_until` and `alive_until`, which end by themselves, leases, and what OZmap can be asked for
-- again: known_powers, mirrors and mirror_chunks.

-- The order in which a tenant's requests came: one row for each tenant, counted up with each of them.
CREATE TABLE request_numbers (
    tenant TEXT NOT NULL PRIMARY KEY,
    last_number BIGINT NOT NULL
);

-- 0: a release before this one wrote the row.
ALTER TABLE operations ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN holder TEXT;
ALTER TABLE operations ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0;

-- An activation that carries out an operation has the operation's number.
ALTER TABLE activations ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE activations ADD COLUMN alive_until BIGINT NOT NULL DEFAULT 0;

CREATE INDEX operations_in_line ON operations (tenant, number, id) WHERE state = 'pending';
CREATE INDEX operations_due ON operations (tenant, due_at) WHERE state = 'pending';
CREATE INDEX operations_of_client ON operations (tenant, code, number) WHERE state = 'pending';
CREATE INDEX activations_in_order ON activations (tenant, code, number);
CREATE INDEX activations_under_way ON activations (tenant, alive_until) WHERE result = 'running';
