"""Any other sender, by a mapping file: which of our fields stands where in its JSON.

`ABOUT` has one. Fields are those of `collectors.dialects.typed`, with the customer's beside the
others. Without `messageId`, a purchase is called by its order and status, everything else by its
bytes.
"""

import tomllib
from base64 import b64decode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from collectors.dialects.contract import Refused, Request
from collectors.errors import WebhookMappingError
from collectors.importing import timestamps
from collectors.importing.mapping import TimeFormat
from collectors.source_doc import Becomes, Example, File, Link, SourceDoc
from collectors.webhooks import payloads, signatures
from collectors.webhooks.contract import FEEDBACK, PURCHASES, TICKETS, Fact
from schemas.rejects import Reason

Kind = Literal["purchases", "tickets", "feedback"]

_PATHS: Final[dict[Kind, str]] = {"purchases": PURCHASES, "tickets": TICKETS, "feedback": FEEDBACK}
_WHO: Final = ("userId", "email", "phone", "crmId", "social")
_COMMON: Final = ("messageId", "time", "anonymousId", *_WHO)
_FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "purchases": (*_COMMON, "orderId", "status", "currency", "total"),
    "tickets": (*_COMMON, "ticketId", "action", "channel", "subject", "priority", "rating"),
    "feedback": (*_COMMON, "kind", "score", "comment", "about"),
}
_NEEDED: Final[dict[Kind, str]] = {
    "purchases": "orderId",
    "tickets": "ticketId",
    "feedback": "kind",
}
_LINE: Final = ("productId", "name", "category", "quantity", "price")
_MONEY: Final = ("total", "price")
_any: Final = msgspec.json.Decoder(float_hook=Decimal)
_STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

ABOUT: Final = SourceDoc(
    title="Any other webhook",
    purpose="Purchases, tickets or survey answers of any sender of JSON, by a small mapping file.",
    connect="write a mapping file and paste a URL",
    brings=("purchases", "tickets", "feedback"),
    becomes=tuple(
        Becomes(f'`kind = "{kind}"`', ", ".join(f"`{name}`" for name in names))
        for kind, names in _FIELDS.items()
    ),
    not_taken=("A request whose word is not listed under `[values.…]`: it tells nothing.",),
    steps=(
        "Write a mapping file: which of our fields stands where in the sender's JSON. `billing.toml` "
        "below is one.",
        "Start the collector with `FOOTFALL_WEBHOOK_MAPPINGS=billing.toml`; with several, put commas "
        "between.",
        "Give the sender this URL: `{hook}`.",
        "`scheme` says how it proves itself: `standard` is [Standard Webhooks]"
        "(https://www.standardwebhooks.com), signed with a secret `whsec_` and Base64; `secret` is the "
        "secret itself in `X-Webhook-Secret`, as a bearer token or as Basic authentication's password.",
    ),
    files=(
        File(
            "billing.toml",
            """\
name = "billing"
kind = "purchases"
scheme = "standard"

[fields]                # our field = where it stands; a number counts in a list
orderId = "invoice.id"
status = "state"
time = "paid_at"
email = "client.mail"

[items]                 # of purchases: the list, then fields within each line
list = "lines"
productId = "sku"
quantity = "count"
price = "unit.amount"

[constants]
currency = "EUR"

[values.status]         # their word = ours; a request with another word tells nothing
paid = "completed"
void = "cancelled"

[time]                  # "iso", "ms", "s", or a strptime format
format = "iso"
zone = "Europe/Berlin"
""",
        ),
    ),
    examples=(
        Example(
            """time=$(date +%s)
body='{"state": "paid", "paid_at": "2026-11-21 10:00:00", "invoice": {"id": "R-7"},
  "client": {"mail": "ada@example.org"},
  "lines": [{"sku": "tea-1", "count": 2, "unit": {"amount": "24.90"}}]}'
secret=$(printf %s '{secret}' | sed s/^whsec_// | base64 -d | od -An -tx1 | tr -d ' \\n')
curl {hook} -d "$body" -H 'webhook-id: msg_1' -H "webhook-timestamp: $time" \\
  -H "webhook-signature: v1,$(printf %s "msg_1.$time.$body" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$secret" -binary | base64)\"""",
            ("purchase",),
        ),
    ),
    notes=(
        "`minor = true` says that money comes in hundredths.",
        "Without `messageId`, a purchase is called by its order and status, everything else by its "
        "bytes: the same again counts once.",
    ),
    documentation=(
        Link("Standard Webhooks", "https://github.com/standard-webhooks/standard-webhooks"),
    ),
)


class Mapped(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See the module."""

    name: str
    kind: Kind
    scheme: Literal["standard", "secret"]
    fields: dict[str, str]
    items: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str | int | float] = field(default_factory=dict)
    values: dict[str, dict[str, str | int]] = field(default_factory=dict)
    time: TimeFormat = TimeFormat()
    minor: bool = False


def parse(text: str) -> "Generic":
    """The vendor in TOML text. Raises WebhookMappingError."""
    try:
        mapped_vendor = msgspec.convert(tomllib.loads(text), Mapped)
        vendor = Generic(mapped_vendor)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, KeyError, ValueError) as error:
        raise WebhookMappingError(str(error)) from error
    _check(mapped_vendor)
    return vendor


def _check(mapped_vendor: Mapped) -> None:
    existing, columns = (
        _FIELDS[mapped_vendor.kind],
        (*mapped_vendor.fields, *mapped_vendor.constants),
    )
    for name in (*columns, *mapped_vendor.values):
        if name not in existing:
            raise WebhookMappingError(
                f"{mapped_vendor.kind} have no {name!r}; they have {', '.join(existing)}."
            )
    if _NEEDED[mapped_vendor.kind] not in columns:
        raise WebhookMappingError(f"{mapped_vendor.kind} need {_NEEDED[mapped_vendor.kind]}.")
    lines = mapped_vendor.items and (
        "list" not in mapped_vendor.items or "productId" not in mapped_vendor.items
    )
    if lines or not set(mapped_vendor.items) <= {"list", *_LINE}:
        raise WebhookMappingError(f"[items] takes list and productId, and of {', '.join(_LINE)}.")


class Generic:
    """See `collectors.webhooks.contract.Vendor`."""

    def __init__(self, mapped_vendor: Mapped) -> None:
        self.name, self._mapped = mapped_vendor.name, mapped_vendor
        standard = mapped_vendor.scheme == "standard"
        self.headers = frozenset(_STANDARD) if standard else signatures.SHARED_SECRET_HEADERS
        self.about = ABOUT._replace(
            title=mapped_vendor.name,
            connect=f"by a mapping file of {mapped_vendor.kind}",
            brings=(mapped_vendor.kind,),
            files=(),
            examples=(),
        )
        self._time: Callable[[Any], int | None] = timestamps.reader(mapped_vendor.time)

    def verify(self, request: Request, secret: str) -> None:
        """Standard Webhooks, or the secret itself."""
        if self._mapped.scheme == "secret":
            signatures.shared_secret(request, secret)
        else:
            verify_standard(request, secret)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """One fact; none where a word of `values` is not listed. Raises Refused(BAD_JSON)."""
        try:
            content = _any.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(Reason.BAD_JSON, str(error)) from error
        columns = self._given(content)
        if any(
            columns.get(name) not in words.values() for name, words in self._mapped.values.items()
        ):
            return []
        return [Fact(_PATHS[self._mapped.kind], self._body(columns, content, body))]

    def _given(self, content: Any) -> dict[str, Any]:
        mapped_vendor = self._mapped
        matches = {name: _at(content, path) for name, path in mapped_vendor.fields.items()}
        columns: dict[str, Any] = {**mapped_vendor.constants}
        columns |= {name: value for name, value in matches.items() if value is not None}
        for name, words in mapped_vendor.values.items():
            columns[name] = words.get(str(columns.get(name)))
        return columns

    def _body(self, columns: dict[str, Any], content: Any, full: bytes) -> Mapping[str, Any]:
        body = {name: value for name, value in columns.items() if name not in _WHO}
        if "time" in body:
            ms = self._time(body["time"])
            body["time"] = f"not a time: {body['time']}" if ms is None else ms
        body |= {
            "messageId": self._message_id(body, full),
            "customer": {name: columns[name] for name in _WHO if columns.get(name)} or None,
        }
        if self._mapped.items:
            body["items"] = [self._line(item) for item in self._lines(content)]
        return payloads.without_none(self._major(body))

    def _message_id(self, body: dict[str, Any], full: bytes) -> str:
        if body.get("messageId"):
            return payloads.message_id(self.name, str(body["messageId"]))
        if self._mapped.kind == "purchases":
            return payloads.message_id(
                self.name, str(body.get("status", "completed")), str(body.get("orderId"))
            )
        return payloads.digest(self.name, full)

    def _lines(self, content: Any) -> list[Any]:
        lines = _at(content, self._mapped.items["list"])
        return lines if isinstance(lines, list) else []

    def _line(self, line: Any) -> dict[str, Any]:
        matches = {n: _at(line, path) for n, path in self._mapped.items.items() if n != "list"}
        return payloads.without_none(self._major(matches))

    def _major(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self._mapped.minor:
            return body
        minor = {name: body[name] for name in _MONEY if isinstance(body.get(name), int | Decimal)}
        return body | {name: Decimal(value).scaleb(-2) for name, value in minor.items()}


def _at(content: Any, path: str) -> Any:
    """What stands at `a.b.0.c`; None where nothing does."""
    for step in path.split("."):
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and step.isdecimal() and int(step) < len(content):
            content = content[int(step)]
        else:
            return None
    return content


def verify_standard(request: Request, secret: str) -> None:
    """Standard Webhooks: `v1,` and Base64 of HMAC-SHA256 of id, time and body, joined by dots.

    Raises Refused(BAD_SIGNATURE).
    """
    name, time, columns = (request.headers.get(header, "") for header in _STANDARD)
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key or not name:
        raise Refused(
            Reason.BAD_SIGNATURE, "No webhook-id, or a secret that is not whsec_ and Base64"
        )
    signature = b".".join((name.encode(), time.encode(), request.body))
    signatures.check_any(columns.split(" "), "v1," + signatures.base64_of(key, signature))
    signatures.check_fresh(signatures.seconds(time), request.received_at)
