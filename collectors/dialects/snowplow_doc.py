"""What the page of Snowplow tells that no code knows; see `collectors.source_doc`."""

from typing import Final

from collectors.source_doc import Becomes, Example, Library, Link, SourceDoc

ABOUT: Final = SourceDoc(
    title="Snowplow",
    purpose="Snowplow's own trackers, for browsers and servers, take this for their collector.",
    connect="change the collector of Snowplow's tracker",
    brings=("clicks", "purchases"),
    becomes=(
        Becomes("page view, screen view", "a view of that page, with its referrer"),
        Becomes("structured event", "an event called by its action"),
        Becomes(
            "self-describing event",
            "an event called by its schema's name, with its entities under `contexts`",
        ),
        Becomes("page ping", "an event `page_ping`"),
        Becomes(
            "e-commerce action with a transaction or refund, `tr` with its `ti`",
            "a purchase, or its refund, with its lines",
        ),
        Becomes(
            "user id (`uid`), e-mail of the e-commerce user entity", "the device belongs to them"
        ),
    ),
    not_taken=(
        "Schemas are not fetched, so nothing is validated against them.",
        "The third-party cookie and `/com.snowplowanalytics.iglu/v1`: there are none.",
        "Events of anonymous tracking without sessions, which are nobody's (`missing_id`): give it "
        "`withSessionTracking`, and each session counts as a visitor. `withServerAnonymisation` is "
        "respected: no address is kept, and no id of the network.",
    ),
    libraries=(
        Library(
            "@snowplow/browser-tracker",
            "4.10.1",
            "browser",
            'import { newTracker } from "@snowplow/browser-tracker";',
            'newTracker("sp", "https://COLLECTOR", { appId: "shop" });',
            'newTracker("sp", "{address}", { appId: "{key}" });',
        ),
        Library(
            "@snowplow/node-tracker",
            "4.8.0",
            "node",
            'import { newTracker } from "@snowplow/node-tracker";',
            'const tracker = newTracker({ namespace: "sp", appId: "shop" }, '
            '{ endpoint: "https://COLLECTOR" });',
            'const tracker = newTracker({ namespace: "sp", appId: "{server}" }, '
            '{ endpoint: "{address}" });',
        ),
        Library(
            "snowplow-tracker",
            "1.1.0",
            "python",
            "from snowplow_tracker import Emitter, Tracker",
            'tracker = Tracker("sp", Emitter("https://COLLECTOR"), app_id="shop")',
            'tracker = Tracker("sp", Emitter("{address}"), app_id="{server}")',
        ),
    ),
    examples=(
        Example(
            "curl -o /dev/null -H 'Origin: https://www.myshop.example' \\\n"
            "  '{address}/i?e=pv&aid={key}&duid=d-1&url=https%3A%2F%2Fwww.myshop.example%2Ftea&page=Tea'",
            ("page",),
        ),
        Example(
            """curl {address}/com.snowplowanalytics.snowplow/tp2 -d '{
  "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [
  {"e": "tr", "aid": "{server}", "duid": "d-1", "uid": "u42",
   "tr_id": "1001", "tr_tt": "49.80", "tr_cu": "EUR"},
  {"e": "ti", "aid": "{server}", "duid": "d-1", "uid": "u42",
   "ti_id": "1001", "ti_sk": "tea-1", "ti_qu": "2", "ti_pr": "24.90"}]}'""",
            ("purchase", "track"),
        ),
    ),
    notes=("There is no write key in its protocol: the app's id stands for it.",),
    documentation=(
        Link("Snowplow's trackers", "https://docs.snowplow.io/docs/sources/"),
        Link("Tracker protocol", "https://docs.snowplow.io/docs/events/http-requests/"),
    ),
)
