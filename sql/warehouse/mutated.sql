-- Up to which block rows may have been deleted on purpose, by table: rejects beyond their limit.
SELECT table, max(arrayMax(block_numbers.number)) AS block
FROM system.mutations
WHERE database = currentDatabase()
GROUP BY table
