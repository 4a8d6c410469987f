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

-- What became of TLS, counted: sessions of one day with one domain under one policy that ended in one way.
CREATE TABLE tls_result (
    day BIGINT NOT NULL,                  -- since 1970, UTC
    domain {TEXT} NOT NULL,               -- of the recipients
    policy {TEXT} NOT NULL,               -- 'sts', 'tlsa', 'no-policy-found'
    digest {TEXT} NOT NULL,               -- of policy_text
    kind {TEXT} NOT NULL,                 -- RFC 8460 §4.3; '' for success, of which the four that follow say nothing
    source {TEXT} NOT NULL,
    host {TEXT} NOT NULL,
    address {TEXT} NOT NULL,
    helo {TEXT} NOT NULL,
    policy_text {TEXT} NOT NULL,          -- its lines
    reason {TEXT} NOT NULL,               -- the first one's
    sessions BIGINT NOT NULL,
    PRIMARY KEY (day, domain, policy, digest, kind, source, host, address, helo)
) {CLUSTERED};
