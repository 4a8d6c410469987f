-- What others report of TLS with our hosts: a row for each policy of a report, by the day on which it came.
CREATE TABLE tls_report (
    day BIGINT NOT NULL,                  -- since 1970, UTC; whole days are forgotten
    domain {TEXT} NOT NULL,               -- of ours
    organization {TEXT} NOT NULL,         -- who reports
    report {TEXT} NOT NULL,               -- its id
    policy {TEXT} NOT NULL,               -- 'sts', 'tlsa', 'no-policy-found'
    begins BIGINT NOT NULL,               -- of the time that it tells of
    ends BIGINT NOT NULL,
    successes BIGINT NOT NULL,            -- sessions
    failed BIGINT NOT NULL,
    failures {TEXT} NOT NULL,             -- the first ones as JSON: [[kind, sessions, host, reason], ...]
    PRIMARY KEY (day, domain, organization, report, policy)
) {CLUSTERED};
