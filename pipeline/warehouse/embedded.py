"""The warehouse inside the process: chDB, the ClickHouse engine as a library.

One data directory belongs to one process. Sessions are pooled, because calls through one session
wait for each other. What others ask runs in a process of its own, which reads the same files.
"""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sql as statements
from pipeline.errors import ValueRefused, WarehouseUnavailable
from pipeline.folder import lock_folders
from pipeline.warehouse.binding import text_of
from pipeline.warehouse.chdb_session import Session, connect, failures, run
from pipeline.warehouse.contract import Params, Rows
from pipeline.warehouse.limits import AT_ONCE
from pipeline.warehouse.native import read_native
from pipeline.warehouse.opening import CapturedText, captured_stderr, open_error
from pipeline.warehouse.pool import Pool
from pipeline.warehouse.reading import attach
from pipeline.warehouse.reading.process import ANSWER_SECONDS, ReaderProcess
from pipeline.warehouse.reading.wire import Begin

if TYPE_CHECKING:
    import pyarrow as pa


_SELECT: Final = re.compile(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH)\b", re.IGNORECASE)

SETTINGS: Final = {
    "async_insert": 0,  # an insert is durable when it returns
    "input_format_null_as_default": 0,
    "max_partitions_per_insert_block": 0,  # hostile event times span a hundred years
    "max_insert_threads": 1,  # one batch, one part
    "optimize_on_insert": 0,  # replacing is left to merges and FINAL: a fifth of an insert's time
}


class EmbeddedWarehouse:
    """A warehouse in the directory `path`.

    `memory_bytes` is the most one statement of our own may use, and all of others' together.
    `guarded` is False in tests alone, of what the reader can do without. A reader in which a query
    goes on for `answer_seconds` is killed. The directory is this process's alone until `close`.
    Raises FolderInUse and FolderUnusable.
    """

    def __init__(
        self,
        path: Path,
        memory_bytes: int = 1 << 30,
        guarded: bool = True,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._locks = ExitStack()
        self._locks.enter_context(lock_folders(path))
        self._path, self._memory_bytes, self._guarded = path.resolve(), memory_bytes, guarded
        self._answer_seconds = answer_seconds
        try:
            self._open()
        except BaseException:
            self._locks.close()
            raise

    def _open(self) -> None:
        path, settings = str(self._path), SETTINGS | {"max_memory_usage": self._memory_bytes}
        captured = CapturedText()
        try:
            with captured_stderr() as captured:
                self._engine = connect(path, {})  # while it is open, so is the engine
                run(self._engine, "SELECT 1", "Null")
        except WarehouseUnavailable as error:
            raise open_error(self._path, f"{error} {captured.text}") from error
        self._sessions = Pool[Session](
            lambda: connect(path, settings), lambda session: session.close()
        )
        self._schema = lru_cache(maxsize=256)(self._describe)
        self.reader = ReaderProcess(self._begin, self._answer_seconds)

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        """See `Warehouse.insert`: one Arrow batch, one part per partition. Raises ValueRefused too."""
        from pipeline.warehouse.arrow import stream_of

        schema = self._schema(table, tuple(columns))
        try:
            body = stream_of(schema, data)
        except ValueRefused as error:
            raise ValueRefused(f"table `{table}`: {error}") from error
        names = ", ".join(f"`{name}`" for name in columns)
        statement = f"INSERT INTO `{table}` ({names})"
        with self._sessions.lease() as session, failures(statement):
            inserter = session.send_insert(statement, "ArrowStream")
            try:
                inserter.append(body)
                inserter.finish()
            finally:
                inserter.close()

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """See `Warehouse.query`."""
        rows = read_native(self._run(sql, "Native", params))
        return self._header(sql, params) if not rows.names and _SELECT.match(sql) else rows

    def execute(self, sql: str, params: Params | None = None) -> None:
        """See `Warehouse.execute`."""
        self._run(sql, "Null", params)

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """See `Warehouse.raw`: of what was inserted up to a second ago, by a process that only reads."""
        return self.reader.ask(sql, fmt, _texts(params))

    def prepare(self) -> None:
        """See `Warehouse.prepare`: starts the process that answers."""
        self.reader.pid()

    def close(self) -> None:
        """Release the directory, once statements under way have ended."""
        self.reader.close()
        self._sessions.close()
        self._engine.close()
        self._locks.close()

    def _run(self, sql: str, fmt: str, params: Params | None) -> bytes:
        with self._sessions.lease() as session:
            return run(session, sql, fmt, _texts(params))

    def _begin(self, folder: Path) -> Begin:
        functions = self.query(statements.load(attach.FUNCTIONS))
        objects = self.query(statements.load(attach.OBJECTS))
        return Begin(
            warehouse=str(self._path),
            folder=str(folder),
            memory_bytes=self._memory_bytes,
            at_once=AT_ONCE,
            statements=list(attach.statements(functions, objects)),
            tables=[row[0] for row in objects.rows],
            guarded=self._guarded,
        )

    def _header(self, sql: str, params: Params | None) -> Rows:
        """An answer without rows: the engine then writes no Native block to read columns from."""
        columns = read_native(self._run(f"DESCRIBE (\n{sql}\n)", "Native", params)).rows
        return Rows(tuple(c[0] for c in columns), tuple(c[1] for c in columns), [])

    def _describe(self, table: str, columns: tuple[str, ...]) -> "pa.Schema":
        import pyarrow as pa

        from pipeline.warehouse.arrow import arrow_type

        types = {row[0]: row[1] for row in self.query(f"DESCRIBE TABLE `{table}`").rows}
        return pa.schema([(name, arrow_type(types[name])) for name in columns])


def _texts(params: Params | None) -> dict[str, str]:
    return {name: text_of(value) for name, value in (params or {}).items()}
