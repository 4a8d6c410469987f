-- The queue: what is on its way out. States and times are told in store/queue.py.
-- An errand's id is parcel << 16 | number, so that the errands of a parcel are a range of keys.

CREATE TABLE parcel (
    id {SERIAL},
    blob BIGINT NOT NULL,
    size BIGINT NOT NULL,                 -- prefix and blob
    prefix {BYTES} NOT NULL,              -- header lines that we put in front
    tid {TEXT} NOT NULL,                  -- of the transaction that brought it
    account BIGINT NOT NULL,              -- who submitted it; 0: nobody of ours. The account may be gone
    message_id {TEXT} NOT NULL,
    sender_localpart {TEXT} NOT NULL,     -- reverse-path; both empty: <>
    sender_domain {TEXT} NOT NULL,
    envelope {TEXT} NOT NULL,             -- the rest of it as JSON, '' where there is nothing
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,              -- given up then
    warn_at BIGINT NOT NULL,              -- the sender is told of the delay then; 0: not, or he was
    clock BIGINT NOT NULL,                -- the next of these two
    errands BIGINT NOT NULL               -- how many are left
);
CREATE INDEX parcel_clock ON parcel (clock);

CREATE TABLE errand (
    id {KEY},
    destination {TEXT} NOT NULL,
    rank BIGINT NOT NULL,                 -- priority, turned round: the lowest first
    due BIGINT NOT NULL,
    state BIGINT NOT NULL,                -- queue.State: what a person said about it
    load BIGINT NOT NULL,                 -- who has claimed it; 0: nobody
    attempts BIGINT NOT NULL,
    localpart {TEXT} NOT NULL,            -- forward-path
    domain {TEXT} NOT NULL,
    orcpt {BYTES},
    notify BIGINT NOT NULL,               -- bits, see store/queue.py
    account BIGINT NOT NULL,              -- of ours, where the destination is "local"
    reason {TEXT} NOT NULL                -- the last try's outcome as JSON, '' before the first
);
CREATE INDEX errand_due ON errand (destination, rank, due) WHERE load = 0;

-- Where errands go: how many connections are allowed there and when it is tried next, for all workers of all nodes.
CREATE TABLE destination (
    name {TEXT} PRIMARY KEY,
    due BIGINT NOT NULL,                  -- when to look: no later than its first errand, no earlier than `rest`
    suspect BIGINT NOT NULL,              -- 1: its host did not work last time, or was never tried
    errands BIGINT NOT NULL,              -- how many there are
    busy BIGINT NOT NULL,                 -- loads on their way
    allowed BIGINT NOT NULL,              -- how many there may be
    credit BIGINT NOT NULL,               -- these and the next three: flow/pace.py
    failures BIGINT NOT NULL,
    deaths BIGINT NOT NULL,
    rest BIGINT NOT NULL,                 -- not tried before; 0: at any time
    used BIGINT NOT NULL,                 -- when it was claimed last
    reason {TEXT} NOT NULL                -- what was wrong with its host, as JSON; ''
) {CLUSTERED};
CREATE INDEX destination_due ON destination (suspect, due);

-- A lease on claimed errands: one connection's.
CREATE TABLE load (
    id {SERIAL},
    destination {TEXT} NOT NULL,          -- '': of several, to be given up or told of
    owner {TEXT} NOT NULL,                -- a worker
    until BIGINT NOT NULL
);
