-- id = arrival number of its event in the inbox, where the whole body stays readable.
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY,
    event BLOB NOT NULL,
    till INTEGER NOT NULL,
    store TEXT NOT NULL,
    workstation TEXT NOT NULL,
    day INTEGER NOT NULL,
    number TEXT NOT NULL,
    kind INTEGER NOT NULL,
    training INTEGER NOT NULL,
    begin_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    operator_id TEXT NOT NULL,
    host TEXT NOT NULL,
    currency INTEGER NOT NULL,
    member_hash BLOB,
    record INTEGER NOT NULL,
    total INTEGER NOT NULL,
    tax_total INTEGER NOT NULL,
    tax_included INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    flags INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX purchase_event ON purchase (event);
CREATE INDEX purchase_record ON purchase (record, id) WHERE record <> 0;

-- Which purchase came first under a business key (hash of store, workstation, day, number, training).
CREATE TABLE business_key (
    hash INTEGER PRIMARY KEY,
    purchase INTEGER NOT NULL
) STRICT;

-- Returns, exchanges and voids by the business key they refer to, known here or not.
CREATE TABLE purchase_link (
    original INTEGER NOT NULL,
    purchase INTEGER NOT NULL,
    PRIMARY KEY (original, purchase)
) STRICT, WITHOUT ROWID;

CREATE TABLE purchase_line (
    purchase INTEGER NOT NULL,
    line INTEGER NOT NULL,
    type INTEGER NOT NULL,
    item TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT NOT NULL,
    unit TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price INTEGER,
    amount INTEGER NOT NULL,
    tax_rate INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    goods INTEGER NOT NULL,
    PRIMARY KEY (purchase, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE line_discount (
    purchase INTEGER NOT NULL,
    line INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    promotion TEXT NOT NULL,
    offer BLOB,
    amount INTEGER NOT NULL,
    PRIMARY KEY (purchase, line, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE tender (
    purchase INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (purchase, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE redemption (
    purchase INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    offer BLOB NOT NULL,
    PRIMARY KEY (purchase, ordinal)
) STRICT, WITHOUT ROWID;

-- Double entry: every posting has two rows that sum to zero. account = source record of the member, so that a profile that is
-- split later gives each part its own back; 0 = the programme. posting = purchase * 64 + ordinal.
CREATE TABLE ledger_entry (
    account INTEGER NOT NULL,
    posting INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    points INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    hold BLOB,
    PRIMARY KEY (account, posting)
) STRICT, WITHOUT ROWID;
