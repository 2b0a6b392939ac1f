-- Names of all functions of the engine, in small letters.
SELECT DISTINCT lower(name) FROM system.functions ORDER BY 1
