"""Sessions of chDB, and its errors as ours."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.failures import failure


class Session(Protocol):
    """What is used of chdb.session.Session, whose methods have no types."""

    def query(self, sql: str, fmt: str = ..., *, params: Mapping[str, str] | None = ...) -> Any: ...
    def send_insert(self, query: str, fmt: str) -> Any: ...
    def close(self) -> None: ...


_CODE: Final = re.compile(r"Code: (\d+)")


def connect(path: str, settings: Mapping[str, int]) -> Session:
    """A session of its own on the data in `path`. Raises WarehouseUnavailable."""
    from chdb import session as chdb  # 1.5 s, so only where a warehouse is opened

    sessions: Any = chdb
    try:
        session: Session = sessions.Session(path)
    except RuntimeError as error:
        raise WarehouseUnavailable(f"{path} cannot be opened as a warehouse: {error}") from error
    for name, value in settings.items():
        session.query(f"SET {name} = {value}")
    return session


def run(session: Session, sql: str, fmt: str, params: Mapping[str, str] | None = None) -> bytes:
    """A statement's answer in a format. After an error the session must not be used again."""
    with failures(sql):
        answer: bytes = session.query(sql, fmt, params=dict(params or {})).bytes()
        return answer


@contextmanager
def failures(statement: str) -> Iterator[None]:
    """Raises Footfall's error for the engine's inside of the block, see `failures.failure`."""
    try:
        yield
    except RuntimeError as error:  # chdb.ChdbError is one, and so is what its C++ layer throws
        code = _CODE.search(str(error))
        if code is None:
            raise WarehouseUnavailable(f"the embedded warehouse failed: {error}") from error
        raise failure(int(code[1]), str(error), statement) from error
