-- Every table, view and function of ours as the engine has it in mind; a damaged file of theirs may
-- still be readable. uuid: of `books`, which tells this warehouse from one that was made anew.
SELECT name, hex(SHA256(create_table_query)) AS digest, if(name = 'books', toString(uuid), '') AS uuid
FROM system.tables
WHERE database = currentDatabase()
UNION ALL
SELECT name, hex(SHA256(create_query)) AS digest, '' AS uuid
FROM system.functions
WHERE origin = 'SQLUserDefined'
ORDER BY name
