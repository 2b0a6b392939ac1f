"""Keeps the table of rejects within its limit: strangers' go first, then pages', the oldest first.

The books count rejects in a table of their own, so that they balance whatever is deleted here.
"""

from typing import Final

import sql
from pipeline.warehouse.contract import Warehouse
from schemas.rejects import OVERHEAD

RETAINED_SHARE: Final = 0.9
"""The share of the limit that is left: deleting rewrites what stays, so it should be seldom."""


def trim_rejects(warehouse: Warehouse, limit_bytes: int) -> int:
    """Delete rejects where they cost more than `limit_bytes`. Answers how many bytes were freed.

    Which go first stands in the query. A reject costs its body's bytes and OVERHEAD. Blocks until
    they are gone.
    """
    params = {"limit": limit_bytes, "keep": int(limit_bytes * RETAINED_SHARE), "overhead": OVERHEAD}
    over = warehouse.query(sql.load("warehouse/rejects_over"), params).dicts()
    if not over:
        return 0
    last = over[0]
    bounds = {name: last[name] for name in ("worth", "time", "id")}
    warehouse.execute(sql.load("warehouse/rejects_drop"), bounds)
    return int(last["freed"])
