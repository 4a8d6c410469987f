-- What clients in trusted networks have sent to other domains, and which of them were stopped (store/network.py).
CREATE TABLE sent_from (
    client {TEXT} NOT NULL,               -- an IPv4 address, or the /64 of an IPv6 address
    slot BIGINT NOT NULL,                 -- as in sent
    recipients BIGINT NOT NULL,
    PRIMARY KEY (client, slot)
) {CLUSTERED};
CREATE TABLE stopped (
    client {TEXT} PRIMARY KEY,
    since BIGINT NOT NULL
) {CLUSTERED};
ALTER TABLE parcel ADD COLUMN client {TEXT} NOT NULL DEFAULT '';  -- such a one, where it brought the message
