-- Aggregates, rebuilt whole bucket by bucket (sql/rollups), never added to: writing one again
-- changes nothing, and an empty table only has to be rebuilt. The highest version of a bucket holds.

-- visitors: devices, to be merged over any span with uniqMerge.
CREATE TABLE IF NOT EXISTS minutes
(
    site LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    device_class LowCardinality(String),
    events UInt64,
    page_views UInt64,
    visitors AggregateFunction(uniq, String),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, minute, device_class)
SETTINGS old_parts_lifetime = 90, max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- attempts = forward + failed + those about which neither funnel nor forward set says anything.
CREATE TABLE IF NOT EXISTS page_hours
(
    site LowCardinality(String),
    page LowCardinality(String),
    hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
    device_class LowCardinality(String),
    attempts UInt64,
    forward UInt64,
    failed UInt64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, page, hour, device_class)
SETTINGS old_parts_lifetime = 90, max_bytes_to_merge_at_max_space_in_pool = 1000000000;

-- Up to which inserted_at of its source a rollup has been rebuilt.
CREATE TABLE IF NOT EXISTS rollup_marks
(
    rollup String,
    mark DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(mark)
ORDER BY rollup
SETTINGS old_parts_lifetime = 90, max_bytes_to_merge_at_max_space_in_pool = 1000000000;
