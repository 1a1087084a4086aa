-- Keys of this database and the newest settings document.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Running figures: the status page must not scan. Names are in counters.hpp.
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE till (
    till INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    workstation TEXT NOT NULL,
    life INTEGER NOT NULL,
    last_contact_ms INTEGER NOT NULL,
    ahead_ms INTEGER NOT NULL
) STRICT;

-- One incarnation of a till and how far it is durable here: seq = longest contiguous prefix.
CREATE TABLE life (
    life INTEGER PRIMARY KEY,
    till INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    taken_seq INTEGER NOT NULL,
    UNIQUE (till, incarnation)
) STRICT;

-- Every event as it came, for ever. Which are applied: id <= counter 'apply.cursor'. No foreign keys on the hot tables:
-- there is one writer and nothing is ever deleted from them.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    life INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    event BLOB NOT NULL,
    hlc INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    body_schema INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    ahead_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (life, seq)
) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    tried_ms INTEGER NOT NULL
) STRICT;
