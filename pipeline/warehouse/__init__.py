"""The warehouse: one contract, two engines (chDB in the process, a ClickHouse server)."""
