-- Readings that several queries share: what counts as an order, what a product is called, and what counts as
-- going forward.

-- One row per order, whoever reported it and however often: the earliest report of its completion.
-- `void`: cancelled, or refunded as a whole (a refund that names no items). `revenue` is what is
-- left after refunds of single items, and 0 for a void order.
CREATE OR REPLACE VIEW orders AS
SELECT
    site, order_id, ordered AS time, identifier, device, currency, items, void,
    if(void, toDecimal64(0, 4), greatest(total - returned, toDecimal64(0, 4))) AS revenue
FROM
(
    SELECT
        p.site AS site,
        p.order_id AS order_id,
        minIf(p.time, p.status = 'completed') AS ordered,
        argMinIf(p.identifier, (p.time, p.message_id), p.status = 'completed' AND p.identifier != '') AS identifier,
        argMinIf(p.device, (p.time, p.message_id), p.status = 'completed' AND p.device != '') AS device,
        argMinIf(p.currency, (p.time, p.message_id), p.status = 'completed') AS currency,
        argMinIf(p.total, (p.time, p.message_id), p.status = 'completed') AS total,
        argMinIf(arraySum(p.quantities), (p.time, p.message_id), p.status = 'completed') AS items,
        sumIf(abs(p.total), p.status = 'refunded') AS returned,
        countIf(p.status = 'cancelled' OR (p.status = 'refunded' AND empty(p.product_ids))) > 0 AS void
    FROM purchases AS p FINAL
    GROUP BY site, order_id
    HAVING countIf(p.status = 'completed') > 0
);

-- What a product was called when it was last sold. One that never had a name has no row.
CREATE OR REPLACE VIEW product_names AS
SELECT site, product_id, argMax(sold, time) AS name
FROM purchases FINAL
ARRAY JOIN product_ids AS product_id, names AS sold
WHERE sold != ''
GROUP BY site, product_id;

-- `went`: whether the attempt led forward; NULL where neither a funnel nor learning can say.
CREATE OR REPLACE VIEW outcomes_judged AS
SELECT
    seen.site AS site, seen.page AS page, seen.time AS time, seen.device AS device,
    seen.device_class AS device_class, seen.next AS next,
    multiIf(
        isNotNull(seen.forward), seen.forward,
        notEmpty(learned.steps), hasAny(seen.next, learned.steps),
        NULL
    ) AS went
FROM (SELECT * FROM outcomes FINAL WHERE device_class != 'bot') AS seen
LEFT JOIN
(
    SELECT site, page, groupArray(next) AS steps FROM forward_sets FINAL GROUP BY site, page
) AS learned ON seen.site = learned.site AND seen.page = learned.page;

-- Wilson's score interval at 95 % for `hits` of `trials` (E. B. Wilson, 1927): (low, high).
CREATE OR REPLACE FUNCTION footfall_wilson AS (hits, trials) ->
    arrayMap(
        (p, n, z) -> (
            greatest(0, (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)),
            least(1, (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n))
        ),
        [hits / trials], [toFloat64(trials)], [1.959964]
    )[1];
