-- Which accounts keep a readable password, and how many have none but quickly made verifiers: asked by every worker
-- twice a minute. Nothing that a delivery writes.
CREATE INDEX credential_kind ON credential (kind);
