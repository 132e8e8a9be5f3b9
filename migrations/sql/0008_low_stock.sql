-- The list of what is running out reads only what could be: 0 says that there is more than `low_stock` left. Whatever
-- changes one of the three numbers says it anew in the same statement. 1 says only that it has to be looked at: a row
-- that is written without the column, or replayed from before it was there, is in the list when it should be. (The
-- release before this one changes stock without it: what runs low while both are at work is listed with its next change.)
ALTER TABLE inventory ADD COLUMN maybe_low INT NOT NULL DEFAULT 1;

-- jewel: safe because there is one row for each variant, some thousands at most, and they are locked for less than a second
UPDATE inventory SET maybe_low = (on_hand - reserved <= low_stock);

ALTER TABLE inventory ADD KEY inventory_low (maybe_low, variant_id);
