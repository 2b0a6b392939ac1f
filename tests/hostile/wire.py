"""Raw bytes to a collector, and what comes back."""

import re
import socket
from contextlib import suppress
from typing import Final, NamedTuple

_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LAST_ANSWER_SECONDS: Final = 0.25
"""How long to listen for another answer, or the end, after the first has come."""


class Heard(NamedTuple):
    """Everything that came until nothing more did. `closed`: the other end hung up."""

    statuses: list[int]
    head: bytes
    body: bytes
    closed: bool

    @property
    def names(self) -> set[bytes]:
        """The first answer's headers, in lower case."""
        return {line.partition(b":")[0].lower() for line in self.head.split(b"\r\n")[1:]}


def heard(port: int, raw: bytes) -> Heard:
    """Send and listen: ten seconds for an answer, a moment for more than one."""
    data = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with suppress(ConnectionError):  # it hung up on the rest; the answer is still there
            connection.sendall(raw)
        closed = _listen(connection, data)
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    return Heard([int(one) for one in _STATUS.findall(bytes(data))], head, body, closed)


def _listen(connection: socket.socket, data: bytearray) -> bool:
    try:
        while part := connection.recv(65_536):
            data += part
            connection.settimeout(_LAST_ANSWER_SECONDS)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def asking(target: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """A request as it is written on the wire; nothing is checked."""
    length = (b"Content-Length: %d" % len(body),) if body else ()
    lines = (method + b" " + target + b" HTTP/1.1", b"Host: shop.example", *headers, *length)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
