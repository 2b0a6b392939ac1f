-- What was concluded: rows that later facts correct. The highest version of a key holds;
-- deleted = 1 takes the row back.

CREATE TABLE IF NOT EXISTS sessions
(
    site LowCardinality(String),
    device String CODEC(ZSTD(1)),
    start DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    `end` DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    events UInt32,
    pages UInt32,
    entry_page LowCardinality(String),
    exit_page LowCardinality(String),
    device_class LowCardinality(String),
    version UInt64,
    deleted UInt8,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (site, toDate(start), device, start)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- forward: 1 or 0 where a declared funnel says so; NULL where forward_sets must.
CREATE TABLE IF NOT EXISTS outcomes
(
    site LowCardinality(String),
    page LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    device String CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    device_class LowCardinality(String),
    next Array(LowCardinality(String)),
    forward Nullable(Bool),
    decided_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    version UInt64,
    deleted UInt8,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_inserted_at inserted_at TYPE minmax GRANULARITY 1,
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (site, page, toStartOfHour(time), device, time, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS identities
(
    site LowCardinality(String),
    identifier String CODEC(ZSTD(1)),
    person_id String CODEC(ZSTD(1)),
    canonical String CODEC(ZSTD(1)),
    version UInt64,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, identifier)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS link_refusals
(
    site LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    `left` String CODEC(ZSTD(1)),
    `right` String CODEC(ZSTD(1)),
    reason LowCardinality(String),
    version UInt64,
    deleted UInt8,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (site, `left`, `right`, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS cycles
(
    site LowCardinality(String),
    person_id String CODEC(ZSTD(1)),
    product_id String CODEC(ZSTD(1)),
    purchases UInt32,
    last_purchase DateTime64(3, 'UTC'),
    interval_days Float64,
    due_at DateTime64(3, 'UTC'),
    late_at DateTime64(3, 'UTC'),
    lapsed_at DateTime64(3, 'UTC'),
    state LowCardinality(String),
    version UInt64,
    deleted UInt8,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (site, person_id, product_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS forward_sets
(
    site LowCardinality(String),
    page LowCardinality(String),
    next LowCardinality(String),
    share Float64,
    version UInt64,
    deleted UInt8,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (site, page, next)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS flags
(
    site LowCardinality(String),
    page LowCardinality(String),
    device_class LowCardinality(String),
    time DateTime64(3, 'UTC'),
    state LowCardinality(String),
    expected Float64,
    observed Float64,
    views Float64,
    failed_views Float64,
    trigger_id String,
    reason String,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (site, page, device_class, time, state)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- evidence: a JSON object.
CREATE TABLE IF NOT EXISTS triggers
(
    id String,
    rule LowCardinality(String),
    site LowCardinality(String),
    subject String CODEC(ZSTD(1)),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    reason String CODEC(ZSTD(1)),
    evidence String CODEC(ZSTD(1)),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- status: what the endpoint answered in HTTP, 0 for no answer.
CREATE TABLE IF NOT EXISTS deliveries
(
    trigger_id String,
    endpoint LowCardinality(String),
    attempt UInt16,
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    status UInt16,
    detail String CODEC(ZSTD(1)),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (trigger_id, endpoint, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;
