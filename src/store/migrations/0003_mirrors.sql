-- A tenant's mirror as it was last loaded, so that a restart starts warm.

CREATE TABLE mirrors (
    tenant TEXT NOT NULL PRIMARY KEY,
    format BIGINT NOT NULL,
    as_of TEXT NOT NULL,
    chunks BIGINT NOT NULL
);

CREATE TABLE mirror_chunks (
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    -- SHA-256 of the body, so that only what changed is written.
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
);
