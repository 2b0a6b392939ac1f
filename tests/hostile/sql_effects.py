"""What a statement did, seen from outside of whoever ran it."""

import os
import secrets
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.hostile.sql_escapes import Target


class Effects(NamedTuple):
    """What must not have happened."""

    read: bool
    told: bool
    written: bool
    connected: bool

    def __bool__(self) -> bool:
        return any(self)


class Ground:
    """A file with a word that nobody knows, a secret in the environment, and an open port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._word, self._secret = secrets.token_hex(16), secrets.token_hex(16)
        (folder / "canary.txt").write_text(f"{self._word}\n")
        self._variable = f"CANARY_{self._word}"
        os.environ[self._variable] = self._secret
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._connections = 0
        self.target = Target(
            str(folder / "canary.txt"), str(folder / "written"), self._socket.getsockname()[1]
        )
        self._before = self._names()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        del os.environ[self._variable]

    def effects(self, said: bytes) -> Effects:
        """Since the last time. `said` is all that came back, errors too."""
        connections, self._connections = self._connections, 0
        names, before = self._names(), self._before
        self._before = names
        return Effects(
            self._word.encode() in said,
            self._secret.encode() in said,
            names != before,
            connections > 0,
        )

    def _names(self) -> set[tuple[str, int]]:
        """Files in the folder and where we stand, with their sizes."""
        here = [path for path in Path.cwd().iterdir() if path.is_file()]
        there = [path for path in self._folder.rglob("*") if path.is_file()]
        return {(str(path), path.stat().st_size) for path in (*here, *there)}

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections += 1
            connection.close()
