-- What the feed brought is kept with its part and digest, so that the copy can be compared with the server's and mended part by
-- part. Marks say which of our events the server has at which arrival number, and so what a profile slice contains.

ALTER TABLE meta DROP COLUMN epoch;
ALTER TABLE meta DROP COLUMN sweeping;
ALTER TABLE meta ADD COLUMN safe INTEGER NOT NULL DEFAULT 0;           -- newest event row that a verified backup of the server has too
ALTER TABLE meta ADD COLUMN lives INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meta ADD COLUMN era INTEGER NOT NULL DEFAULT 0;            -- rises when arrival numbers may mean something else than before
ALTER TABLE meta ADD COLUMN raw_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN program TEXT NOT NULL DEFAULT '';          -- version that last looked at the raw rows
ALTER TABLE meta ADD COLUMN rights_holder INTEGER NOT NULL DEFAULT 0;  -- this uninterrupted memory of rights to spend points; 0: none
ALTER TABLE meta ADD COLUMN rights_tick INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN rights_machine BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
-- The copy is compared once: earlier programs did not keep what they could not read, and a replacement may have been under way.
UPDATE meta SET feed_generation = 0, feed_version = 0;

-- Below, part -1 means: part and digest are still to be computed (the bodies are sealed). Digest 0 stands for a row that goes on
-- serving although the server has another one.
ALTER TABLE profile DROP COLUMN epoch;
ALTER TABLE profile ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;     -- the slice contains events up to this arrival number …
ALTER TABLE profile ADD COLUMN era INTEGER NOT NULL DEFAULT 0;         -- … as these counted then
ALTER TABLE profile ADD COLUMN part INTEGER NOT NULL DEFAULT -1;
ALTER TABLE profile ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
CREATE INDEX profile_part ON profile (part, digest);

ALTER TABLE product DROP COLUMN epoch;
ALTER TABLE product ADD COLUMN part INTEGER NOT NULL DEFAULT -1;
ALTER TABLE product ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
CREATE INDEX product_part ON product (part, digest);

ALTER TABLE settings ADD COLUMN part INTEGER NOT NULL DEFAULT -1;
ALTER TABLE settings ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;

-- Rows that this program cannot read, as they came, for one that can.
CREATE TABLE feed_other (
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    part INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    era INTEGER NOT NULL,
    body BLOB NOT NULL,              -- sealed
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_other_part ON feed_other (part, digest);

CREATE TABLE ack_mark (
    row INTEGER PRIMARY KEY NOT NULL, -- own event that was acknowledged
    arrival INTEGER NOT NULL         -- its arrival number at the server
) STRICT;
CREATE INDEX ack_mark_arrival ON ack_mark (arrival);
