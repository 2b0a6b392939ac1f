"""Rollups: aggregates that are rebuilt where their source changed.

What changed is found in the warehouse alone, by `inserted_at` of the source rows; so it does not
matter which worker wrote them, or how often. Only the warehouse's clock is compared with itself.
"""

from time import monotonic
from typing import Any, Final

import sql
from pipeline.warehouse.contract import Warehouse
from schemas.time_units import MINUTE_MS

ROLLUPS: Final = ("minutes", "page_hours")

MARGIN_MS: Final = MINUTE_MS
"""An insert may become visible this long after the `inserted_at` of its rows was taken."""

MIN_PAUSE_SECONDS: Final = 1.0
PAUSE_SHARE: Final = 9.0
"""Pauses are this many times as long as the refresh before: at most a tenth of one core's time."""

_Month = int
_News = dict[_Month, tuple[int, int]]


class Rollups:
    """Keeps every rollup fresh. One thread calls `refresh` again and again.

    Several workers may do so at once: they rebuild the same buckets to the same values. Deleting
    a rollup's row in `rollup_marks` rebuilds it from all that is stored, at the next start.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._watermarks: dict[str, int] = dict(warehouse.query(sql.load("rollups/marks")).rows)
        self._stored = dict(self._watermarks)
        self._refreshed: dict[str, _News] = {}
        self._sources: list[tuple[Any, ...]] = []

    def refresh(self) -> float:
        """Rebuild what was touched since the last call; how many seconds to wait for the next.

        Blocks. Raises WarehouseUnavailable; the next call then does it again.
        """
        began = monotonic()
        sources = self._warehouse.query(sql.load("rollups/sources")).rows
        if sources != self._sources:
            for rollup in ROLLUPS:
                self._refresh(rollup)
            self._sources = sources
        return max(MIN_PAUSE_SECONDS, PAUSE_SHARE * (monotonic() - began))

    def _refresh(self, rollup: str) -> None:
        watermark = self._watermarks.get(rollup, 0)
        since = max(0, watermark - MARGIN_MS)
        news = self._news(rollup, since)
        refreshed = self._refreshed.get(rollup, {})
        for month in news:
            if news[month] != refreshed.get(month):
                params = {"since": since, "month": month}
                self._warehouse.execute(sql.load(f"rollups/{rollup}"), params)
        self._refreshed[rollup] = news
        self._move(rollup, max((newest for newest, _ in news.values()), default=watermark))

    def _news(self, rollup: str, since: int) -> _News:
        rows = self._warehouse.query(sql.load(f"rollups/{rollup}_news"), {"since": since}).rows
        return {month: (newest, count) for month, newest, count in rows}

    def _move(self, rollup: str, watermark: int) -> None:
        """Keep the mark, now and then: each time would write a part of one row every second."""
        self._watermarks[rollup] = watermark
        if watermark - self._stored.get(rollup, 0) > MARGIN_MS:
            self._warehouse.insert("rollup_marks", ("rollup", "mark"), ([rollup], [watermark]))
            self._stored[rollup] = watermark
