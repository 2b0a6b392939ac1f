"""The way in for webhooks: path → vendor and site → verified → facts → events and rejects. Pure.

Steps: bounded → known → verified → inflated → read → checked as a fact. Whatever fails before
`verified` is a 4xx. After it the answer is 200 whatever the facts are worth: vendors end webhooks
that answer 4xx a few times, and with them the good facts. What cannot be taken is a reject.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from collectors import limits
from collectors.admission import STATUS, Admission, inflated, rejected
from collectors.dialects.contract import Refused, Request, Sender
from collectors.dialects.typed import Typed
from collectors.enrichment import PLAIN, Enricher
from collectors.errors import WebhookError
from collectors.webhooks import ALL
from collectors.webhooks.contract import Fact, Vendor
from schemas.events import Event
from schemas.keys import DEFAULT_SITE
from schemas.rejects import Reason

BELOW: Final = "/webhooks/"
_PATH: Final = re.compile(rf"{BELOW}([a-z0-9_-]{{1,64}})(?:/([A-Za-z0-9._-]{{1,64}}))?/?")
_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")
_WOO_GREETING: Final = re.compile(rb"webhook_id=\d{1,20}")
_OTHER: Final = "What signs the triggers that go out is FOOTFALL_WEBHOOK_SECRET."
_typed: Final = Typed()
_encode: Final = msgspec.json.Encoder().encode


class Router:
    """Which webhooks are open: vendors by name, secrets by vendor and site.

    A place may have several secrets: a new one is added before the old one goes, and some vendors
    give each of a shop's webhooks its own.
    """

    def __init__(
        self,
        vendors: Iterable[Vendor],
        secrets: Mapping[tuple[str, str], Sequence[str]],
        enricher: Enricher = PLAIN,
    ) -> None:
        self._vendors = {vendor.name: vendor for vendor in vendors}
        self._secrets = {
            position: list(filter(None, sample)) for position, sample in secrets.items()
        }
        self._enricher = enricher
        self.headers = frozenset[str]().union(*(entry.headers for entry in self._vendors.values()))

    @classmethod
    def of(
        cls,
        secrets: Iterable[str] = (),
        mapping_result: Iterable[Vendor] = (),
        enricher: Enricher = PLAIN,
    ) -> Self:
        """Of `vendor[:site]=secret` texts; `mapping_result` are vendors beside our own, out of mapping files.

        Raises WebhookError. `collectors.webhook_settings` reads the files.
        """
        vendors = (*ALL, *mapping_result)
        names = [vendor.name for vendor in vendors]
        for name in names:
            if names.count(name) > 1 or not _NAME.fullmatch(name):
                raise WebhookError(f"{name!r} cannot be the name of a webhook, or is taken.")
        retained: dict[tuple[str, str], list[str]] = {}
        for position, secret in (
            _secret(number, text, names) for number, text in enumerate(secrets, 1)
        ):
            retained.setdefault(position, []).append(secret)
        return cls(vendors, retained, enricher)

    def serves(self, path: str) -> bool:
        """Whether a vendor's requests come to this path."""
        match = _PATH.fullmatch(path)
        return match is not None and match[1] in self._vendors

    def admit(self, request: Request) -> Admission:
        """Every fact becomes an Event or a Reject. `request.path` must be one that is served."""
        match = _PATH.fullmatch(request.path)
        assert match is not None
        vendor, site = self._vendors[match[1]], match[2] or DEFAULT_SITE
        if vendor.name == "woocommerce" and _WOO_GREETING.fullmatch(request.body):
            return Admission(200, [], [])  # sent unsigned when the webhook is saved; tells nothing
        try:
            self._verify(vendor, site, request)
        except Refused as refusal:
            return Admission(STATUS[refusal.reason], [], [rejected(request, refusal)])
        try:
            payload = _read(vendor, request)
        except Refused as refusal:
            reject = rejected(request, refusal, site=site, sender="webhook")
            return Admission(200, [], [reject])
        return _each(payload, site, request, self._enricher)

    def _verify(self, vendor: Vendor, site: str, request: Request) -> None:
        if len(request.body) > limits.MAX_BODY:
            raise Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_BODY} bytes")
        secrets = self._secrets.get((vendor.name, site), ())
        if not secrets:
            name = vendor.name if site == DEFAULT_SITE else f"{vendor.name}:{site}"
            raise Refused(Reason.BAD_SIGNATURE, f"FOOTFALL_WEBHOOK_SECRETS has no {name}")
        for secret in secrets[:-1]:
            with suppress(Refused):
                vendor.verify(request, secret)
                return
        vendor.verify(request, secrets[-1])


def _read(vendor: Vendor, request: Request) -> list[Fact]:
    try:
        return vendor.read(request, _text(inflated(request.body)))
    except ArithmeticError as error:  # Decimal takes sNaN and 9E+999999, and cannot add them
        raise Refused(Reason.BAD_SHAPE, "A number in it cannot be computed with") from error


def _secret(number: int, text: str, vendors: Iterable[str]) -> tuple[tuple[str, str], str]:
    """What is wrong is told without the text: any of it may be a secret, or end one with a comma in it."""
    position, equals, secret = text.partition("=")
    if not equals:
        raise WebhookError(
            f"FOOTFALL_WEBHOOK_SECRETS takes vendor[:site]=secret, with commas between. {_OTHER}"
        )
    name, _, site = position.strip().partition(":")
    if name not in vendors:
        raise WebhookError(
            f"Entry {number} of FOOTFALL_WEBHOOK_SECRETS begins with no webhook; there are "
            f"{', '.join(vendors)}, or set FOOTFALL_WEBHOOK_MAPPINGS. A secret that has a comma in it "
            f"cannot be used: have another made. {_OTHER}"
        )
    if not secret.strip():
        raise WebhookError(f"Entry {number} of FOOTFALL_WEBHOOK_SECRETS has no secret after its =.")
    return (name, site or DEFAULT_SITE), secret.strip()


def _text(body: bytes) -> bytes:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.BAD_ENCODING, f"Not UTF-8 at byte {error.start}") from error
    return body


def _each(payload: Iterable[Fact], site: str, request: Request, enricher: Enricher) -> Admission:
    events: list[Event] = []
    rejects = []
    for index, fact in enumerate(payload):
        sender = Sender(fact.path, site, request.received_at, None, "", False)
        item = _encode(fact.body)
        try:
            if len(item) > limits.MAX_FACT:
                raise Refused(Reason.EVENT_TOO_LARGE, f"{len(item)} bytes")
            read = _typed.read(item, request.nonce, sender)
            events.append(replace(read.event, **enricher.changes(read, sender)))
        except Refused as refusal:
            rejects.append(rejected(request, refusal, site=site, sender="webhook", index=index))
    return Admission(200, events, rejects)
