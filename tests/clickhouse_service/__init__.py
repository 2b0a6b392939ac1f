"""A small ClickHouse service for tests: its native TCP protocol (and HTTP) in front of chDB.

No recent ClickHouse server can be had from PyPI, and what `ServerWarehouse` does on a connection
should run in every test run all the same. `python -m tests.clickhouse_service --path DIR` serves
until it is killed; `process.Service` starts, kills and restarts one.
"""
