-- Records whose profile's offers must be chosen again, in the order in which they came.
CREATE TABLE dirty_record (
    record INTEGER PRIMARY KEY,
    since_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX dirty_record_since ON dirty_record (since_ms, record);

CREATE TABLE offer (
    profile INTEGER NOT NULL,
    offer BLOB NOT NULL,
    kind INTEGER NOT NULL,
    item TEXT NOT NULL,
    category TEXT NOT NULL,
    currency INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    amount_off INTEGER NOT NULL,
    basket_min INTEGER NOT NULL,
    discount_max INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    reason_item TEXT NOT NULL,
    reason_category TEXT NOT NULL,
    days_usual INTEGER NOT NULL,
    days_since INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (profile, offer)
) STRICT, WITHOUT ROWID;

-- When a profile's offers change by time alone.
CREATE TABLE offer_due (
    profile INTEGER PRIMARY KEY,
    due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX offer_due_at ON offer_due (due_ms);

CREATE TABLE product (
    item TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One bucket per store that has a till. newest = the version written last.
CREATE TABLE bucket (
    store TEXT NOT NULL PRIMARY KEY,
    newest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    store TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, key, store),
    UNIQUE (store, version)
) STRICT;
