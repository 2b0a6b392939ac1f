"""What the page of Stripe tells that no code knows; see `collectors.source_doc`."""

from collectors.source_doc import Becomes, Example, Link, SourceDoc
from collectors.webhooks import payloads


def source_doc(session_events: tuple[str, ...], refund_event: str) -> SourceDoc:
    """The documentation; the arguments are what stripe.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="Stripe",
        purpose="Checkouts that are paid and charges that are refunded, for shops that sell by Stripe.",
        connect="paste a URL under Developers → Webhooks",
        brings=("purchases",),
        becomes=(
            *(
                Becomes(f"`{item}`", "a purchase that is completed, once the session is paid")
                for item in session_events
            ),
            Becomes(f"`{refund_event}`", "its refund, of the amount that came back this time"),
        ),
        not_taken=(
            "Sessions that are not paid: Stripe tells again when the money came.",
            "The lines of a session: Stripe does not send them.",
            "Every other event: it is answered with 200 and tells nothing.",
        ),
        steps=(
            "In Stripe's dashboard open Developers (Workbench) → Webhooks → Create an event destination, for "
            "your own account, with snapshot payloads.",
            "Choose the events below and the destination “Webhook endpoint” with this URL: `{hook}`.",
            "Its page shows the signing secret (`whsec_…`): that is the secret.",
        ),
        topics=(*session_events, refund_event),
        examples=(
            Example(
                """time=$(date +%s)
body='{"id": "evt_1", "type": "checkout.session.completed", "created": 1795251660,
  "data": {"object": {"id": "cs_1", "created": 1795251600, "payment_status": "paid",
    "payment_intent": "pi_1", "amount_total": 4980, "currency": "eur",
    "customer_details": {"email": "ada@example.org"}}}}'
curl {hook} -d "$body" -H "Stripe-Signature: t=$time,v1=$(
  printf %s "$time.$body" | openssl dgst -sha256 -hmac '{secret}' -r | cut -d' ' -f1)\"""",
                ("purchase",),
            ),
        ),
        notes=(
            "The order is called by its payment intent, which a session and its charge share.",
            f"A session's metadata `{payloads.DEVICE}` with the visitor's anonymous id (of the snippet: "
            "`localStorage.ff_id`) joins it to the visits before it; without it the e-mail address does.",
            "A shop whose orders come by Shopify or WooCommerce as well counts them twice: connect one.",
        ),
        documentation=(
            Link("Webhooks", "https://docs.stripe.com/webhooks"),
            Link("Signature", "https://docs.stripe.com/webhooks#verify-manually"),
            Link("Sessions", "https://docs.stripe.com/api/checkout/sessions/object"),
            Link("Charges", "https://docs.stripe.com/api/charges/object"),
            Link("Amounts", "https://docs.stripe.com/currencies#zero-decimal"),
        ),
    )
