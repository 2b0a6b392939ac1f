"""Small requests that would like to be large: each with the answers it may get."""

import gzip
import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes

from collectors import limits

MIB: Final = 2**20
TOO_LARGE: Final = frozenset({413})
NO_CODING: Final = frozenset({415})
EITHER: Final = TOO_LARGE | NO_CODING
MALFORMED: Final = frozenset({400})
"""For what is JSON, or none, as it stands: nothing was coded."""
TAKEN: Final = frozenset({200})
"""A batch's parts are refused one by one."""


class Bomb(NamedTuple):
    """What to send, and what it may be answered."""

    name: str
    path: str
    body: bytes
    answers: frozenset[int]
    headers: Mapping[str, str] = {}


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _layers(data: bytes, count: int) -> bytes:
    for _ in range(count):
        data = _gzip(data)
    return data


def _coded(coding: str) -> dict[str, str]:
    return {"content-encoding": coding}


def _event(filling: bytes) -> bytes:
    return b'{"type":"track","anonymousId":"a","event":"Seen","properties":{"x":"%s"}}' % filling


def _filled(opening: bytes, item: bytes, closing: bytes, size: int = 4 * MIB) -> bytes:
    """JSON with as many items as fit in `size` bytes."""
    count = (size - len(opening) - len(closing)) // (len(item) + 1)
    return opening + b",".join([item] * count) + closing


def _extra(size: int) -> bytes:
    """gzip whose header carries a field of `size` bytes that nobody reads."""
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", size) + bytes(size)
    return head + _gzip(b"0")[10:]


def _named(size: int) -> bytes:
    """gzip whose header carries a file's name of `size` bytes."""
    return b"\x1f\x8b\x08\x08" + bytes(4) + b"\x00\xff" + b"n" * size + b"\x00" + _gzip(b"0")[10:]


def _lying(data: bytes) -> bytes:
    """gzip that claims to hold 3 GiB."""
    return _gzip(data)[:-4] + struct.pack("<I", 3 * 1024 * MIB)


def _raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(data) + deflater.flush()


def _quine() -> bytes:
    """gzip that goes on for ever for whoever starts again with what follows each member."""
    member = _gzip(b"[" * 1_000)
    return (member + member[:-1]) * 500


_ZEROS: Final = bytes(100 * MIB)
_SPACES: Final = b" " * (100 * MIB)
_VALID: Final = _event(b"a" * (100 * MIB))
_DEEP: Final = b"[" * 200 + b"]" * 200
_BROAD: Final = _filled(b"[", b"[]", b"]", 415)
BATCH: Final = "/v1/batch"
TRACK: Final = "/v1/track"
_FULL: Final = limits.MAX_BATCH_EVENTS
BOMBS: Final = (
    Bomb("zeros 1000:1", TRACK, _gzip(_ZEROS), TOO_LARGE),
    Bomb("valid JSON 1000:1", TRACK, _gzip(_VALID), TOO_LARGE),
    Bomb("spaces before JSON 1000:1", BATCH, _gzip(_SPACES + b"{}"), TOO_LARGE, _coded("gzip")),
    Bomb("gzip in gzip", TRACK, _layers(_ZEROS, 2), NO_CODING),
    Bomb(
        "gzip in gzip in gzip, said to be",
        TRACK,
        _layers(_ZEROS, 3),
        NO_CODING,
        _coded("gzip, gzip, gzip"),
    ),
    Bomb("ten layers of gzip", TRACK, _layers(_ZEROS, 10), NO_CODING),
    Bomb("100,000 empty members", TRACK, _gzip(b"") * 100_000, NO_CODING),
    Bomb("100,000 members of 1 KiB", TRACK, _gzip(bytes(1024)) * 100_000, EITHER),
    Bomb("a header field of 64 KiB", TRACK, _extra(65_535), MALFORMED),
    Bomb("a header name of 4 MiB", TRACK, _named(4 * MIB - 100), EITHER | MALFORMED),
    Bomb("a truncated stream", TRACK, _gzip(_VALID)[:-2_000], TOO_LARGE),
    Bomb("a truncated short stream", TRACK, _gzip(_event(b"a"))[:-9], NO_CODING),
    Bomb("a stream that lies about its size", TRACK, _lying(_event(b"a")), NO_CODING),
    Bomb("a member and half of it, 500 times", TRACK, _quine(), NO_CODING),
    Bomb("gzip of a body over the limit", TRACK, _gzip(_ZEROS) + bytes(5 * MIB), TOO_LARGE),
    Bomb("zlib", TRACK, zlib.compress(_ZEROS, 9), NO_CODING, _coded("deflate")),
    Bomb("raw deflate", TRACK, _raw_deflate(_ZEROS), NO_CODING, _coded("deflate")),
    Bomb(
        "Brotli's shape",
        TRACK,
        b"\x8b\x02\x80" + bytes(range(128, 256)) * 300,
        NO_CODING,
        _coded("br"),
    ),
    Bomb(
        "Zstandard's shape",
        TRACK,
        b"\x28\xb5\x2f\xfd\xa4" + bytes(range(256)) * 300,
        NO_CODING,
        _coded("zstd"),
    ),
    Bomb(
        "Base64 of gzip in a form",
        "/e/",
        b"data=" + quote_from_bytes(b64encode(_gzip(_ZEROS))).encode(),
        NO_CODING,
    ),
    Bomb(
        "a form of a million fields",
        "/e/",
        _filled(b"a=1&", b"b", b"").replace(b",", b"&"),
        TOO_LARGE,
    ),
    Bomb("a form of 100,000 fields", "/e/", b"a&" * 100_000, MALFORMED),
    Bomb("4 MiB of opening brackets", BATCH, b"[" * (4 * MIB), MALFORMED),
    Bomb("4 MiB of opening objects", TRACK, b'{"a":' * (4 * MIB // 5), MALFORMED),
    Bomb("a million empty objects", BATCH, _filled(b'{"batch":[', b"{}", b"]}"), TOO_LARGE),
    Bomb("two million numbers", BATCH, _filled(b'{"batch":[', b"1", b"]}"), TOO_LARGE),
    Bomb(
        "a million empty objects, twice",
        BATCH,
        _filled(b'{"batch":[', b"{}", b'],"batch":[]}'),
        TAKEN,
    ),
    Bomb("a million empty objects in a list", "/e/", _filled(b"[", b"{}", b"]"), TOO_LARGE),
    Bomb(
        "a million empty objects for a tracker",
        "/com.snowplowanalytics.snowplow/tp2",
        _filled(b'{"data":[', b"{}", b"]}"),
        TOO_LARGE,
    ),
    Bomb("a million empty purchases", "/v1/purchases", _filled(b"[", b"{}", b"]"), TOO_LARGE),
    Bomb(
        "a write key of a million objects",
        BATCH,
        _filled(b'{"batch":[],"writeKey":[', b"{}", b"]}"),
        MALFORMED,
    ),
    Bomb(
        "an app id of a million objects",
        "/com.snowplowanalytics.snowplow/tp2",
        _filled(b'{"data":[{"e":"pv","aid":[', b"{}", b"]}]}"),
        TAKEN,
    ),
    Bomb(
        "an order of a million lines",
        "/com.snowplowanalytics.snowplow/tp2",
        _filled(b'{"data":[{"e":"tr","tr_id":"1","ti_id":"1","ti":[', b"{}", b"]}]}"),
        TAKEN,
    ),
    Bomb(
        "a token of a million objects",
        "/e/",
        _filled(b'{"event":"a","properties":{"token":[', b"{}", b"]}}"),
        TOO_LARGE,
    ),
    Bomb(
        "a number of a million digits",
        TRACK,
        b'{"anonymousId":' + b"9" * 10**6 + b"}",
        TOO_LARGE | MALFORMED,
    ),
    Bomb(
        "a time of 4 MiB",
        BATCH,
        b'{"batch":[],"sentAt":' + b"1" * (4 * MIB - 40) + b"}",
        TAKEN | MALFORMED,
    ),
    Bomb("4 MiB of escapes", TRACK, _event(rb"\u0041" * (4 * MIB // 6 - 20)), TOO_LARGE),
    Bomb("a full batch of numbers", BATCH, _filled(b'{"batch":[', b"1", b"]}", _FULL * 2), TAKEN),
    Bomb("2,000 deep events", BATCH, _filled(b'{"batch":[', _DEEP, b"]}", 2_000 * 401), TAKEN),
    Bomb("2,000 broad events", BATCH, _filled(b'{"batch":[', _BROAD, b"]}", 2_000 * 415), TAKEN),
    Bomb(
        "128 very broad events",
        BATCH,
        _filled(b'{"batch":[', _filled(b"[", b"[[]]", b"]", 32_000), b"]}"),
        TAKEN,
    ),
)
