-- What one source said of one person. Never changed but for superseded_by; 0 = it is the source's latest word.
CREATE TABLE source_record (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    source_key TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    phone TEXT NOT NULL,
    phone_raw TEXT NOT NULL,
    phone_verified INTEGER NOT NULL,
    email TEXT NOT NULL,
    cards TEXT NOT NULL,
    home_store TEXT NOT NULL,
    birthday TEXT NOT NULL,
    address TEXT NOT NULL,
    pincode TEXT NOT NULL,
    marketing INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    superseded_by INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX source_record_key ON source_record (source, source_key) WHERE superseded_by = 0;

-- Events that brought a record, also those that said nothing new.
CREATE TABLE record_event (
    event BLOB NOT NULL PRIMARY KEY,
    record INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cards and phones of the records that are not superseded.
CREATE TABLE record_identifier (
    hash BLOB NOT NULL,
    record INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    PRIMARY KEY (hash, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_identifier_record ON record_identifier (record);

-- The view: which profile a record is in. A profile is named by its smallest record.
CREATE TABLE profile_member (
    record INTEGER PRIMARY KEY,
    profile INTEGER NOT NULL
) STRICT;
CREATE INDEX profile_member_profile ON profile_member (profile, record);

CREATE TABLE merge_link (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    PRIMARY KEY (a, b, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX merge_link_b ON merge_link (b);

-- Profiles that went into another and may still stand in the feed.
CREATE TABLE swallowed_profile (
    profile INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE item_habit (
    record INTEGER NOT NULL,
    item TEXT NOT NULL,
    times INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (record, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_visit (
    record INTEGER NOT NULL,
    store TEXT NOT NULL,
    visits INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (record, store)
) STRICT, WITHOUT ROWID;

-- What receipts called an item, for items that no catalogue has: the first that said something.
CREATE TABLE item_word (
    item TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    category TEXT NOT NULL
) STRICT, WITHOUT ROWID;
