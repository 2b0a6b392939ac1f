"""What the page of PostHog tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.source_doc import Becomes, Example, Library, Link, SourceDoc
from schemas.events import ORDER_EVENTS

ABOUT: Final = SourceDoc(
    title="PostHog",
    purpose="PostHog's own libraries, for browsers and servers, send here instead of to PostHog.",
    connect="change the host of PostHog's library",
    brings=("clicks", "purchases"),
    becomes=(
        Becomes("`$pageview`, `$screen`", "a view of that page, with its referrer"),
        Becomes(
            "`capture` of any other event, `$autocapture` and `$pageleave` too",
            "an event of that name",
        ),
        Becomes(
            f"`capture` of {', '.join(f'“{name}”' for name in ORDER_EVENTS)}",
            f"a purchase that is {', '.join(ORDER_EVENTS.values())}, with its lines",
        ),
        Becomes(
            "`identify`, `$set`",
            "the device belongs to `distinct_id`, and to `email`, `phone`, "
            "`crmId` and `social` of `$set`",
        ),
        Becomes("`alias`, `$merge_dangerously`", "two ids are one person"),
        Becomes("`$groupidentify`", "an event with the group's key"),
    ),
    not_taken=(
        "PostHog's HTML snippet: it loads its library from the host it is given, which here has none. Use "
        "the npm package.",
        "Feature flags: the library hears that there are none.",
        "Session recordings, heat maps, surveys: the library hears that they are off.",
    ),
    libraries=(
        Library(
            "posthog-js",
            "1.449.2",
            "browser",
            'import posthog from "posthog-js";',
            'posthog.init("PROJECT_KEY", { api_host: "https://eu.i.posthog.com" });',
            'posthog.init("{key}", { api_host: "{address}" });',
        ),
        Library(
            "posthog-node",
            "5.70.0",
            "node",
            'import { PostHog } from "posthog-node";',
            'const posthog = new PostHog("PROJECT_KEY", { host: "https://eu.i.posthog.com" });',
            'const posthog = new PostHog("{server}", { host: "{address}" });',
        ),
        Library(
            "posthog",
            "7.91.1",
            "python",
            "from posthog import Posthog",
            'posthog = Posthog("PROJECT_KEY", host="https://eu.i.posthog.com")',
            'posthog = Posthog("{server}", host="{address}")',
        ),
    ),
    examples=(
        Example(
            """curl {address}/batch -d '{"api_key": "{server}", "batch": [
  {"event": "$pageview", "distinct_id": "d-1",
   "properties": {"$device_id": "d-1", "$current_url": "https://www.myshop.example/tea"}},
  {"event": "$identify", "distinct_id": "u42",
   "properties": {"$anon_distinct_id": "d-1", "$set": {"email": "ada@example.org"}}},
  {"event": "Order Completed", "distinct_id": "u42",
   "properties": {"$device_id": "d-1", "order_id": "1001", "total": 49.8, "currency": "EUR"}}]}'""",
            ("page", "identify", "purchase"),
        ),
    ),
    notes=(
        "A server's `distinct_id` is a user, unless it asks for no profile.",
        "Of the properties `$raw_user_agent`, `$ip` and `token` (the key) are read and not kept.",
    ),
    documentation=(
        Link("PostHog's libraries", "https://posthog.com/docs/libraries"),
        Link("Capture API", "https://posthog.com/docs/api/capture"),
    ),
)
