"""What the page of Freshdesk tells that no code knows; see `collectors.source_doc`."""

from collections.abc import Mapping
from typing import Final

from collectors.source_doc import Becomes, Example, File, Link, SourceDoc
from schemas.events import TicketAction

_RATED: Final = """\
{"freshdesk_webhook": {"ticket_id": {{ticket.id}}, "action": "rated", "rating": 103,
                       "ticket_requester_email": "{{ticket.requester.email}}"}}
"""


def source_doc(actions: Mapping[str, TicketAction]) -> SourceDoc:
    """The documentation; the arguments are what freshdesk.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="Freshdesk",
        purpose="Tickets of Freshdesk: created, answered, solved, reopened, rated.",
        connect="make automation rules that trigger a webhook",
        brings=("tickets",),
        becomes=(
            *(Becomes(f"`{event}`", f"`{action}`") for event, action in actions.items()),
            Becomes(
                "`{status:{from:2,to:4}}` (4 is resolved, 5 closed)",
                "`solved`, the other way `reopened`",
            ),
            Becomes(
                "advanced content with `action` and `rating`",
                "`rated`: 1 to 5, or Freshdesk's own seven from -103 to 103",
            ),
        ),
        not_taken=(
            "What an answer says.",
            "Every other event: it is answered with 200 and tells nothing.",
        ),
        steps=(
            "In Freshdesk open Admin → Automations and make a rule for each event below.",
            "Its action is “Trigger webhook”: POST, this URL: `{hook}`, and the custom header "
            "`X-Webhook-Secret: {secret}`, with a long secret that you make up. Freshdesk signs nothing, "
            "so the secret is all: use HTTPS.",
            "Content JSON, simple; tick ticket id, subject, status, priority, source, requester's email "
            "and phone, and triggered event.",
            "For ratings a rule for each: content JSON, advanced, as in `rated.json`.",
        ),
        topics=(
            "Ticket is created",
            "Reply is sent",
            "Status is changed",
            "Customer feedback is received",
        ),
        files=(File("rated.json", _RATED),),
        examples=(
            Example(
                """curl {hook} -H 'X-Webhook-Secret: {secret}' -d '{"freshdesk_webhook": {
  "ticket_id": 77, "ticket_subject": "Cannot pay", "ticket_requester_email": "ada@example.org",
  "triggered_event": "{status:{from:2,to:4}}"}}'""",
                ("ticket",),
            ),
        ),
        notes=(
            "Without `time` a fact happened when it came, and the same bytes on the same day (UTC) are "
            "the same fact.",
        ),
        documentation=(
            Link(
                "Webhooks in automation rules",
                "https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules",
            ),
            Link(
                "Satisfaction ratings", "https://developers.freshdesk.com/api/#satisfaction-ratings"
            ),
        ),
    )
