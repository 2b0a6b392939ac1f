-- Changes whenever a part appears in, or goes from, a table that rollups are made of.
SELECT name, total_rows, total_bytes
FROM system.tables
WHERE database = currentDatabase() AND name IN ('events', 'outcomes', 'forward_sets')
ORDER BY name
