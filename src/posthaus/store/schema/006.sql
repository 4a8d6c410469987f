-- What happened to messages on their way out, and where it is no use to write to.
-- Clustered by day and transaction: what is told of one message lies together, and the oldest days go first.

CREATE TABLE record (
    day BIGINT NOT NULL,                  -- of `at`
    tid {TEXT} NOT NULL,                  -- of the transaction that brought the message
    at BIGINT NOT NULL,
    kind BIGINT NOT NULL,                 -- record.Kind
    address {TEXT} NOT NULL,              -- recipient, canonical for look-up; of a submission: the reverse-path
    message_id {TEXT} NOT NULL,           -- of a submission; '' in all other rows
    words {TEXT} NOT NULL,                -- JSON
    PRIMARY KEY (day, tid, at, kind, address)
) {CLUSTERED};
CREATE INDEX record_message_id ON record (message_id) WHERE message_id <> '';

CREATE TABLE suppression (
    account BIGINT NOT NULL,              -- whose mail is not sent there; 0: nobody's of this house
    key {TEXT} NOT NULL,                  -- address, canonical for look-up
    status {TEXT} NOT NULL,               -- enhanced status code; '' where a person has said so
    reason {TEXT} NOT NULL,               -- the reply of the other server, or words of a person
    count BIGINT NOT NULL,                -- how often it failed
    since BIGINT NOT NULL,                -- when it failed first
    until BIGINT NOT NULL,                -- 0: for good
    PRIMARY KEY (account, key)
) {CLUSTERED};
CREATE INDEX suppression_until ON suppression (until);
