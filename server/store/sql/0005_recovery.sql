-- Every start of the server begins a history of its own: a till's cursor is checked against these (mudi/server/keys.hpp).
CREATE TABLE generation (
    ordinal INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    first_version INTEGER NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT;

-- From now on feed versions are counted over all buckets, above what any bucket has given out.
INSERT INTO counter (name, value) SELECT 'feed.version', COALESCE(MAX(newest), 0) FROM bucket;

-- horizon = newest tombstone that is forgotten.
ALTER TABLE bucket ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;

-- Which version was given out last at a time: how old tombstones are.
CREATE TABLE feed_mark (
    at_ms INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT;

-- part -1: not computed yet. applied = arrival number up to which the body contains everything.
ALTER TABLE feed ADD COLUMN part INTEGER NOT NULL DEFAULT -1;
ALTER TABLE feed ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feed ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;
CREATE INDEX feed_part ON feed (store, part, digest) WHERE deleted = 0;
CREATE INDEX feed_deleted ON feed (version) WHERE deleted = 1;

-- safe_seq: up to here a verified backup has it too. last_ms = newest contact.
ALTER TABLE life ADD COLUMN safe_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE life ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;

-- What the newest hello said, and what the contacts tell: life is from now on the life heard of last.
ALTER TABLE till ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN program TEXT NOT NULL DEFAULT '';
ALTER TABLE till ADD COLUMN machine TEXT NOT NULL DEFAULT '';
ALTER TABLE till ADD COLUMN holder INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN lead_url TEXT NOT NULL DEFAULT '';
ALTER TABLE till ADD COLUMN forked_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN returned_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN clone_ms INTEGER NOT NULL DEFAULT 0;

-- Empty key and times of 0: not enrolled, not revoked.
CREATE TABLE enrolled_till (
    till INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    workstation TEXT NOT NULL,
    lead INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    certificate_serial TEXT NOT NULL,
    certificate_until_ms INTEGER NOT NULL,
    enrolled_ms INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL
) STRICT;

-- Only the newest code of a till; the code itself is nowhere.
CREATE TABLE enrolment_code (
    code_id BLOB NOT NULL PRIMARY KEY,
    till INTEGER NOT NULL,
    mac_key BLOB NOT NULL,
    until_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Verified ones. kept = its file is, as far as we know, still there.
CREATE TABLE backup (
    id INTEGER PRIMARY KEY,
    made_ms INTEGER NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    events INTEGER NOT NULL,
    verified_ms INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;
