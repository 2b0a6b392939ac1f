-- Everything one customer did and what followed from it, newest first.
-- `customer` is a person id, or `device:…` for a device that nobody is known on.
WITH
    (
        SELECT if(startsWith({customer:String}, 'device:'),
            footfall_person_id({site:String}, {customer:String}), {customer:String})
    ) AS person,
    known AS
    (
        SELECT identifier FROM people WHERE site = {site:String} AND person_id = {customer:String}
    ),
    used AS
    (
        SELECT device FROM device_owners WHERE site = {site:String} AND asserted IN known
        UNION ALL
        SELECT '' AS device
        UNION ALL
        SELECT replaceRegexpOne({customer:String}, '^device:', '') AS device
        WHERE startsWith({customer:String}, 'device:')
    )
SELECT time, kind, title, detail, device
FROM
(
    SELECT
        e.time AS time,
        toString(e.type) AS kind,
        multiIf(
            e.type IN ('page', 'screen'), e.path, e.event != '', toString(e.event), e.identifier
        ) AS title,
        multiIf(
            e.type IN ('page', 'screen'), e.title, e.properties != '{}', e.properties, ''
        ) AS detail,
        e.device AS device
    FROM events_resolved AS e
    WHERE e.site = {site:String} AND e.device IN used
        AND (e.device != '' OR e.identifier IN known)
        AND e.person_id = person
        AND e.type NOT IN ('purchase', 'ticket', 'feedback')
    UNION ALL
    SELECT
        time,
        'purchase' AS kind,
        concat('Order ', order_id, ' ', status) AS title,
        concat(arrayStringConcat(arrayMap((n, p) -> if(n != '', n, p), names, product_ids), ', '),
            ' · ', toDecimalString(total, 2), ' ', currency) AS detail,
        device
    FROM purchases_resolved
    WHERE site = {site:String} AND device IN used AND (device != '' OR identifier IN known)
        AND person_id = person
    UNION ALL
    SELECT
        time,
        'ticket' AS kind,
        concat('Ticket ', ticket_id, ' ', action) AS title,
        arrayStringConcat(
            arrayFilter(said -> said != '',
                [subject, ifNull(concat('rated ', toString(rating), ' of 5'), '')]),
            ' · ') AS detail,
        device
    FROM tickets_resolved
    WHERE site = {site:String} AND device IN used AND (device != '' OR identifier IN known)
        AND person_id = person
    UNION ALL
    SELECT
        time,
        'feedback' AS kind,
        concat(if(f.kind = 'comment', 'Comment', upper(f.kind)),
            ifNull(concat(' ', toString(score)), '')) AS title,
        concat(about, if(about != '' AND comment != '', ': ', ''), comment) AS detail,
        device
    FROM feedback_resolved AS f
    WHERE site = {site:String} AND device IN used AND (device != '' OR identifier IN known)
        AND person_id = person
    UNION ALL
    SELECT time, 'trigger' AS kind, toString(rule) AS title, reason AS detail, '' AS device
    FROM triggers FINAL
    WHERE site = {site:String} AND subject = person
)
ORDER BY time DESC, kind, title
LIMIT 500
