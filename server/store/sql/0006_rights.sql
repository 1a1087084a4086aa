-- Points set aside for those who cannot ask (mudi/crm/rights.hpp). A holder is one uninterrupted memory of a till.
-- dead_ms 0: alive. freed 1: what it had is free again, and its accounts are gone.
CREATE TABLE rights_holder (
    holder INTEGER PRIMARY KEY,
    till INTEGER NOT NULL,
    machine TEXT NOT NULL,
    born_ms INTEGER NOT NULL,
    dead_ms INTEGER NOT NULL,
    freed INTEGER NOT NULL
) STRICT;
CREATE INDEX rights_holder_till ON rights_holder (till, dead_ms);
CREATE INDEX rights_holder_dead ON rights_holder (dead_ms) WHERE freed = 0;

-- record = the number of the profile when the right was granted, so that a merge or a split moves nothing.
CREATE TABLE right_account (
    record INTEGER NOT NULL,
    holder INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    recalled INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (record, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX right_account_holder ON right_account (holder);

-- Held by the server itself for a till that asked. state 0: open; 1: spent or given back, or given back before it was asked for;
-- 2: asked for, while rights are being called back for it.
CREATE TABLE points_hold (
    hold BLOB NOT NULL PRIMARY KEY,
    record INTEGER NOT NULL,
    till INTEGER NOT NULL,
    points INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    state INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX points_hold_open ON points_hold (record) WHERE state <> 1;

-- Holds under a holder's right that were spent or given back: each closes once.
CREATE TABLE lent_hold (
    hold BLOB NOT NULL,
    lender INTEGER NOT NULL,
    PRIMARY KEY (hold, lender)
) STRICT, WITHOUT ROWID;

-- Events that gave rights back, so that each counts once.
CREATE TABLE right_event (
    event BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- When a till last had nothing that it had not told.
ALTER TABLE till ADD COLUMN drained_ms INTEGER NOT NULL DEFAULT 0;
-- When it was asked for the newest hello that said so and had nothing unsent either: it holds nothing borrowed; it holds nothing
-- at all. 0: it does not; -1: it cannot say.
ALTER TABLE till ADD COLUMN unborrowed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN unheld_ms INTEGER NOT NULL DEFAULT 0;
