-- How many repurchase cycles (a person's wait for a product) stand in each state.
SELECT state, count() AS cycles, uniqExact(person_id) AS people
FROM cycles FINAL
WHERE site = {site:String}
GROUP BY state
ORDER BY indexOf(['waiting', 'due', 'late', 'lapsed'], toString(state))
