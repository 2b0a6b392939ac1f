-- The touched hours of one month. Buckets that lost their last outcome get zeros.
INSERT INTO page_hours
WITH touched AS
(
    SELECT DISTINCT site, page, toStartOfHour(time) AS hour
    FROM outcomes
    WHERE toYYYYMM(time) = {month:UInt32}
        AND (inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC') OR (site, page) IN
            (SELECT site, page FROM forward_sets WHERE inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC')))
),
learned AS
(
    SELECT site, page, groupArray(next) AS steps FROM forward_sets FINAL GROUP BY site, page
),
decided AS
(
    SELECT
        outcomes.site AS site, outcomes.page AS page, toStartOfHour(time) AS hour, device_class,
        if(forward IS NULL AND notEmpty(steps), hasAny(outcomes.next, steps), forward) AS went
    FROM outcomes FINAL
    LEFT JOIN learned ON outcomes.site = learned.site AND outcomes.page = learned.page
    WHERE toYYYYMM(time) = {month:UInt32}
        AND (site, page, toStartOfHour(time)) IN (SELECT site, page, hour FROM touched)
)
SELECT
    site, page, hour, device_class,
    sum(attempts) AS attempts, sum(forward) AS forward, sum(failed) AS failed,
    toUnixTimestamp64Milli(now64(3)) AS version
FROM
(
    SELECT site, page, hour, device_class, 1 AS attempts, went = 1 AS forward, went = 0 AS failed
    FROM decided
    UNION ALL
    SELECT site, page, hour, device_class, 0 AS attempts, 0 AS forward, 0 AS failed
    FROM page_hours
    WHERE toYYYYMM(hour) = {month:UInt32}
        AND (site, page, hour) IN (SELECT site, page, hour FROM touched)
)
GROUP BY site, page, hour, device_class
