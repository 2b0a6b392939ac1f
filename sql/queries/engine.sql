-- Which engine answers, and how many tables the migrations have made.
SELECT version() AS version, count() AS tables FROM system.tables WHERE database = currentDatabase()
