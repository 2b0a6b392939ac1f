"""Parts of facts that vendors have in common, in the words of `collectors.dialects.typed`.

What customers typed into a shop may be malformed: a malformed address is left out, as the order is
true without it.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from collectors import limits
from schemas import identifiers

DEVICE: Final = "footfall_anonymous_id"
"""Where a vendor carries fields of the site's own, the one with the visitor's anonymous id."""
ADJUSTMENT: Final = "adjustment"
"""The product of a refund of money alone. Without a line, a refund would undo the whole order."""


def message_id(*parts: str | int) -> str:
    """A name made of what makes the fact this one and no other."""
    name = ":".join(map(str, parts))
    if len(name) <= limits.MAX_MESSAGE_ID:
        return name
    return blake2b(name.encode(), digest_size=16).hexdigest()


def digest(vendor: str, body: bytes, *extra: str) -> str:
    """A name for a fact whose vendor gives deliveries none: the same bytes are the same fact."""
    hasher = blake2b(body, digest_size=16)
    for part in extra:
        hasher.update(b"\n" + part.encode())
    return f"{vendor}:{hasher.hexdigest()}"


def customer(
    *, email: str | None = None, phone: str | None = None, crm: str = "", user_id: str | None = None
) -> dict[str, str] | None:
    """The identifiers that are well-formed; None without any."""
    matches = {
        "userId": _well(identifiers.user_id, user_id),
        "email": _well(identifiers.email, email),
        "phone": _well(identifiers.phone, phone),
        "crmId": _well(identifiers.crm, crm),
    }
    return {name: value for name, value in matches.items() if value} or None


def _well(normalise: Callable[[str], str], value: str | None) -> str:
    if not value or len(value) > identifiers.MAX_LENGTH:
        return ""
    return value if normalise(value) else ""


def crm(vendor: str, value: str | int | None) -> str:
    """The vendor's own id of a customer; 0 is WooCommerce's guest."""
    return f"{vendor}:{value}" if value else ""


def device(value: Any) -> str | None:
    """An anonymous id out of a free field; anything else is not looked at."""
    fits = isinstance(value, str) and len(value) <= identifiers.MAX_LENGTH
    return value if fits and value else None


def line(
    ids: Iterable[str | int | None],
    name: str | None,
    quantity: Decimal | None,
    price: Decimal | None,
) -> dict[str, Any]:
    """One line of an order: its product is the first id there is, else the name."""
    product = next((str(item) for item in ids if item), name or ADJUSTMENT)
    text = {
        "productId": product[: limits.MAX_MESSAGE_ID],
        "name": short(name),
        "quantity": quantity,
        "price": price,
    }
    return without_none(text)


def adjustment(amount: Decimal) -> dict[str, Any]:
    """A refund's only line where no goods came back."""
    return {"productId": ADJUSTMENT, "name": "Refund of money alone", "price": amount}


def short(value: str | None) -> str | None:
    """Text cut to what an event may hold."""
    return value[: limits.MAX_TEXT] if value else None


def without_none(body: dict[str, Any]) -> dict[str, Any]:
    """Absent fields left out."""
    return {name: value for name, value in body.items() if value is not None}
