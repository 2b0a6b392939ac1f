"""What the page of Zendesk tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.source_doc import Becomes, Example, File, Link, SourceDoc

_TRIGGER: Final = """\
{"ticket_id": "{{ticket.id}}", "action": "rated", "time": "{{ticket.updated_at_with_timestamp}}",
 "email": "{{ticket.requester.email}}", "requester_id": "{{ticket.requester.id}}",
 "rating": "{{satisfaction.current_rating}}", "comment": "{{satisfaction.current_comment}}"}
"""

ABOUT: Final = SourceDoc(
    title="Zendesk",
    purpose="Tickets of Zendesk: created, answered, solved, reopened, rated.",
    connect="create a webhook in the Admin Centre",
    brings=("tickets",),
    becomes=(
        Becomes("ticket created", "`created`"),
        Becomes("comment added, public and by staff", "`answered`"),
        Becomes("status changed to solved or closed", "`solved`"),
        Becomes("status changed from solved or closed to an open one", "`reopened`"),
        Becomes("a trigger", "its `action`; of `rated`, good is 5 of 5, bad 1, a number itself"),
    ),
    not_taken=(
        "Private comments and the requester's own.",
        "What a comment says.",
        "Every other event: it is answered with 200 and tells nothing.",
    ),
    steps=(
        "In the Admin Centre open Apps and integrations → Webhooks → Create webhook.",
        "Choose how it is connected; Zendesk allows one of both. “Zendesk events” is quick: tick the "
        "events below. “Trigger or automation” also brings ratings and e-mail addresses: make a trigger "
        "for each action, which notifies the webhook with `trigger.json`, `action` being created, "
        "answered, solved, reopened or rated.",
        "URL `{hook}`, method POST, format JSON.",
        "Its page has “Reveal secret”: that is the secret.",
    ),
    topics=("Ticket created", "Ticket comment added", "Ticket status changed"),
    files=(File("trigger.json", _TRIGGER),),
    examples=(
        Example(
            """time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
body='{"id": "e-1", "type": "zen:event-type:ticket.status_changed", "time": "2026-11-21T09:00:00Z",
  "detail": {"id": "77", "requester_id": "5", "subject": "Cannot pay"},
  "event": {"previous": "OPEN", "current": "SOLVED"}}'
curl {hook} -d "$body" -H "X-Zendesk-Webhook-Signature-Timestamp: $time" \\
  -H "X-Zendesk-Webhook-Signature: $(
  printf %s "$time$body" | openssl dgst -sha256 -hmac '{secret}' -binary | base64)\"""",
            ("ticket",),
        ),
    ),
    notes=(
        "Events name the requester by Zendesk's own id alone, which joins a customer's tickets to each "
        "other and not to the visits.",
    ),
    documentation=(
        Link("Creating webhooks", "https://support.zendesk.com/hc/en-us/articles/4408839108378"),
        Link("Signature", "https://developer.zendesk.com/documentation/webhooks/verifying/"),
        Link(
            "Ticket events",
            "https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events",
        ),
        Link("Placeholders", "https://support.zendesk.com/hc/en-us/articles/4408886858138"),
    ),
)
