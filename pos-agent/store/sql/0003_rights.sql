-- Rights to spend points while the server is away. The counts only grow, but for what was never spent, and belong to the
-- present meta.rights_holder.
CREATE TABLE right_use (
    profile INTEGER PRIMARY KEY NOT NULL,
    granted INTEGER NOT NULL,        -- as the newest slice has it
    recalled INTEGER NOT NULL,       -- of these the server wants so many back; all of them when the slice has left
    used INTEGER NOT NULL            -- spent, lent and given back
) STRICT;
CREATE INDEX right_use_due ON right_use (profile) WHERE recalled > used AND granted > used;

-- What a neighbour may spend of it: the same question again gets the same answer.
CREATE TABLE lent (
    hold BLOB NOT NULL PRIMARY KEY,
    profile INTEGER NOT NULL,
    points INTEGER NOT NULL,
    till INTEGER NOT NULL,
    lent_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE hold ADD COLUMN lender INTEGER NOT NULL DEFAULT 0;   -- memory of rights under which it was taken; 0: none
ALTER TABLE hold ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;    -- 1 the server, 2 the store's lead has to be told what becomes of it
ALTER TABLE hold ADD COLUMN granted INTEGER NOT NULL DEFAULT 1;  -- 0: asked for, not answered

ALTER TABLE meta ADD COLUMN rights_born_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0; -- when the server last answered; to the minute
