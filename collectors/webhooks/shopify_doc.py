"""What the page of Shopify tells that no code knows; see `collectors.source_doc`."""

from collections.abc import Mapping

from collectors.source_doc import Becomes, Example, Link, SourceDoc
from collectors.webhooks import payloads
from schemas.events import OrderStatus


def source_doc(order_statuses: Mapping[str, OrderStatus], topics: tuple[str, ...]) -> SourceDoc:
    """The documentation; the arguments are what shopify.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="Shopify",
        purpose="Orders of a Shopify shop: paid, cancelled, refunded.",
        connect="paste a URL under Settings → Notifications → Webhooks",
        brings=("purchases",),
        becomes=(
            *(
                Becomes(f"`{topic}`", f"a purchase that is {status}")
                for topic, status in order_statuses.items()
            ),
            Becomes("`refunds/create`", "its refund, with the lines that came back"),
        ),
        not_taken=(
            "Orders that nobody has paid or authorised yet, and test orders.",
            "Every other topic: it is answered with 200 and tells nothing.",
        ),
        steps=(
            "In Shopify's admin open Settings → Notifications → Webhooks → Create webhook.",
            "Choose the event, the format JSON, the newest API version, and this URL: `{hook}`. Once for "
            "each event below.",
            "Below the list stands “Your webhooks will be signed with …”: that is the secret.",
        ),
        topics=topics,
        examples=(
            Example(
                """body='{"id": 1001, "created_at": "2026-11-21T10:00:00+01:00", "currency": "EUR",
  "total_price": "49.80", "financial_status": "paid", "email": "ada@example.org",
  "line_items": [{"product_id": 7, "title": "Assam", "quantity": 2, "price": "24.90"}]}'
curl {hook} -H 'X-Shopify-Topic: orders/paid' -d "$body" -H "X-Shopify-Hmac-Sha256: $(
  printf %s "$body" | openssl dgst -sha256 -hmac '{secret}' -binary | base64)\"""",
                ("purchase",),
            ),
        ),
        notes=(
            "`orders/create` and `orders/paid` of one order are one purchase, at the order's creation.",
            f"A cart attribute `{payloads.DEVICE}` with the visitor's anonymous id (of the snippet: "
            "`localStorage.ff_id`) joins the order to the visits before it; without it the e-mail address "
            "does. Attributes are the visitor's own to write, so none of them names a customer.",
        ),
        documentation=(
            Link(
                "Webhooks",
                "https://help.shopify.com/en/manual/fulfillment/setup/notifications/webhooks",
            ),
            Link("Signature", "https://shopify.dev/docs/apps/build/webhooks/verify-deliveries"),
            Link("Orders", "https://shopify.dev/docs/api/admin-rest/latest/resources/order"),
            Link("Refunds", "https://shopify.dev/docs/api/admin-rest/latest/resources/refund"),
        ),
    )
