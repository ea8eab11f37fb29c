-- Plain SQL for SQLite and PostgreSQL: TEXT, BIGINT and DOUBLE PRECISION only.
-- Times are RFC 3339 in UTC with milliseconds, so that they sort as texts.

CREATE TABLE runs (
    -- Upper half of the run's UUID v7: short in the millions of rows that refer to it.
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    started_by TEXT NOT NULL,
    dry_run BIGINT NOT NULL,
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    halted_because TEXT,
    error TEXT,
    -- JSON objects, so that a new count needs no migration.
    counts TEXT NOT NULL,
    calls TEXT NOT NULL,
    phases TEXT NOT NULL
);
CREATE INDEX runs_of_tenant ON runs (tenant, number);

CREATE TABLE changes (
    run BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    old_value TEXT NOT NULL,
    new_value TEXT NOT NULL,
    result TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (run, seq)
);

CREATE TABLE findings (
    run BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    system TEXT NOT NULL,
    code TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE leases (
    tenant TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
