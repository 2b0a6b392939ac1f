"""What the page of WooCommerce tells that no code knows; see `collectors.source_doc`."""

from collections.abc import Set

from collectors.source_doc import Becomes, Example, Link, SourceDoc
from collectors.webhooks import payloads


def source_doc(paid_statuses: Set[str]) -> SourceDoc:
    """The documentation; the arguments are what woocommerce.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="WooCommerce",
        purpose="Orders of a WooCommerce shop: paid, cancelled, refunded.",
        connect="paste a URL under WooCommerce → Settings → Advanced → Webhooks",
        brings=("purchases",),
        becomes=(
            Becomes(
                f"an order in status {' or '.join(f'`{status}`' for status in sorted(paid_statuses))}",
                "a purchase that is completed, at the order's creation",
            ),
            Becomes("an order in status `cancelled` or `refunded`", "the purchase, taken back"),
            Becomes("a refund in an order", "a refund of that amount"),
        ),
        not_taken=(
            "Orders that are pending, on hold or failed.",
            "Every other topic: it is answered with 200 and tells nothing.",
            "Which goods a refund in part was for: it is not in the order.",
        ),
        steps=(
            "In WordPress open WooCommerce → Settings → Advanced → Webhooks → Add webhook.",
            "Status Active, delivery URL `{hook}`, API version “WP REST API Integration v3”, and a secret "
            "that you make up. Once for the topic “Order created” and once for “Order updated”.",
        ),
        topics=("Order created", "Order updated"),
        examples=(
            Example(
                """body='{"id": 1001, "status": "processing", "date_created_gmt": "2026-11-21T09:00:00",
  "currency": "EUR", "total": "49.80", "billing": {"email": "ada@example.org"},
  "line_items": [{"product_id": 7, "name": "Assam", "quantity": 2, "price": 24.9}]}'
curl {hook} -H 'X-WC-Webhook-Topic: order.updated' -d "$body" -H "X-WC-Webhook-Signature: $(
  printf %s "$body" | openssl dgst -sha256 -hmac '{secret}' -binary | base64)\"""",
                ("purchase",),
            ),
        ),
        notes=(
            "Every update tells the whole order again; it counts once.",
            f"An order's meta data `{payloads.DEVICE}` with the visitor's anonymous id (of the snippet: "
            "`localStorage.ff_id`) joins it to the visits before it; without it the e-mail address does.",
        ),
        documentation=(
            Link("Webhooks", "https://woocommerce.com/document/webhooks/"),
            Link("Signature", "https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks"),
            Link("Orders", "https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/"),
        ),
    )
