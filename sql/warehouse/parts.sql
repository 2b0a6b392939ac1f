-- Every part of our tables, those that merges have replaced too, as the engine has them in mind.
SELECT table, name, rows, bytes_on_disk, active, path
FROM system.parts
WHERE database = currentDatabase()
