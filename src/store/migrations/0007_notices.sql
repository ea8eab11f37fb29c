-- Notices that are written with what they tell of, and delivered at least once. Times are the database's, in milliseconds since
-- 1970: several processes compare them.

-- Somebody who is told. One process at a time delivers to it, in the order of the numbers.
CREATE TABLE notice_destinations (
    -- Tenant, way and a digest of the URL: a webhook's URL may carry a token, and stands in the settings only.
    destination TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    -- A Callback-Url; NULL for a webhook.
    url TEXT,
    -- Notices ever written to it: the number of the last one.
    written BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    -- Tries in a row that failed.
    failures BIGINT NOT NULL DEFAULT 0,
    claimed_by TEXT NOT NULL DEFAULT '',
    claimed_until BIGINT NOT NULL DEFAULT 0,
    -- It answered 410: it is told nothing until then.
    stopped_until BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX notice_destinations_due ON notice_destinations (next_at);

CREATE TABLE notices (
    destination TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- `webhook-id`.
    notice TEXT NOT NULL,
    tenant TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    -- waiting, delivered, given_up
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    written_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    -- Refused for what it says: later ones go before it.
    set_aside BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT,
    last_error TEXT,
    PRIMARY KEY (destination, number)
);

CREATE INDEX notices_by_state ON notices (state, destination, number);

-- What was last told of a tenant's sync and of its two systems, so that it is told once, whoever sees it.
CREATE TABLE standings (
    tenant TEXT NOT NULL,
    -- sync, ozmap, int6
    subject TEXT NOT NULL,
    standing TEXT NOT NULL,
    since TEXT NOT NULL,
    -- Runs in a row that were cut off since.
    cut_off BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, subject)
);
