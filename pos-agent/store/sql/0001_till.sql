-- A till's database. Event rows never change their number; a seq is the row less meta.base, so that a new life of the till
-- moves one number instead of every reference.

CREATE TABLE meta (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    till INTEGER NOT NULL,
    store TEXT NOT NULL,
    workstation TEXT NOT NULL,
    probe BLOB NOT NULL,             -- sealed word: tells a wrong data key at once
    incarnation INTEGER NOT NULL,
    base INTEGER NOT NULL,           -- the event row before seq 1 of this life
    acked INTEGER NOT NULL,          -- newest event row the server has durably
    ack_generation INTEGER NOT NULL,
    feed_generation INTEGER NOT NULL,
    feed_version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,          -- rises with every replacement of the feed
    sweeping INTEGER NOT NULL,       -- 1: rows of older epochs go when the replacement is complete
    profiles INTEGER NOT NULL,
    offers_held INTEGER NOT NULL,
    products INTEGER NOT NULL
) STRICT;

-- The outbox, and the only home of what happened.
CREATE TABLE event (
    row INTEGER PRIMARY KEY NOT NULL,
    id BLOB NOT NULL,
    hlc INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    schema INTEGER NOT NULL,
    chain BLOB NOT NULL,             -- chain value after this event
    body BLOB NOT NULL,              -- sealed
    captured_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);

CREATE TABLE retail_transaction (
    business_day INTEGER NOT NULL,
    number TEXT NOT NULL,
    event INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    flags INTEGER NOT NULL,          -- 1 begin, 2 end, 4 member given by the host; 8 training
    total INTEGER NOT NULL,
    balance INTEGER,                 -- as printed on the receipt
    voided_by INTEGER,               -- event row of the post-void
    PRIMARY KEY (business_day, number)
) STRICT, WITHOUT ROWID;

-- What later transactions took back of an earlier one; line 0 carries the points reversed with it.
CREATE TABLE returned_line (
    original INTEGER NOT NULL,
    return_event INTEGER NOT NULL,
    line INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (original, return_event, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX returned_line_return ON returned_line (return_event);

-- Own movements of points, for the local balance. What was spent is also found by profile, should an identifier move on.
CREATE TABLE ledger_entry (
    member BLOB NOT NULL,            -- identifier hash
    event INTEGER NOT NULL,
    position INTEGER NOT NULL,
    profile INTEGER NOT NULL,        -- 0: not known here
    kind INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (member, event, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_entry_spent ON ledger_entry (profile, event) WHERE points < 0;

CREATE TABLE hold (
    id BLOB NOT NULL PRIMARY KEY,
    business_day INTEGER NOT NULL,
    number TEXT NOT NULL,
    profile INTEGER NOT NULL,
    points INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE suspended (
    business_day INTEGER NOT NULL,
    number TEXT NOT NULL,
    body BLOB NOT NULL,              -- sealed
    PRIMARY KEY (business_day, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    id INTEGER PRIMARY KEY NOT NULL,
    epoch INTEGER NOT NULL,
    reflected INTEGER NOT NULL,      -- own events up to this row are in the slice's balance
    handed INTEGER NOT NULL,         -- own events after this row are not: they had not left the till when it came
    body BLOB NOT NULL               -- sealed
) STRICT;

CREATE TABLE identifier (
    hash BLOB NOT NULL PRIMARY KEY,
    profile INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keyed hashes of how the parts of a name begin: 16 bits each of its first 2, 3 and 4 letters, so that a beginning is a range.
CREATE TABLE name_part (
    token INTEGER NOT NULL,
    profile INTEGER NOT NULL,
    PRIMARY KEY (token, profile)
) STRICT, WITHOUT ROWID;

CREATE TABLE product (
    item_id TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    body BLOB NOT NULL               -- sealed: it holds the chain's identifier key
) STRICT;
