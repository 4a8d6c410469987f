-- What SORT looks at, of whole pieces of 1,024 UIDs of a mailbox, made beside the mail (store/sortfact.py). Nothing that a
-- delivery writes. What is not here, or of another version, is read from the messages.
CREATE TABLE sortfact (
    mailbox BIGINT NOT NULL,
    piece BIGINT NOT NULL,                -- its UIDs are those from piece * 1024 on
    version BIGINT NOT NULL,              -- of what is kept
    uids {TEXT} NOT NULL,                 -- whom it is kept of: "1:5,7"; '' where they are too few
    packed {BYTES} NOT NULL,
    PRIMARY KEY (mailbox, piece)
) {CLUSTERED};
