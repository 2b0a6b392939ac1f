"""What the page of Intercom tells that no code knows; see `collectors.source_doc`."""

from collections.abc import Mapping

from collectors.source_doc import Becomes, Example, Link, SourceDoc
from collectors.webhooks import payloads
from schemas.events import TicketAction


def source_doc(actions: Mapping[str, TicketAction]) -> SourceDoc:
    """The documentation; the arguments are what intercom.py acts on, so that the two cannot differ."""
    return SourceDoc(
        title="Intercom",
        purpose="Conversations of Intercom: begun, answered, closed, opened again, rated.",
        connect="paste a URL in the Developer Hub",
        brings=("tickets",),
        becomes=tuple(Becomes(f"`{topic}`", f"`{action}`") for topic, action in actions.items()),
        not_taken=(
            "What was written.",
            "Every other topic: it is answered with 200 and tells nothing.",
        ),
        steps=(
            "In Intercom's Developer Hub open your app (or make one for your own workspace) → Webhooks.",
            "Paste this URL, which must be HTTPS: `{hook}`. Choose the topics below.",
            "The app's page → Basic information shows the client secret: that is the secret.",
        ),
        topics=tuple(actions),
        examples=(
            Example(
                """body='{"id": "n-1", "topic": "conversation.user.created", "created_at": 1795251600,
  "data": {"item": {"id": "77", "source": {"type": "conversation", "subject": "Cannot pay",
    "author": {"type": "user", "id": "5", "email": "ada@example.org"}}}}}'
curl {hook} -d "$body" -H "X-Hub-Signature: sha1=$(
  printf %s "$body" | openssl dgst -sha1 -hmac '{secret}' -r | cut -d' ' -f1)\"""",
                ("ticket",),
            ),
        ),
        notes=(
            "A contact's `external_id` is the site's own user id.",
            f"A conversation's custom attribute `{payloads.DEVICE}` with the visitor's anonymous id (of the "
            "snippet: `localStorage.ff_id`) joins it to the visits before it.",
        ),
        documentation=(
            Link(
                "Setting up webhooks",
                "https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
            ),
            Link(
                "Signature and shape",
                "https://developers.intercom.com/docs/references/webhooks/webhook-models",
            ),
            Link(
                "Conversations",
                "https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations",
            ),
        ),
    )
