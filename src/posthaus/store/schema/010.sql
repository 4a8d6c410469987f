-- Messages that an account has expunged and can bring back: what its view of deleted messages shows (store/lost.py).
-- Written when the view is looked at, when a message comes back, and when its octets go; never by EXPUNGE.
CREATE TABLE lost (
    account BIGINT NOT NULL,
    message BIGINT NOT NULL,
    uid BIGINT NOT NULL,                  -- of its placement in the view
    origin BIGINT NOT NULL,               -- where it was last: mailbox << 32 | uid
    PRIMARY KEY (account, message)
) {CLUSTERED};
