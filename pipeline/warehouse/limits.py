"""What a query from outside may take; `memory_limit` besides, for all of them together."""

from typing import Final

READ_SECONDS: Final = 60
"""How long it may run."""
READ_ROWS: Final = 1_000_000
"""How many rows its answer may have."""
READ_BYTES: Final = 256 * 1024 * 1024
"""How many bytes, as the engine counts them before it makes text of them."""
AT_ONCE: Final = 4
"""Queries that run at the same time."""
