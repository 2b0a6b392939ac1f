-- The embedded log's file format: `inbox.db` (collectors append) and `work.db` (the worker appends).
-- A record's id is its partition's number × 2^40 + its offset, so a partition is one range of ids.
-- A partition holds every record from first_offset to before next_offset: one that is not there was
-- destroyed. What checksums are of stands in `schemas/logfile.py`.
CREATE TABLE IF NOT EXISTS log (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions (
    number INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    events INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    value BLOB NOT NULL
);
