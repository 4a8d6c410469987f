-- Rights given to addresses that nobody here has yet: they are somebody's from the day on when he has it (store/acl.py).
CREATE TABLE acl_awaiting (
    mailbox BIGINT NOT NULL,
    key {TEXT} NOT NULL,                  -- as in account
    given BIGINT NOT NULL,                -- as in acl
    denied BIGINT NOT NULL,
    PRIMARY KEY (mailbox, key)
) {CLUSTERED};
CREATE INDEX acl_awaiting_key ON acl_awaiting (key);
