-- What happened: rows that are written once and never corrected.
--
-- Every table is a ReplacingMergeTree whose sort key is equal for a row and its repeat, so that
-- a paused worker's late insert of rows that are already there changes no count read with FINAL.
-- Sort keys use the client's own time: a re-send keeps it, so it meets its first copy. No table is
-- partitioned by that time: one sender with events of a century would make a thousand parts of an
-- insert, and stop the worker for a minute.
-- log_id, topic, partition, offset, index: the source record of a row (schemas/rows.SOURCE).
-- inserted_at: the warehouse's clock; rollups find touched buckets by it, nothing else reads it.
-- old_parts_lifetime: what a merge has replaced stays for 90 s, since the embedded engine takes a merge
-- that met a full disk for done; then a restart brings the sources back (pipeline/warehouse/reserved.py).
-- A query of 60 s, the longest there is, reads on in them too. Each such part takes some 40 KB of memory,
-- and at full load there are ten a second. max_bytes_to_merge…: FOOTFALL_DISK_RESERVE is twice the largest part that a merge makes.
-- browser to referrer_source: what the collector made of an event's user agent, address, URL and
-- referrer (collectors/enrichment); '' where it does not know. ip: truncated, a keyed hash, or '', as
-- the collector's settings had it. click_id: network:value.

CREATE TABLE IF NOT EXISTS events
(
    site LowCardinality(String),
    type LowCardinality(String),
    event LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    corrected_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    device String CODEC(ZSTD(1)),
    identifier String CODEC(ZSTD(1)),
    url String CODEC(ZSTD(1)),
    path String CODEC(ZSTD(1)),
    page LowCardinality(String),
    title String CODEC(ZSTD(1)),
    referrer String CODEC(ZSTD(1)),
    device_class LowCardinality(String),
    opt_out Bool,
    properties String CODEC(ZSTD(1)),
    traits String CODEC(ZSTD(1)),
    browser LowCardinality(String),
    os LowCardinality(String),
    bot LowCardinality(String),
    country LowCardinality(String),
    ip String CODEC(ZSTD(1)),
    campaign_source LowCardinality(String),
    campaign_medium LowCardinality(String),
    campaign_name LowCardinality(String),
    campaign_term LowCardinality(String),
    campaign_content LowCardinality(String),
    click_id String CODEC(ZSTD(1)),
    referrer_medium LowCardinality(String),
    referrer_source LowCardinality(String),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_inserted_at inserted_at TYPE minmax GRANULARITY 1,
    INDEX by_device device TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (site, toStartOfHour(time), device, time, message_id, type)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS assertions
(
    site LowCardinality(String),
    device String CODEC(ZSTD(1)),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    identifier String CODEC(ZSTD(1)),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (site, device, time, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS purchases
(
    site LowCardinality(String),
    order_id String CODEC(ZSTD(1)),
    status LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    identifier String CODEC(ZSTD(1)),
    device String CODEC(ZSTD(1)),
    currency LowCardinality(String),
    total Decimal(18, 4),
    product_ids Array(String),
    names Array(String),
    categories Array(LowCardinality(String)),
    quantities Array(Int64),
    prices Array(Decimal(18, 4)),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (site, order_id, status, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS tickets
(
    site LowCardinality(String),
    ticket_id String CODEC(ZSTD(1)),
    action LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    identifier String CODEC(ZSTD(1)),
    device String CODEC(ZSTD(1)),
    channel LowCardinality(String),
    subject String CODEC(ZSTD(1)),
    priority LowCardinality(String),
    rating Nullable(Int32),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (site, ticket_id, time, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS feedback
(
    site LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    identifier String CODEC(ZSTD(1)),
    device String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    score Nullable(Int32),
    comment String CODEC(ZSTD(1)),
    about String CODEC(ZSTD(1)),
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (site, time, message_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

CREATE TABLE IF NOT EXISTS rejects
(
    id String,
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    site LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    path LowCardinality(String),
    body String CODEC(ZSTD(3)),
    cut Bool,
    sender LowCardinality(String),
    method LowCardinality(String),
    opt_out Bool,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (received_at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- beyond_window: how many of the stored events may be repeats of what the worker no longer remembers.
CREATE TABLE IF NOT EXISTS books
(
    site LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    declared UInt32,
    stored UInt32,
    deduplicated UInt32,
    rejected UInt32,
    beyond_window UInt32,
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt16,
    offset Int64 CODEC(Delta, ZSTD(1)),
    `index` UInt32 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (log_id, topic, partition, offset, site, `index`)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000;
