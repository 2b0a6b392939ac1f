-- Parts that say of a column what their table does not: the file that lists them was changed.
SELECT p.table AS table, p.name AS part, any(p.column) AS column
FROM system.parts_columns AS p
LEFT JOIN system.columns AS c
    ON c.database = p.database AND c.table = p.table AND c.name = p.column AND c.type = p.type
WHERE p.database = currentDatabase() AND p.active AND c.name = ''
GROUP BY p.table, p.name
ORDER BY p.table, p.name
