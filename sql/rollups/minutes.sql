-- The touched minutes of one month. Hours are in events' sort key: they find the rows to read.
INSERT INTO minutes
WITH touched AS
(
    SELECT DISTINCT site, toStartOfMinute(time) AS minute
    FROM events
    WHERE inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND toYYYYMM(time) = {month:UInt32}
)
SELECT
    site,
    toStartOfMinute(time) AS minute,
    device_class,
    count() AS events,
    countIf(type IN ('page', 'screen')) AS page_views,
    uniqState(device) AS visitors,
    toUnixTimestamp64Milli(now64(3)) AS version
FROM events FINAL
WHERE toYYYYMM(time) = {month:UInt32}
    AND (site, toStartOfHour(time)) IN (SELECT site, toStartOfHour(minute) FROM touched)
    AND (site, toStartOfMinute(time)) IN (SELECT site, minute FROM touched)
GROUP BY site, minute, device_class
