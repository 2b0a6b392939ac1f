-- One row: who is known, and who is due for what.
SELECT
    (SELECT uniqExact(person_id) FROM people WHERE site = {site:String}) AS people,
    (SELECT count() FROM people WHERE site = {site:String}) AS identifiers,
    (
        SELECT uniqExact(device) FROM device_owners WHERE site = {site:String} AND asserted != ''
    ) AS linked_devices,
    (
        SELECT countIf(devices > 1)
        FROM
        (
            SELECT p.person_id, uniqExact(o.device) AS devices
            FROM device_owners AS o
            INNER JOIN people AS p ON o.site = p.site AND o.asserted = p.identifier
            WHERE o.site = {site:String}
            GROUP BY p.person_id
        )
    ) AS on_several_devices,
    (SELECT count() FROM link_refusals FINAL WHERE site = {site:String}) AS refused_links,
    (SELECT countIf(state = 'due') FROM cycles FINAL WHERE site = {site:String}) AS due,
    (SELECT countIf(state = 'late') FROM cycles FINAL WHERE site = {site:String}) AS late,
    (SELECT countIf(state = 'lapsed') FROM cycles FINAL WHERE site = {site:String}) AS lapsed
