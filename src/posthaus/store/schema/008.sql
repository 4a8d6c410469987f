-- What an account may send, and what it has sent. Nothing that a delivery to us writes.

-- Addresses that it may write as, beside its own and the aliases that lead to it.
CREATE TABLE sender (
    account BIGINT NOT NULL REFERENCES account(id),
    sender {TEXT} NOT NULL,               -- address, canonical for look-up, or '@domain'
    PRIMARY KEY (account, sender)
) {CLUSTERED};
