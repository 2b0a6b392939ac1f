-- Parts that the engine has put aside because it could not read them.
SELECT table, name, coalesce(reason, '') AS reason
FROM system.detached_parts
WHERE database = currentDatabase() AND reason != ''
ORDER BY table, name
