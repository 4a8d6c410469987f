-- Keys that sign for a domain, and secrets of the house. Rows are the truth: workers keep what they read by its id,
-- and a key's octets never change.

CREATE TABLE dkim_key (
    id {SERIAL},
    domain {TEXT} NOT NULL REFERENCES domain(name),
    selector {TEXT} NOT NULL,
    algorithm {TEXT} NOT NULL,            -- 'rsa', 'ed25519'
    private {BYTES} NOT NULL,             -- PKCS #8, DER; empty once the key is retired for good
    public {TEXT} NOT NULL,               -- the TXT record, as it is to be published
    state BIGINT NOT NULL,                -- 0 published, 1 active, 2 retired
    created BIGINT NOT NULL,
    active_from BIGINT NOT NULL,          -- published: when it begins to sign, 0 when its record is seen in DNS;
                                          -- else since when it has signed
    retire_at BIGINT NOT NULL,            -- active: when it stops signing, 0 for no plan;
                                          -- retired: until when its record must stay in DNS
    UNIQUE (domain, selector)
);

CREATE TABLE secret (
    name {TEXT} NOT NULL,                 -- what it is for: 'srs'
    created BIGINT NOT NULL,
    value {BYTES} NOT NULL,
    PRIMARY KEY (name, created)
) {CLUSTERED};
