-- What people and their programs write beside a mailbox, or beside the whole account (IMAP METADATA).
CREATE TABLE annotation (
    account BIGINT NOT NULL,              -- whose mailbox it is; 0: of the house, what all accounts see
    mailbox BIGINT NOT NULL,              -- 0: of no mailbox but of the server
    member BIGINT NOT NULL,               -- who sees it: 0 everybody ('/shared/...'), else that account ('/private/...')
    entry {TEXT} NOT NULL,                -- lower case
    value {BYTES} NOT NULL,
    PRIMARY KEY (account, mailbox, member, entry)
) {CLUSTERED};
