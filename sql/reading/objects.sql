-- Tables and views of this database as they were made, tables with the places of their data.
SELECT name, create_table_query, if(engine = 'View', [], data_paths) AS places
FROM system.tables
WHERE database = currentDatabase() AND NOT is_temporary
ORDER BY engine = 'View', name
