-- How far work that goes through everything once has come: by name, a number of its own.
CREATE TABLE mark (
    name {TEXT} PRIMARY KEY,
    value BIGINT NOT NULL
);
