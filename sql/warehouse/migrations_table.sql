CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    digest String,
    applied_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 90,
    max_bytes_to_merge_at_max_space_in_pool = 1000000000
