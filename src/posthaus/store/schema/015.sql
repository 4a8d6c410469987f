-- \Seen of people who read a mailbox that is another's, as bitmaps of 4,096 UIDs (store/seen.py). The owner's is a flag of
-- the placement like all others.
CREATE TABLE seen (
    mailbox BIGINT NOT NULL,
    member BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,  -- never the mailbox's owner
    chunk BIGINT NOT NULL,
    bits {BYTES} NOT NULL,
    PRIMARY KEY (mailbox, member, chunk)
) {CLUSTERED};
CREATE INDEX seen_member ON seen (member);
