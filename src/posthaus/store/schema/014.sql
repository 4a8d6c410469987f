-- 014
-- Mailboxes that others than their owner may reach (IMAP ACL), and accounts that nobody logs in to.
CREATE TABLE acl (
    mailbox BIGINT NOT NULL,
    member BIGINT NOT NULL,               -- an account; 0: everybody of this house
    given BIGINT NOT NULL,                -- rights as bits (mail/rights.py)
    denied BIGINT NOT NULL,               -- taken away again, whoever gave them: "-anna@example.org"
    PRIMARY KEY (mailbox, member)
) {CLUSTERED};
CREATE INDEX acl_member ON acl (member);

-- What somebody writes for himself beside another's mailbox goes with him, and counts as his.
CREATE INDEX annotation_member ON annotation (member) WHERE member <> 0 AND member <> account;

ALTER TABLE account ADD COLUMN shared BIGINT NOT NULL DEFAULT 0;  -- 1: a team's; nobody logs in to it

-- From whom an account has copied messages: the index of texts knows these by who held them when it was made.
CREATE TABLE borrowed (
    account BIGINT NOT NULL,
    source BIGINT NOT NULL,
    PRIMARY KEY (account, source)
) {CLUSTERED};
