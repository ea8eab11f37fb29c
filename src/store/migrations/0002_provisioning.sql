-- What an installation asks for and what became of it; the last calculated power that OZmap told of each client.

CREATE TABLE activations (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    code TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    operation TEXT,
    wish TEXT NOT NULL,
    finished_at TEXT,
    old_state TEXT,
    new_state TEXT,
    result TEXT NOT NULL,
    error TEXT
);

CREATE INDEX activations_of_tenant ON activations (tenant, id);
CREATE INDEX activations_of_client ON activations (tenant, code, id);

CREATE INDEX activations_of_operation ON activations (operation);

CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    wish TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    callback_url TEXT,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    next_at TEXT NOT NULL,
    finished_at TEXT,
    answer TEXT,
    last_error TEXT
);

CREATE INDEX operations_that_wait ON operations (tenant, state, next_at);

CREATE TABLE known_powers (
    tenant TEXT NOT NULL,
    code TEXT NOT NULL,
    as_of TEXT NOT NULL,
    power TEXT NOT NULL,
    PRIMARY KEY (tenant, code)
);
