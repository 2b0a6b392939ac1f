"""What hostile senders put where something else is expected."""

from typing import Any, Final

from msgspec import Raw

DEEP: Final = tuple(
    Raw(opened * depth + closed * depth)
    for depth in (63, 64, 65, 500, 2_000)
    for opened, closed in ((b"[", b"]"), (b'{"a":[', b"]}"))
)
LONG: Final = ("x" * 255, "x" * 257, "é" * 300, "☕" * 8_193, "x" * 8_192, "x" * 33_000)
NUMBERS: Final = (
    *(Raw(text) for text in (
        b"-0", b"-0.0", b"1e999", b"-1e999", b"1e-999", b"1E400000", b"NaN", b"Infinity",
        b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x10", b"1" * 310, b"9" * 5_000,
        b"0." + b"0" * 400 + b"1", b"9223372036854775808", b"-9223372036854775809",
        b"18446744073709551615", b"18446744073709551616", b"1.7976931348623157e308",
    )),
    0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 0.1, 1e15, 1e300, 5e-324,
    99_999_999_999_999.99999, -99_999_999_999_999, 10**9, 10**9 + 1,
)  # fmt: skip
WORDS: Final = (
    "", " ", "0", "null", "true", "NaN", "sNaN", "-Infinity", "1e999999", "-9E+999999", "1E-999999",
    "1e99999999999999999999", "1_000", "٣", "½", "\x00", "a\nb", "a\r\nb", "\u2028\u2029", "\ufeff",
    "\x1b[2J", "'; DROP TABLE events; --", "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
    "{{7*7}}", "${jndi:ldap://x}", "../../etc/passwd", "%00", "%0d%0aSet-Cookie: a=b", "user_id:x",
    "email:a@b.c", "a@b", "a@b.c", "+49 30 5550100", "anonymous", "undefined", "[object Object]",
    "http://[::1", "http://user:pass@host:99999999/x", "//evil.example", "javascript:alert(1)",
    "https://a.b/" + "p/" * 400, "\U0001f600" * 9, "\u202egpj.exe", "a" * 64, "EUR", "eur ", "€",
    "Order Completed", "Order Refunded", "$identify", "$create_alias", "$pageview", "$groupidentify",
    "track", "page", "identify", "alias", "group", "reset", "tick", "purchase", "pv", "pp", "se",
    "ue", "tr", "ti", "completed", "refunded", "rated", "nps", "csat", "*", "k", "s", "other",
)  # fmt: skip
TIMES: Final = (
    "1999-12-31T23:59:59.999Z", "2000-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z",
    "2099-12-31T23:59:59.999-00:01", "2100-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59", "2026-11-21T24:00:00Z", "2026-02-30", "2026-11-21",
    "2026-W47-6", "20261121T100000", "2026-11-21T10:00:00+99:99", "2026-11-21T10:00:00.123456789Z",
    "1795255200000", "1795255200", "now", "Sat, 21 Nov 2026 10:00:00 GMT",
    946_684_799_999, 946_684_800_000, 4_102_444_799_999, 4_102_444_800_000, 1_795_255_200_000.5,
    1_795_255_200, -1, 2**63 - 1,
)  # fmt: skip
OTHERS: Final = (
    None, True, False,
    *(Raw(text) for text in (
        b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b'{"":""}', b'{"a":{"b":{"c":null}}}', b'[1,"1",null]',
        rb'"\ud800"', rb'"\udc00\ud800"', rb'"\u0000"', rb'"\ud83d\ude00"', rb'"\x41"', rb'"\u12"',
        b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\xff\xfe"', b'"\xf4\x90\x80\x80"', b'"raw\ntab\t"',
        b'{"a":1,"a":2}', b'{"a":1,}', b"[1,]", b"[", b"}", b"{", b'"', b"tru", b"nul", b"", b"//x",
        b"{a:1}", b"{'a':1}", b"[\n1,\r\n2\n]", b'{"__proto__":{"x":1}}',
    )),
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (*NUMBERS, *WORDS, *WORDS, *TIMES, *OTHERS, *OTHERS)
"""Values for any field. What costs much to send is in DEEP and LONG, and is drawn less often."""

AMOUNTS: Final = (
    b'"sNaN"',
    b'"-sNaN1"',
    b'"NaN"',
    b'"Infinity"',
    b'"-Infinity"',
    b'"9E+999999"',
    b'"-9E+999999"',
    b'"1E-999999"',
    b'"0E+999999"',
    b'"1e99999999999999999999"',
    b"9e999999",
    b"-9e999999",
    b"1e-999999",
    b"0e999999",
    b"1e99999999999999999999",
    b"-0",
    b"-0.0",
    b"0",
    b'""',
    b'"-1"',
    b"1e14",
    b"99999999999999.99999",
    b'"99999999999999.99995"',
    b"1" * 40,
    b'"1_0"',
    b'" 1 "',
    b"0.00001",
    b"1.5",
    b"1000000000",
    b"1000000001",
    b"9223372036854775808",
    b"true",
    b"null",
    b"[]",
)
"""JSON in place of a number: prices, pieces and times are what is computed with."""

NAMES: Final = (
    "batch", "data", "api_key", "token", "event", "properties", "distinct_id", "uuid",
    "timestamp", "offset", "sent_at", "$set", "e", "eid", "dtm", "ttm", "stm", "duid", "uid",
    "aid", "ua", "url", "page", "se_ac", "ue_pr", "ue_px", "co", "cx", "tr_id", "tr_tt", "ti_id",
    "ti_pr", "type", "name", "anonymousId", "userId", "traits", "context", "messageId",
    "writeKey", "sentAt", "alias", "$device_id", "$is_identified", "schema", "originalTimestamp",
    "previousId", "groupId", "products", "product_id", "order_id", "total", "currency",
    "quantity", "price", "email", "phone", "items", "customer", "time", "kind", "score", "rating",
    "action", "optOut", "userAgent", "page", "__proto__",
)  # fmt: skip

TOKENS: Final = (
    b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf0\x9f", b"\n", b"\r\n", b"\\",
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"NaN", b"1e999", rb"\ud800", rb"\u0000",
    b"%00", b"%ff", b"%", b"&", b"=", b"+", b"&data=", b"\x1f\x8b", b'{"a":', b"/*", b"-", b"9" * 400,
    b"[" * 300, b'{"a":' * 100, b" " * 500, b"A" * 9_000,
)  # fmt: skip
"""Bytes to insert anywhere."""
