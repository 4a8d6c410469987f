-- Where mail to others goes. Nothing that a delivery to us writes.

CREATE TABLE smarthost (
    name {TEXT} PRIMARY KEY,
    host {TEXT} NOT NULL,                 -- A-label or IP address
    port BIGINT NOT NULL,
    tls {TEXT} NOT NULL,                  -- 'none', 'opportunistic', 'encrypted', 'verified'
    tls_first BIGINT NOT NULL,            -- 1: TLS from the first octet
    direct_first BIGINT NOT NULL,         -- 1: the domain's own hosts are tried before
    login {TEXT} NOT NULL,                -- '' for none
    password {TEXT} NOT NULL,             -- as it is: it has to be told to the smart host
    created BIGINT NOT NULL
);

-- Whose mail goes by it: the row of the highest kind decides.
CREATE TABLE smarthost_scope (
    kind BIGINT NOT NULL,                 -- smarthost.Kind: 0 all, 1 a sender's domain, 2 a sender, 3 a recipient's domain
    key {TEXT} NOT NULL,                  -- '' for all
    smarthost {TEXT} NOT NULL REFERENCES smarthost(name),
    PRIMARY KEY (kind, key)
) {CLUSTERED};

-- Policies of MTA-STS as they were fetched; they hold until they expire, whatever DNS and HTTPS say meanwhile.
CREATE TABLE sts_policy (
    domain {TEXT} PRIMARY KEY,
    id {TEXT} NOT NULL,                   -- of the TXT record that announced it
    text {TEXT} NOT NULL,
    fetched BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT NOT NULL                  -- when it was last asked for, to about a day
);
CREATE INDEX sts_policy_fetched ON sts_policy (fetched);
