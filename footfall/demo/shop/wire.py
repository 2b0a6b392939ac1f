"""What the shop's browsers, shop system and help desk send: Segment-shaped and typed bodies."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from footfall.demo.shop.arrivals import Arrival, arrival
from footfall.demo.shop.catalog import CURRENCY, Product
from footfall.demo.shop.customers import Customer, Device
from footfall.demo.shop.desk import Answer, TicketStep
from footfall.demo.shop.dice import MINUTE
from footfall.demo.shop.visits import Action, Visit

Body = dict[str, Any]

ORIGIN: Final = "https://shop.example"
BURST_MS: Final = 2 * MINUTE
"""A browser keeps what it has to say at most this long."""
BURST_EVENTS: Final = 20


class Request(NamedTuple):
    """A POST at `time` ms. Requests of one `lane` (a device, a ticket) must keep their order.

    `events` is how many events the body holds; `server` says that no browser sends it.
    """

    time: int
    path: str
    body: bytes
    lane: str
    events: int
    server: bool = False


def browser_requests(visit: Visit) -> Iterator[Request]:
    """A visit's batches, each sent with its last event."""
    task, came = visit.device.anonymous_id, arrival(visit)
    for burst in _bursts(visit.actions):
        sent = burst[-1].time
        bodies = [browser_body(action) for action in burst]
        if burst[0] is visit.actions[0]:
            bodies[0] = _arriving(bodies[0], came)
        body = {"batch": bodies, "sentAt": iso(sent)}
        yield Request(sent, "/v1/batch", msgspec.json.encode(body), task, len(burst))


def ticket_request(step: TicketStep) -> Request:
    """One step of a ticket, from the help desk."""
    body = {
        "messageId": f"{step.ticket_id}-{step.time}",
        "time": iso(step.time),
        "customer": {"userId": step.customer.user_id},
        "ticketId": step.ticket_id,
        "action": step.action,
        "channel": "email",
        "subject": step.subject,
        "rating": step.rating,
    }
    existing = {name: value for name, value in body.items() if value is not None}
    return Request(
        step.time, "/v1/tickets", msgspec.json.encode(existing), step.ticket_id, 1, server=True
    )


def answer_request(answer: Answer) -> Request:
    """An answer to a survey, from the shop system."""
    body = {
        "messageId": f"nps-{answer.order_id}",
        "time": iso(answer.time),
        "customer": {"userId": answer.customer.user_id},
        "kind": "nps",
        "score": answer.score,
        "about": answer.order_id,
    }
    encoded = msgspec.json.encode(body)
    return Request(answer.time, "/v1/feedback", encoded, answer.order_id, 1, server=True)


def browser_body(action: Action) -> Body:
    """An action as a Segment SDK tells it."""
    body: Body = {
        "messageId": f"{action.device.anonymous_id}-{action.time}",
        "timestamp": iso(action.time),
        "anonymousId": action.device.anonymous_id,
        "context": _context(action),
    }
    if action.kind == "identify" and action.customer:
        return body | {"type": "identify"} | _identity(action.device, action.customer)
    if action.customer and _tells_user_id(action.device):
        body["userId"] = action.customer.user_id
    if action.kind == "page":
        return body | {"type": "page", "properties": _page(action.path)}
    return body | {"type": "track"} | _track(action)


def iso(time: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    stamp = datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def _bursts(actions: Iterable[Action]) -> Iterator[list[Action]]:
    burst: list[Action] = []
    for action in actions:
        if burst and (action.time - burst[0].time > BURST_MS or len(burst) == BURST_EVENTS):
            yield burst
            burst = []
        burst.append(action)
    if burst:
        yield burst


def _tells_user_id(device: Device) -> bool:
    """People log in on their third device by a link in a mail: it knows their address only."""
    return not device.anonymous_id.endswith("c")


def _identity(device: Device, customer: Customer) -> Body:
    person: Body = {"traits": {"email": customer.email}}
    return person | {"userId": customer.user_id} if _tells_user_id(device) else person


def _context(action: Action) -> Body:
    return {"userAgent": action.device.user_agent, "page": _page(action.path)}


def _arriving(body: Body, came: Arrival) -> Body:
    position = body["context"]["page"]
    position = position | {"url": position["url"] + came.query, "referrer": came.referrer}
    return body | {"properties": position, "context": body["context"] | {"page": position}}


def _page(path: str) -> Body:
    return {"path": path, "url": ORIGIN + path, "title": path.strip("/") or "Home"}


def _track(action: Action) -> Body:
    product = action.product
    assert product is not None
    if action.kind == "added":
        return {"event": "Product Added", "properties": _line(product)}
    order = {
        "order_id": action.order_id,
        "currency": CURRENCY,
        "total": float(product.price),
        "products": [_line(product)],
    }
    return {"event": "Order Completed", "properties": order}


def _line(product: Product) -> Body:
    return {
        "product_id": product.sku,
        "name": product.name,
        "category": product.category,
        "price": float(product.price),
        "quantity": 1,
    }
