"""Servers' keys are taken out of what is stored of refused input: who reads rejects need not know them.

Pure. A key is found however its characters are written, each in its own way: as it stands, percent-escaped
(of either case, and up to three times over), `+` for a space, or with an escape of JSON, which may be
percent-escaped itself. It is not looked for in Base64, nor in escapes of escapes of JSON.
"""

import re
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.keys import Keys
from schemas.rejects import MAX_STORED_BODY, Reject

BLANK: Final = b"***"
SEARCHED_BYTES: Final = 4 * MAX_STORED_BODY
"""Looking through takes up to 40 ms a megabyte and key, and everybody else waits."""
SHORTEST: Final = 6
"""Characters: a shorter key is found in any text, and so guessed anyway."""
BACKSLASH: Final = "\\"
_GZIP: Final = b"\x1f\x8b"
_PERCENT: Final = "%(?:25(?:25)?)?"
"""The sign that begins a percent-escape, which may be percent-escaped again."""
_JSON_SHORT: Final = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "\b": "b",
    "\f": "f",
    "\n": "n",
    "\r": "r",
    "\t": "t",
}
_ESCAPE_BEGUN: Final = re.compile(rb"[%\\\x80-\xff][%\\0-9A-Fa-fuU\x80-\xff]{0,100}")
"""What may be the beginning of an escape, whose end was cut off. 100 bytes hold a surrogate pair
whose every character is percent-escaped."""


class Secret(NamedTuple):
    """One key to look for: all of it, and its characters in order, each in every form."""

    whole: re.Pattern[bytes]
    characters: tuple[tuple[re.Pattern[bytes], ...], ...]
    first_bytes: frozenset[int]
    """What the first character can begin with, however it is written."""


def secret_patterns(keys: Keys) -> tuple[Secret, ...]:
    """What to redact: servers' keys, the longest first, as one may begin with another."""
    names = [name for name, key in keys.items() if key.server and len(name) >= SHORTEST]
    return tuple(_secret(name) for name in sorted(names, key=len, reverse=True))


def redact(reject: Reject, secrets: Sequence[Secret]) -> Reject:
    """The reject without any of the secrets. A gzipped body that has one is stored inflated.

    So is one that inflates to more than SEARCHED_BYTES, which are all that is looked through; it is cut.
    """
    if not secrets:
        return reject
    plain = _inflate(reject.body) if reject.body.startswith(_GZIP) else reject.body
    if len(plain) > SEARCHED_BYTES:
        reject = replace(reject, body=b"", cut=True)
        plain = plain[:SEARCHED_BYTES]
    body = plain
    for secret in secrets:
        body = secret.whole.sub(BLANK, body)
    if reject.cut:
        body = body[: min(_cut_secret_start(body, secret) for secret in secrets)]
    if body == plain and reject.body:
        return reject
    return replace(
        reject, body=body[:MAX_STORED_BODY], cut=reject.cut or len(body) > MAX_STORED_BODY
    )


def _inflate(body: bytes) -> bytes:
    """As far as it goes: what is cut, or ends with junk, can be read up to there."""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, SEARCHED_BYTES + 1)
    except zlib.error:
        return body


def _secret(name: str) -> Secret:
    characters = tuple(map(_character, name))
    full = "".join(character.pattern() for character in characters)
    first = name[0].encode()[0]
    return Secret(
        re.compile(full.encode("latin-1")),
        tuple(character.forms() for character in characters),
        frozenset((first, ord("%"), ord(BACKSLASH), ord("+") if name[0] == " " else first)),
    )


class _Character(NamedTuple):
    """Patterns of bytes, as Latin-1, for one character.

    `plain`: what is no escape, `percent`: what follows a percent sign, `json`: what follows a backslash.
    """

    plain: tuple[str, ...]
    percent: str
    json: str

    def pattern(self) -> str:
        """Every form. Branches begin with literals, so that `re` can skip to where one may begin."""
        escapes = f"{_PERCENT}(?:{self.percent}|{_hex(BACKSLASH)}{self.json})"
        json = re.escape(BACKSLASH) + self.json
        plain = self.plain if self.plain != (re.escape(BACKSLASH),) else ()
        last = () if plain else self.plain  # two backslashes are one of JSON, so that comes first
        return f"(?:{'|'.join((*plain, escapes, json, *last))})"

    def forms(self) -> tuple[re.Pattern[bytes], ...]:
        """The forms one by one: of one that another begins with, both can be tried."""
        signs = ("%", "%25", "%2525")
        texts = [*self.plain, *(sign + self.percent for sign in signs)]
        texts += [sign + _hex(BACKSLASH) + self.json for sign in signs]
        texts.append(re.escape(BACKSLASH) + self.json)
        return tuple(re.compile(text.encode("latin-1")) for text in texts)


def _character(character: str) -> _Character:
    first, *remainder = (chr(byte) for byte in character.encode())
    later = "".join(f"(?:{re.escape(byte)}|{_PERCENT}{_hex(byte)})" for byte in remainder)
    digits = character.encode("utf-16-be").hex()
    escapes = [_one_of("u") + _hex_digits(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    json = _one_of(BACKSLASH).join(escapes)
    if short := _JSON_SHORT.get(character):
        json = f"(?:{json}|{_one_of(short)})"
    plain = (re.escape(first) + later, *(("\\+",) if character == " " else ()))
    return _Character(plain, _hex(first) + later, json)


def _one_of(characters: str) -> str:
    """One of some ASCII characters, as it stands or percent-escaped."""
    plain = "".join(map(re.escape, characters))
    return f"(?:[{plain}]|{_PERCENT}(?:{'|'.join(map(_hex, characters))}))"


def _hex(byte: str) -> str:
    """A byte's two hexadecimal digits, of either case."""
    return "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{ord(byte):02x}"
    )


def _hex_digits(digits: str) -> str:
    """Hexadecimal digits of either case, any of them percent-escaped."""
    return "".join(_one_of(digit + digit.upper() if digit.isalpha() else digit) for digit in digits)


def _cut_secret_start(body: bytes, secret: Secret) -> int:
    """Where at the body's end something begins that may be a secret's beginning; else its length."""
    longest = 100 * len(secret.characters)
    for start in range(max(0, len(body) - longest), len(body)):
        if body[start] in secret.first_bytes and _may_begin(body, start, secret):
            return start
    return len(body)


def _may_begin(body: bytes, start: int, secret: Secret) -> bool:
    """Whether the body ends within the secret, or within an escape, when it is read from `start`."""
    positions = {start}
    for forms in secret.characters:
        if any(_ESCAPE_BEGUN.fullmatch(body, at) for at in positions):
            return True
        matches = (form.match(body, at) for at in positions for form in forms)
        positions = {match.end() for match in matches if match is not None}
        if len(body) in positions:
            return True
        if not positions:
            return False
    return False
