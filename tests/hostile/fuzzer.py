"""Hostile requests without end: a real one of a dialect, damaged somewhere on its way."""

import gzip
import zlib
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from collectors.dialects.contract import Dialect
from tests.hostile.corpus import PACKS, Seed, seeds
from tests.hostile.mutations import any_of, damaged, reshaped
from tests.hostile.pools import WORDS

_LARGE: Final = 0.000_2
"""How often a request is over a limit of size: such a one costs as much as a thousand others."""


class Sent(NamedTuple):
    """A request as it is sent. A GET has its events in `query`, and no body."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def bearing(self) -> bytes:
        """The bytes that bring the events."""
        return self.query if self.method == "GET" else self.body


class Fuzzer:
    """Requests for one dialect; the same seed, the same requests."""

    def __init__(self, dialect: Dialect, seed: int) -> None:
        self._rng = Random(seed)
        self._seeds = seeds(dialect)
        self._wholes = [seed.whole for seed in self._seeds]

    def __next__(self) -> Sent:
        rng = self._rng
        seed = any_of(rng, self._seeds)
        body = self._large(seed) if rng.random() < _LARGE else self._body(seed)
        query, headers = seed.query, dict(seed.headers)
        if rng.random() < 0.15:
            query = any_of(rng, _QUERIES)
        if rng.random() < 0.2:
            name, value = any_of(rng, _HEADERS)
            headers[name] = value(rng)
        path = seed.path if rng.random() < 0.7 else any_of(rng, seed.paths)
        if seed.method == "GET":
            return Sent("GET", path, body, headers, b"")
        return Sent("POST", path, query, headers, body)

    def _body(self, seed: Seed) -> bytes:
        rng = self._rng
        whole, roll = seed.whole, rng.random()
        if roll < 0.6:
            whole = reshaped(rng, whole)
        if 0.55 < roll < 0.85:
            whole = damaged(rng, whole, self._wholes)
        pack = seed.pack if rng.random() < 0.95 else any_of(rng, PACKS)
        body = pack(whole)
        if roll > 0.95:
            body = damaged(rng, body, self._wholes)
        if seed.method == "POST" and rng.random() < 0.1:
            body = any_of(rng, CODINGS)(rng, body)
        return body

    def _large(self, seed: Seed) -> bytes:
        rng = self._rng
        if seed.method == "GET":
            return seed.pack(seed.whole) + b"&a=" * any_of(rng, (600, 200_000))
        return any_of(rng, _LARGES)(seed.whole)


def _gzip(rng: Random, body: bytes) -> bytes:
    return gzip.compress(body, 1)


def _cut_gzip(rng: Random, body: bytes) -> bytes:
    coded = gzip.compress(body, 1)
    return coded[: int(rng.random() * len(coded))]


def _broken_gzip(rng: Random, body: bytes) -> bytes:
    return damaged(rng, gzip.compress(body, 1), (body,))


_Coding = Callable[[Random, bytes], bytes]
CODINGS: Final[tuple[_Coding, ...]] = (
    _gzip,
    _gzip,
    _gzip,
    _cut_gzip,
    _broken_gzip,
    lambda rng, body: gzip.compress(gzip.compress(body, 1), 1),
    lambda rng, body: gzip.compress(body, 1) * 2,
    lambda rng, body: zlib.compress(body, 1),
    lambda rng, body: b"\xef\xbb\xbf" + body,
    lambda rng, body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda rng, body: b64encode(body),
    lambda rng, body: b" \r\n\t" + body + b"\n\n",
    lambda rng, body: b"",
    lambda rng, body: body + body,
)

_LARGES: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda whole: b'{"batch":[' + b"{}," * 10_000 + b"{}]}",
    lambda whole: b'{"data":[' + b"1," * 10_000 + b"1]}",
    lambda whole: b"[" + b"{}," * 10_000 + b"{}]",
    lambda whole: b"x" * 4_200_000,
    lambda whole: gzip.compress(b" " * 4_200_000, 1),
    lambda whole: b'{"batch":[' + b",".join([whole] * 300) + b"]}",
    lambda whole: b"[" * 1_000_000,
)

_QUERIES: Final = (
    b"",
    b"writeKey=k",
    b"writeKey=other",
    b"writeKey=%ff",
    b"writeKey=k&writeKey=other",
    b"writeKey",
    b"writeKey=" + b"k" * 9_000,
    b"&" * 2_000 + b"writeKey=k",
    b"compression=gzip-js",
    b"_=1&ver=1%00",
    b"compression=base64",
    b"\xff\xfe=\x00",
    b"writeKey=k%0d%0aX: y",
    b"ip=1&url=//evil.example",
)


def _word(rng: Random) -> str:
    return any_of(rng, WORDS).encode("utf-8", "replace").decode("latin-1")


def _basic(rng: Random) -> str:
    user = any_of(rng, ("k", "p", "o", "other", _word(rng), "\x00", "k" * 5_000))
    coded = b64encode(user.encode("latin-1") + b":")
    return f"Basic {coded.decode()[: len(coded) - int(rng.random() * 3)]}"


def _unlike_any(rng: Random) -> str:
    """Long and never the same: what a cache without a bound in bytes would fill up with."""
    return f"Mozilla/5.0 {rng.random()} " + "x" * 2_000


_Value = Callable[[Random], str]
_HEADERS: Final[tuple[tuple[str, _Value], ...]] = (
    ("authorization", _basic),
    ("authorization", _basic),
    ("authorization", _word),
    ("x-write-key", lambda rng: any_of(rng, ("p", "o", "other", "k:s", ":", "\xff"))),
    ("content-encoding", lambda rng: any_of(rng, ("gzip", "br", "gzip, gzip", "identity", "zstd"))),
    (
        "content-type",
        lambda rng: any_of(
            rng,
            (
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "",
                "a/b;c=\xff",
            ),
        ),
    ),
    ("origin", lambda rng: any_of(rng, ("null", "https://shop.example", "https://evil.example"))),
    ("referer", _word),
    ("sec-gpc", lambda rng: any_of(rng, ("0", "1", "2", ""))),
    ("user-agent", _word),
    ("user-agent", _unlike_any),
    ("cookie", _word),
    ("x-forwarded-for", _word),
)
