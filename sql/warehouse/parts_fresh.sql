-- The parts of one table that were made within the last minutes.
SELECT table, name, rows, bytes_on_disk, active, path
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND active
    AND modification_time > now() - INTERVAL 5 MINUTE
