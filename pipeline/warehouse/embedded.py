"""The warehouse inside the process: chDB, the ClickHouse engine as a library.

One data directory belongs to one process. Sessions are pooled, because calls through one session
wait for each other.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from pipeline import folder
from pipeline.errors import ValueRefused, WarehouseUnavailable
from pipeline.warehouse.binding import text_of
from pipeline.warehouse.contract import Params, Rows
from pipeline.warehouse.failures import failure
from pipeline.warehouse.guard import CANONICAL, refuse_unsafe
from pipeline.warehouse.native import read_native
from pipeline.warehouse.pool import Pool

if TYPE_CHECKING:
    import pyarrow as pa


class _Session(Protocol):
    """What is used of chdb.session.Session, whose methods have no types."""

    def query(self, sql: str, fmt: str = ..., *, params: dict[str, str] | None = ...) -> Any: ...
    def send_insert(self, query: str, fmt: str) -> Any: ...
    def close(self) -> None: ...


_CODE: Final = re.compile(r"Code: (\d+)")
_SELECT: Final = re.compile(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH)\b", re.IGNORECASE)

SETTINGS: Final = {
    "async_insert": 0,  # an insert is durable when it returns
    "input_format_null_as_default": 0,
    "max_partitions_per_insert_block": 0,  # hostile event times span a hundred years
    "max_insert_threads": 1,  # one batch, one part
    "optimize_on_insert": 0,  # replacing is left to merges and FINAL: a fifth of an insert's time
}
READ_SECONDS: Final = 60
"""How long a query through `raw` may take."""
READ_ROWS: Final = 1_000_000
"""How many rows its answer may have: an answer is built in this process's own memory."""


class EmbeddedWarehouse:
    """A warehouse in the directory `path`. `memory` is the most one statement may use, in bytes.

    It is this process's alone until `close`. Raises FolderInUse and FolderUnusable.
    """

    def __init__(self, path: Path, memory: int = 1 << 30) -> None:
        self._locks = ExitStack()
        self._locks.enter_context(folder.held(path))
        try:
            self._open(path, memory)
        except BaseException:
            self._locks.close()
            raise

    def _open(self, path: Path, memory: int) -> None:
        writing = SETTINGS | {"max_memory_usage": memory}
        reading = {"max_memory_usage": memory, "max_execution_time": READ_SECONDS,
                   "max_result_rows": READ_ROWS, "readonly": 1}  # fmt: skip
        self._writers = Pool(lambda: _connect(path, writing), lambda session: session.close())
        self._readers = Pool(lambda: _connect(path, reading), lambda session: session.close())
        self._schema = lru_cache(maxsize=256)(self._describe)
        self.query("SELECT 1")

    def insert(self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> None:
        """See `Warehouse.insert`: one Arrow batch, one part per partition."""
        from pipeline.warehouse.arrow import stream_of

        schema = self._schema(table, tuple(columns))
        try:
            body = stream_of(schema, data)
        except ValueRefused as error:
            raise ValueRefused(f"table `{table}`: {error}") from error
        names = ", ".join(f"`{name}`" for name in columns)
        statement = f"INSERT INTO `{table}` ({names})"
        with self._writers.lease() as session, _failures(statement):
            inserter = session.send_insert(statement, "ArrowStream")
            try:
                inserter.append(body)
                inserter.finish()
            finally:
                inserter.close()

    def query(self, sql: str, params: Params | None = None) -> Rows:
        """See `Warehouse.query`."""
        rows = read_native(self._run(self._writers, sql, "Native", params))
        return self._header(sql, params) if not rows.names and _SELECT.match(sql) else rows

    def execute(self, sql: str, params: Params | None = None) -> None:
        """See `Warehouse.execute`."""
        self._run(self._writers, sql, "Null", params)

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """See `Warehouse.raw`: what runs can neither write nor reach files or the network."""
        answer = self._run(self._readers, CANONICAL, "TSVRaw", {"statement": sql})
        canonical = answer.decode().removesuffix("\n")
        refuse_unsafe(canonical)
        return self._run(self._readers, canonical, fmt, params)

    def close(self) -> None:
        """Release the directory, once statements under way have ended."""
        self._readers.close()
        self._writers.close()
        self._locks.close()

    def _run(self, pool: Pool[_Session], sql: str, fmt: str, params: Params | None) -> bytes:
        texts = {name: text_of(value) for name, value in (params or {}).items()}
        with pool.lease() as session, _failures(sql):
            answer: bytes = session.query(sql, fmt, params=texts).bytes()
            return answer

    def _header(self, sql: str, params: Params | None) -> Rows:
        """An answer without rows: the engine then writes no Native block to read columns from."""
        sql = f"DESCRIBE (\n{sql}\n)"
        columns = read_native(self._run(self._writers, sql, "Native", params)).rows
        return Rows(tuple(c[0] for c in columns), tuple(c[1] for c in columns), [])

    def _describe(self, table: str, columns: tuple[str, ...]) -> "pa.Schema":
        import pyarrow as pa

        from pipeline.warehouse.arrow import arrow_type

        types = {row[0]: row[1] for row in self.query(f"DESCRIBE TABLE `{table}`").rows}
        return pa.schema([(name, arrow_type(types[name])) for name in columns])


def _connect(path: Path, settings: dict[str, int]) -> _Session:
    from chdb import session as chdb  # 1.5 s, so only where a warehouse is opened

    sessions: Any = chdb
    try:
        session: _Session = sessions.Session(str(path))
    except RuntimeError as error:
        raise WarehouseUnavailable(f"{path} cannot be opened as a warehouse: {error}") from error
    for name, value in settings.items():
        session.query(f"SET {name} = {value}")
    return session


@contextmanager
def _failures(statement: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # chdb.ChdbError is one, and so is what its C++ layer throws
        code = _CODE.search(str(error))
        if code is None:
            raise WarehouseUnavailable(f"the embedded warehouse failed: {error}") from error
        raise failure(int(code[1]), str(error), statement) from error
