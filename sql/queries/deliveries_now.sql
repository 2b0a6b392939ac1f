-- One row: triggers whose delivery was tried since `from`, by how that stands. `waiting` are tried
-- again, `given_up` were tried `attempts` times. `answer`: the newest to what is not delivered.
SELECT
    countIf(arrived) AS delivered,
    countIf(NOT arrived AND tried < {attempts:UInt32}) AS waiting,
    countIf(NOT arrived AND tried >= {attempts:UInt32}) AS given_up,
    argMaxIf(said, newest, NOT arrived) AS answer
FROM
(
    SELECT
        trigger_id,
        max(status BETWEEN 200 AND 299) AS arrived,
        max(attempt) AS tried,
        max(time) AS newest,
        argMax(detail, time) AS said
    FROM deliveries FINAL
    WHERE time >= {from:DateTime64(3, 'UTC')}
    GROUP BY trigger_id
)
