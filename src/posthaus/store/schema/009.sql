-- When a message that is to be held is released: what one account may have waiting is counted.

ALTER TABLE parcel ADD COLUMN released BIGINT NOT NULL DEFAULT 0;  -- 0: at once
CREATE INDEX parcel_released ON parcel (account, released) WHERE released <> 0;
