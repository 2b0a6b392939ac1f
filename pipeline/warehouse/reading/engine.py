"""The engine inside the reader: sessions over tables that it cannot change."""

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import sql
from pipeline.warehouse.chdb_session import Session, connect, run
from pipeline.warehouse.guard import Catalogue, Guard, Texts
from pipeline.warehouse.limits import READ_BYTES, READ_ROWS, READ_SECONDS
from pipeline.warehouse.pool import Pool
from pipeline.warehouse.reading.wire import Ask, Begin

_CONFIG: Final = """<clickhouse>
<custom_local_disks_base_directory>{warehouse}/</custom_local_disks_base_directory>
<mark_cache_size>33554432</mark_cache_size>
<uncompressed_cache_size>0</uncompressed_cache_size>
<background_pool_size>1</background_pool_size>
<background_move_pool_size>1</background_move_pool_size>
<background_fetches_pool_size>1</background_fetches_pool_size>
<background_common_pool_size>1</background_common_pool_size>
<background_schedule_pool_size>4</background_schedule_pool_size>
</clickhouse>"""
"""Small caches, few threads: nothing is merged or fetched here."""


class Engine:
    """Raises the warehouse's errors. One instance serves many threads."""

    def __init__(self, begin: Begin) -> None:
        folder = Path(begin.folder)
        config = folder / "config.xml"
        config.write_text(_CONFIG.format(warehouse=escape(begin.warehouse)), encoding="utf-8")
        path = f"{folder / 'engine'}?config-file={config}"
        settings = {
            "max_memory_usage": begin.memory_bytes,
            "max_memory_usage_for_user": begin.memory_bytes,  # all queries together
            "max_execution_time": READ_SECONDS,
            "max_result_rows": READ_ROWS,
            "max_result_bytes": READ_BYTES,
            "max_bytes_before_external_group_by": 0,  # no query fills a disk
            "max_bytes_before_external_sort": 0,
            "max_bytes_ratio_before_external_group_by": 0,
            "max_bytes_ratio_before_external_sort": 0,
            "readonly": int(begin.guarded),
        }
        self._tables = frozenset(begin.tables)
        self._engine = connect(path, {})  # while it is open, so is the engine
        for statement in begin.statements:
            run(self._engine, statement, "Null")
        self._parsers = Pool[Session](lambda: connect(path, settings), lambda s: s.close())
        self._readers = Pool[Session](lambda: connect(path, settings), lambda s: s.close())

    def run(self, guard: Guard | None, ask: Ask) -> bytes:
        """A query's answer. Without a guard, of whatever the query says."""
        if guard is None:
            return self._ask(self._readers, ask.sql, ask.fmt, ask.params)
        statement = guard.statement(ask.sql, ask.fmt, ask.params, self._parse)
        return self._ask(self._readers, statement, ask.fmt, ask.params)

    def _parse(self, statement: str, params: Texts) -> bytes:
        return self._ask(self._parsers, statement, "TSVRaw", params)

    def catalogue(self) -> Catalogue:
        """What there is in this engine."""
        names = run(self._engine, sql.load("reading/all_functions"), "TSVRaw").decode().split()
        tables = self._tables | {f"default.{name}" for name in self._tables}
        return Catalogue(tables, frozenset(names))

    @staticmethod
    def _ask(pool: Pool[Session], statement: str, fmt: str, params: Texts) -> bytes:
        with pool.lease() as session:
            return run(session, statement, fmt, params)
