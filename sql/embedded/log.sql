-- The embedded log's file format: `inbox.db` (collectors append) and `work.db` (the worker appends).
-- A record's id is its partition's number × 2^40 + its offset, so a partition is one range of ids.
CREATE TABLE IF NOT EXISTS log (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions (
    number INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    value BLOB NOT NULL
);
