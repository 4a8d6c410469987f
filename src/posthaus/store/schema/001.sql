-- The first schema. One text for both dialects; migrate.py fills in the names in braces.
-- Identifiers: a placement's id is mailbox << 32 | uid, so that one integer key clusters a mailbox by UID and a range
-- of UIDs is a range of keys (measured: half the time of a two-column key for SELECT, FLAGS and STORE).
-- Every index and every table that a delivery writes is a page more in the log, some 10 microseconds: so octets lie in
-- the row of their blob, and the blob counts who names it instead of an index on those who do.

CREATE TABLE domain (
    name {TEXT} PRIMARY KEY,              -- A-label, lower case
    catch_all {TEXT} NOT NULL,            -- address, or '' for none
    created BIGINT NOT NULL               -- Unix seconds, as all times here
);

CREATE TABLE account (
    id {SERIAL},
    key {TEXT} NOT NULL UNIQUE,           -- address, canonical for look-up
    address {TEXT} NOT NULL,
    domain {TEXT} NOT NULL REFERENCES domain(name),
    inbox BIGINT NOT NULL,                -- mailbox.id
    modseq BIGINT NOT NULL,               -- raised by the first statement of every write on the account
    uidvalidity BIGINT NOT NULL,          -- the last one given out; the next is max(last + 1, now)
    quota_octets BIGINT NOT NULL,         -- 0: none
    used_octets BIGINT NOT NULL,          -- each live message counted once
    used_messages BIGINT NOT NULL,
    credential_version BIGINT NOT NULL,
    state BIGINT NOT NULL,                -- 0 open, 1 being removed
    created BIGINT NOT NULL
);
CREATE INDEX account_domain ON account (domain);

CREATE TABLE credential (
    account BIGINT NOT NULL REFERENCES account(id),
    kind {TEXT} NOT NULL,
    value {BYTES} NOT NULL,
    PRIMARY KEY (account, kind)
) {CLUSTERED};

CREATE TABLE alias (
    key {TEXT} NOT NULL,                  -- address, canonical for look-up
    target {TEXT} NOT NULL,               -- address
    domain {TEXT} NOT NULL REFERENCES domain(name),
    PRIMARY KEY (key, target)
) {CLUSTERED};

CREATE TABLE mailbox (
    id {SERIAL},
    account BIGINT NOT NULL REFERENCES account(id),
    name {TEXT} NOT NULL,                 -- full name, levels divided by '/'
    uidvalidity BIGINT NOT NULL,
    uidnext BIGINT NOT NULL,
    modseq BIGINT NOT NULL,               -- HIGHESTMODSEQ
    total BIGINT NOT NULL,
    unseen BIGINT NOT NULL,
    deleted BIGINT NOT NULL,              -- with \Deleted
    size BIGINT NOT NULL,                 -- octets of all placements
    recent_from BIGINT NOT NULL,          -- UIDs from here on are \Recent for the next session
    unseen_from BIGINT NOT NULL,          -- no UID below is unseen
    special_use {TEXT} NOT NULL,          -- '\Sent', or ''
    state BIGINT NOT NULL,                -- 0 open, 1 \Noselect (has children only), 2 being removed
    UNIQUE (account, name)
);

CREATE TABLE subscription (
    account BIGINT NOT NULL REFERENCES account(id),
    name {TEXT} NOT NULL,
    PRIMARY KEY (account, name)
) {CLUSTERED};

CREATE TABLE keyword (
    mailbox BIGINT NOT NULL,
    bit BIGINT NOT NULL,                  -- 10 to 62; the lower ones everybody has (mail/flag.py)
    name {TEXT} NOT NULL,
    PRIMARY KEY (mailbox, bit)
) {CLUSTERED};

-- Octets as they came. Header apart from body and never packed; a small body here, a large one outside.
CREATE TABLE blob (
    id {SERIAL},
    size BIGINT NOT NULL,
    head_size BIGINT NOT NULL,
    place {TEXT} NOT NULL,                -- '' here, or the key of the body outside
    state BIGINT NOT NULL,                -- 0 live, 1 pending (being written outside), 2 to be unlinked
    packing BIGINT NOT NULL,              -- 0 as it came, 1 zstd; of the body here
    created BIGINT NOT NULL,
    names BIGINT NOT NULL,                -- messages and parcels that name it
    head {BYTES} NOT NULL,                -- '' while pending
    body {BYTES} NOT NULL                 -- '' where it is outside
);
CREATE INDEX blob_open ON blob (state, created) WHERE state <> 0;
CREATE INDEX blob_outside ON blob (place) WHERE place <> '';

-- What every reader needs, worked out once; shared by all accounts that hold the message. Never changes.
CREATE TABLE message (
    id {SERIAL},
    blob BIGINT NOT NULL,
    size BIGINT NOT NULL,                 -- prefix and blob
    prefix {BYTES} NOT NULL,              -- header lines that we put in front
    version BIGINT NOT NULL,              -- of the scan
    fields {BYTES} NOT NULL,
    field_index {BYTES} NOT NULL,
    envelope {BYTES} NOT NULL,
    bodystructure {BYTES} NOT NULL,
    structure {BYTES} NOT NULL,
    subject {TEXT} NOT NULL,
    base_subject {TEXT} NOT NULL,
    sender {TEXT} NOT NULL,
    recipients {TEXT} NOT NULL,
    message_id {TEXT} NOT NULL,
    refs {TEXT} NOT NULL,                 -- Message-IDs, divided by spaces
    sent_at BIGINT,                       -- Date field, NULL where there is none to be read
    has_attachment BIGINT NOT NULL,
    preview {TEXT} NOT NULL
);

-- A message in an account, however many mailboxes hold it: quota counts it once.
CREATE TABLE email (
    account BIGINT NOT NULL,
    message BIGINT NOT NULL,
    live BIGINT NOT NULL,                 -- placements
    gone_at BIGINT NOT NULL,              -- when the last placement went; its tombstones are no younger
    PRIMARY KEY (message, account)
) {CLUSTERED};
CREATE INDEX email_gone ON email (gone_at) WHERE live = 0;

CREATE TABLE placement (
    id {KEY},                             -- mailbox << 32 | uid
    message BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    size BIGINT NOT NULL,
    received BIGINT NOT NULL,             -- INTERNALDATE
    saved BIGINT NOT NULL                 -- SAVEDATE
);

CREATE TABLE tombstone (
    id {KEY},
    message BIGINT NOT NULL,              -- its octets may be purged before the tombstone is
    flags BIGINT NOT NULL,
    modseq BIGINT NOT NULL,               -- of the expunge
    size BIGINT NOT NULL,
    received BIGINT NOT NULL,
    saved BIGINT NOT NULL,
    expunged BIGINT NOT NULL              -- when
);
CREATE INDEX tombstone_expunged ON tombstone (expunged);

-- UIDs of a mailbox that are no more, as bitmaps of 4,096 UIDs; only EXPUNGE writes here.
CREATE TABLE gone (
    mailbox BIGINT NOT NULL,
    chunk BIGINT NOT NULL,
    bits {BYTES} NOT NULL,
    PRIMARY KEY (mailbox, chunk)
) {CLUSTERED};

-- The book of changes: what a bell speaks of.
CREATE TABLE change (
    account BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    mailbox BIGINT NOT NULL,
    kind BIGINT NOT NULL,                 -- change.Kind
    uids {TEXT} NOT NULL,                 -- "1:5,7"
    at BIGINT NOT NULL,
    PRIMARY KEY (account, modseq, mailbox, kind)
) {CLUSTERED};

CREATE TABLE lease (
    name {TEXT} PRIMARY KEY,
    owner {TEXT} NOT NULL,
    until BIGINT NOT NULL                 -- Unix milliseconds
);
