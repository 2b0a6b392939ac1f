"""A collector in this process on an embedded log, and what is in its inbox afterwards."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from collectors.config import CollectorConfig
from collectors.server import run
from schemas.events import Event
from schemas.keys import Keys
from schemas.logfile import INBOX
from schemas.rejects import Reject
from schemas.topics import EVENTS, REJECTS

S = TypeVar("S")


class Inbox(NamedTuple):
    """Everything a collector wrote, but its ticks."""

    events: list[Event]
    rejects: list[Reject]


@contextmanager
def collector(directory: Path, keys: Keys) -> Iterator[str]:
    """Its address while it runs; on leaving it has written what it promised."""
    listening: list[int] = []
    ready, stop, loops = threading.Event(), asyncio.Event(), list[asyncio.AbstractEventLoop]()

    def listens(port: int) -> None:
        listening.append(port)
        ready.set()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        config = CollectorConfig(log=f"embedded://{directory}", keys=keys, port=0)
        await run(config, stop, listens)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20), "the collector does not listen"
        yield f"http://127.0.0.1:{listening[0]}"
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)


def inbox(directory: Path) -> Inbox:
    """Read a stopped collector's log."""
    events = [one for one in _lines(directory, EVENTS.name, Event) if one.type != "tick"]
    return Inbox(events, _lines(directory, REJECTS.name, Reject))


def _lines(directory: Path, topic: str, form: type[S]) -> list[S]:
    decoder = msgspec.json.Decoder(form)
    with closing(sqlite3.connect(directory / INBOX)) as db:
        rows = db.execute(
            "SELECT value FROM records JOIN partitions ON id >> 40 = number "
            "WHERE topic = ? ORDER BY id",
            (topic,),
        ).fetchall()
    return [one for (value,) in rows for one in decoder.decode_lines(value)]
