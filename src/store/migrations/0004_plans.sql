-- Plans that are kept and applied by id, what the rails held, and what a good run measured.

-- JSON lists: what was held and why; how many changes of each field came to what; what else a person should know.
ALTER TABLE runs ADD COLUMN held TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN fields TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN remarks TEXT NOT NULL DEFAULT '[]';
-- JSON: what the run measured, and the same if later runs are held against it.
ALTER TABLE runs ADD COLUMN measures TEXT;
ALTER TABLE runs ADD COLUMN good TEXT;
-- Clients that it implanted.
ALTER TABLE runs ADD COLUMN implanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN first_run BIGINT NOT NULL DEFAULT 0;
-- The run whose plan it applied.
ALTER TABLE runs ADD COLUMN plan TEXT;

-- The record in OZmap: a property for `read_power`, a client for the other fields.
ALTER TABLE changes ADD COLUMN record TEXT;
-- JSON: what stood there instead of the old value, where the change was skipped.
ALTER TABLE changes ADD COLUMN found TEXT;

-- Each field of a plan is applied once.
CREATE TABLE plan_fields (
    run BIGINT NOT NULL,
    field TEXT NOT NULL,
    applied_by TEXT NOT NULL,
    PRIMARY KEY (run, field)
);
