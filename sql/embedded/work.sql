-- State of the worker's stages, in `work.db` beside the records it appends: one transaction for both.
CREATE TABLE IF NOT EXISTS deltas (
    id INTEGER PRIMARY KEY,
    stage TEXT NOT NULL,
    partition INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS deltas_of ON deltas (stage, partition, id);
-- chunks: how many there are, in the last one; 0 in the others.
CREATE TABLE IF NOT EXISTS snapshots (
    stage TEXT NOT NULL,
    partition INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (stage, partition, applied, chunk)
);
