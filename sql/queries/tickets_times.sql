-- Tickets created between `from` and `to`, by channel: hours to the first answer and to the
-- first solution, of those that have one.
SELECT
    if(channel = '', 'unknown', channel) AS channel,
    count() AS tickets,
    countIf(solved > 0) AS solved_tickets,
    round(quantileExactIf(0.5)((answered - created) / 3600000, answered > 0), 2) AS hours_to_answer,
    round(quantileExactIf(0.5)((solved - created) / 3600000, solved > 0), 2) AS hours_to_solve,
    round(quantileExactIf(0.9)((solved - created) / 3600000, solved > 0), 2) AS hours_to_solve_p90
FROM
(
    SELECT
        ticket_id,
        argMaxIf(toString(channel), (time, message_id), channel != '') AS channel,
        minIf(toUnixTimestamp64Milli(time), action = 'created') AS created,
        minIf(toUnixTimestamp64Milli(time), action = 'answered') AS answered,
        minIf(toUnixTimestamp64Milli(time), action = 'solved') AS solved
    FROM tickets FINAL
    WHERE site = {site:String}
    GROUP BY ticket_id
    HAVING created >= toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')})
        AND created < toUnixTimestamp64Milli({to:DateTime64(3, 'UTC')})
)
GROUP BY channel
ORDER BY tickets DESC, channel
