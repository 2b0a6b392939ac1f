-- The worker's account of one site's events, and how many there really are.
SELECT
    toUInt32(sum(declared)) AS declared,
    toUInt32(sum(stored)) AS stored,
    toUInt32(sum(deduplicated)) AS deduplicated,
    toUInt32(sum(rejected)) AS rejected,
    (SELECT toUInt32(count()) FROM events FINAL WHERE site = {site:String}) AS rows
FROM books FINAL
WHERE site = {site:String}
