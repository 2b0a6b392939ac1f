-- Where people go on and where they do not: per page and device class.
-- `share` of the attempts that can be judged, with its 95 % interval; `page_share` is the page's
-- over all classes, `norm` the site's over all pages. `left_site`: attempts with no next step.
-- `flag`: 'broke' while a break of the page (on this class, or on all) stands open.
SELECT
    per.page AS page,
    if(per.device_class = '', 'unknown', per.device_class) AS device_class,
    per.attempts AS attempts,
    per.went_forward AS went_forward,
    if(per.judged > 0, per.went_forward / per.judged, NULL) AS share,
    if(per.judged > 0, footfall_wilson(per.went_forward, per.judged).1, NULL) AS low,
    if(per.judged > 0, footfall_wilson(per.went_forward, per.judged).2, NULL) AS high,
    if(per.page_judged > 0, per.page_forward / per.page_judged, NULL) AS page_share,
    if(per.all_judged > 0, per.all_forward / per.all_judged, NULL) AS norm,
    per.left_site AS left_site,
    if(has(broken.classes, '') OR has(broken.classes, per.device_class), 'broke', '') AS flag
FROM
(
    SELECT
        page,
        device_class,
        count() AS attempts,
        count(went) AS judged,
        countIf(went) AS went_forward,
        countIf(empty(next)) AS left_site,
        sum(judged) OVER (PARTITION BY page) AS page_judged,
        sum(went_forward) OVER (PARTITION BY page) AS page_forward,
        sum(judged) OVER () AS all_judged,
        sum(went_forward) OVER () AS all_forward
    FROM outcomes_judged
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')}
    GROUP BY page, device_class
) AS per
LEFT JOIN
(
    SELECT page, groupArray(device_class) AS classes
    FROM
    (
        SELECT page, toString(device_class) AS device_class, argMax(state, time) AS latest
        FROM flags FINAL
        WHERE site = {site:String} AND time < {to:DateTime64(3, 'UTC')}
        GROUP BY page, device_class
    )
    WHERE latest = 'broke'
    GROUP BY page
) AS broken ON per.page = broken.page
ORDER BY flag DESC, attempts DESC, page, device_class
LIMIT 200
