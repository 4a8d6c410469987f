-- How many messages an account may hold, each counted in every mailbox that has it.
ALTER TABLE account ADD COLUMN quota_messages BIGINT NOT NULL DEFAULT 0;  -- 0: none
-- Who may set the quotas of all accounts from a mail client.
ALTER TABLE account ADD COLUMN is_admin BIGINT NOT NULL DEFAULT 0;        -- 1: this one
