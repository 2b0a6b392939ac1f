"""Rows → the bodies that the same facts would have had over HTTP. Pure."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from collectors import orders
from collectors.dialects.contract import Refused
from collectors.importing import timestamps
from collectors.importing.mapping import LINE, PROPERTY, Kind, Mapping
from collectors.importing.rows import Row, Unit

Body = dict[str, Any]

PATH: Final[dict[Kind, str]] = {
    "events": "/v1/batch",
    "purchases": "/v1/purchases",
    "tickets": "/v1/tickets",
    "access_log": "/v1/batch",
}
"""Where such bodies would be posted; a reject that is replayed goes there."""

_PRICE_STEP: Final = Decimal("0.0001")


class Made(NamedTuple):
    """A body, and the file's row that it is or begins with."""

    body: Body
    row: int


def maker(mapping: Mapping) -> Callable[[Unit], Iterator[Made]]:
    """A function from a unit to its bodies, of which each becomes one event or one reject.

    Message ids depend on what the fact is (order and status; ticket, action and time; an event's
    own id, else its whole content), so that importing again repeats them.
    """
    if mapping.kind == "access_log":
        return _page_views
    time_of = timestamps.reader(mapping.time)
    no_time = f'no time in the format "{mapping.time.format}"'  # which admission then says
    make = {"events": _event, "purchases": _purchase, "tickets": _ticket}[mapping.kind]

    def bodies(unit: Unit) -> Iterator[Made]:
        row = {name: _plain(cell) for name, cell in unit.row.items()}
        cell = row.get("time")
        time = None if cell is None else time_of(cell)
        row["time"] = f"{no_time}: {'' if cell is None else cell}" if time is None else time
        for body, line in make(row, mapping.site):
            present = {name: value for name, value in body.items() if value is not None}
            yield Made(present, unit.rows[line])

    return bodies


def _page_views(unit: Unit) -> Iterator[Made]:
    """Units of an access log hold bodies already."""
    if unit.row:
        yield Made(unit.row, unit.rows[0])


def _plain(cell: Any) -> Any:
    """Whole floats are ids that a missing value has turned into floats; NaN is that value."""
    if not isinstance(cell, float):
        return cell
    if cell != cell:  # noqa: PLR0124 - NaN
        return None
    return int(cell) if cell.is_integer() else cell


def _event(row: Row, site: str) -> Iterator[tuple[Body, int]]:
    page = {name: row.get(name) for name in ("url", "path", "title", "referrer")}
    properties = {n.removeprefix(PROPERTY): v for n, v in row.items() if n.startswith(PROPERTY)}
    traits = {
        ours: str(row[name])
        for name, ours in (
            ("email", "email"),
            ("phone", "phone"),
            ("crm", "crmId"),
            ("social", "social"),
        )
        if row.get(name) is not None
    }
    body = {
        "type": row.get("type"),
        "event": row.get("event"),
        "messageId": row.get("message_id"),
        "timestamp": row["time"],
        "userId": row.get("user_id"),
        "anonymousId": row.get("anonymous_id"),
        "traits": traits or None,
        "context": {"page": page, "userAgent": row.get("user_agent")},
        "properties": properties or None,
    }
    yield body, 0


def _purchase(row: Row, site: str) -> Iterator[tuple[Body, int]]:
    """The order with its good lines; every bad line as an order of its own, to be refused alone."""
    status = row.get("status") or "completed"
    order = _typed(row, site, row.get("order_id"), status) | {
        "orderId": row.get("order_id"),
        "status": status,
        "currency": row.get("currency"),
    }
    good, bad = _lines(row)
    if good or not bad:
        # A file may tell of orders without what they came to; a row that leaves it out is refused.
        total = row.get("total") if good else row.get("total", 0)
        yield order | {"items": good, "total": total}, 0
    for number, line in bad:
        yield order | {"items": [line]}, number


def _lines(row: Row) -> tuple[list[Body], list[tuple[int, Body]]]:
    """Good ones, and bad ones with their numbers."""
    columns = {name: row[name] for name in LINE if isinstance(row.get(name), list)}
    good: list[Body] = []
    bad: list[tuple[int, Body]] = []
    for number, cells in enumerate(zip(*columns.values(), strict=True)):
        line = _line(dict(zip(columns, map(_plain, cells), strict=True)))
        if _is_good(line):
            good.append(line)
        else:
            bad.append((number, line))
    return good, bad


def _line(cells: Row) -> Body:
    line = {
        "productId": cells.get("product_id"),
        "name": cells.get("name"),
        "category": cells.get("category"),
        "quantity": cells.get("quantity"),
        "price": cells.get("price"),
    }
    if cells.get("line_total") is not None:
        line["price"] = _per_piece(cells["line_total"], cells.get("quantity"))
    return {name: value for name, value in line.items() if value is not None}


def _per_piece(line_total: Any, quantity: Any) -> Any:
    """The line's total shared out; the total itself where that cannot be done."""
    try:
        pieces = Decimal(str(1 if quantity is None else quantity))
        return (Decimal(str(line_total)) / pieces).quantize(_PRICE_STEP)
    except ArithmeticError:
        return line_total


def _is_good(line: Body) -> bool:
    """Whether admission will take the line: the same functions decide."""
    try:
        orders.required(line.get("productId"), "productId")
        if "quantity" in line:
            orders.quantity(Decimal(str(line["quantity"])))
        orders.money(Decimal(str(line.get("price", 0))), "price")
    except (Refused, ArithmeticError):
        return False
    return True


def _ticket(row: Row, site: str) -> Iterator[tuple[Body, int]]:
    rating = row.get("rating")
    body = _typed(row, site, row.get("ticket_id"), row.get("action"), row["time"]) | {
        "ticketId": row.get("ticket_id"),
        "action": row.get("action"),
        "channel": row.get("channel"),
        "subject": row.get("subject"),
        "priority": row.get("priority"),
        "rating": int(rating) if isinstance(rating, str) and rating.isdecimal() else rating,
    }
    yield body, 0


def _typed(row: Row, site: str, *key: Any) -> Body:
    """What purchases and tickets share; `key` is what makes the fact this one and no other."""
    customer = {
        ours: row[name]
        for name, ours in (
            ("user_id", "userId"),
            ("email", "email"),
            ("phone", "phone"),
            ("crm", "crmId"),
            ("social", "social"),
        )
        if row.get(name) is not None
    }
    name = "\n".join(map(str, (site, *key)))
    return {
        "messageId": blake2b(name.encode(), digest_size=16).hexdigest(),
        "time": row["time"],
        "anonymousId": row.get("anonymous_id"),
        "customer": customer or None,
    }
