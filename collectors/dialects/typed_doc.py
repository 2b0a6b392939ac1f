"""What the page of the typed paths tells that no code knows; see `collectors.source_doc`."""

from typing import Any, get_args

from collectors.source_doc import Becomes, Example, Link, SourceDoc
from schemas.events import FeedbackKind, OrderStatus, TicketAction


def _words(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in get_args(words))


def source_doc(customer_fields: tuple[str, ...]) -> SourceDoc:
    """The documentation; the arguments are what typed.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="HTTP",
        purpose="Purchases, tickets and survey answers, posted as JSON by a shop's or help desk's server.",
        connect="post JSON",
        brings=("purchases", "tickets", "feedback"),
        becomes=(
            Becomes("`/v1/purchases`", f"a purchase; `status` is {_words(OrderStatus)}"),
            Becomes("`/v1/tickets`", f"a step of a ticket; `action` is {_words(TicketAction)}"),
            Becomes("`/v1/feedback`", f"an answer; `kind` is {_words(FeedbackKind)}"),
        ),
        not_taken=(
            "A field of another name is not looked at; `properties` takes what has no field.",
        ),
        examples=(
            Example(
                """curl -u {server}: {address}/v1/purchases -d '{
  "orderId": "1001", "currency": "EUR", "customer": {"userId": "u42", "email": "ada@example.org"},
  "items": [{"productId": "tea-1", "name": "Assam", "quantity": 2, "price": "24.90"}]}'""",
                ("purchase",),
            ),
            Example(
                """curl -u {server}: {address}/v1/tickets -d '{
  "ticketId": "77", "action": "created", "subject": "Cannot pay on my phone",
  "customer": {"email": "ada@example.org"}}'""",
                ("ticket",),
            ),
            Example(
                """curl -u {server}: {address}/v1/feedback -d '{
  "kind": "nps", "score": 9, "about": "checkout", "customer": {"userId": "u42"}}'""",
                ("feedback",),
            ),
        ),
        notes=(
            'One object, a list of them, or `{"batch": [object, …]}`.',
            "Every object also takes `messageId`, `time` (ISO 8601 or milliseconds), `anonymousId`, "
            "`optOut` and `properties`. With the same `messageId` it counts once; without one give it a "
            "`time`, and the same bytes count once.",
            f"`customer` has at least one of {', '.join(f'`{name}`' for name in customer_fields)}, unless "
            "there is an `anonymousId`.",
            "In the examples of `schemas/examples`, `body` is what is sent to `path`.",
            "Without `total` an order's total is the sum of its items; it has one of the two. A refund "
            "without `items` refunds the whole order.",
        ),
        documentation=(Link("One of each kind of event", "../../schemas/examples"),),
    )
