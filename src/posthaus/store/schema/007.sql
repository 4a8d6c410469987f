-- What an account may send, and what it has sent. Nothing that a delivery to us writes.

-- Addresses that it may write as, beside its own and the aliases that lead to it.
CREATE TABLE sender (
    account BIGINT NOT NULL REFERENCES account(id),
    sender {TEXT} NOT NULL,               -- address, canonical for look-up, or '@domain'
    PRIMARY KEY (account, sender)
) {CLUSTERED};

-- Where an account differs from what all have. -1: as base/limit.py says.
CREATE TABLE sending (
    account {KEY},
    per_hour BIGINT NOT NULL,             -- recipients in other domains
    per_day BIGINT NOT NULL,
    strangers BIGINT NOT NULL,            -- of them a day, those to whom it never wrote before
    sent_copy BIGINT NOT NULL,            -- 1: what it submits is put into its \Sent
    held BIGINT NOT NULL                  -- since when it may send nothing; 0: it may
);

CREATE TABLE sent (
    account BIGINT NOT NULL,
    slot BIGINT NOT NULL,                 -- Unix seconds by the length of a slot (base/limit.py)
    recipients BIGINT NOT NULL,
    strangers BIGINT NOT NULL,
    PRIMARY KEY (account, slot)
) {CLUSTERED};

CREATE TABLE correspondent (
    account BIGINT NOT NULL,
    address {TEXT} NOT NULL,              -- canonical
    written BIGINT NOT NULL,              -- when last
    PRIMARY KEY (account, address)
) {CLUSTERED};
