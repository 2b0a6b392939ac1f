"""Run in the SDKs' own environment: `in_python.py SDK http://HOST:PORT KEY`. One visit, then exit."""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VISIT: dict[str, Any] = json.loads(Path(__file__).with_name("visit.json").read_text())
PAGE, TRACK, PERSON, ORDER = VISIT["page"], VISIT["track"], VISIT["person"], VISIT["order"]
DEVICE = "device-1"


def segment(host: str, key: str) -> None:
    from segment.analytics.client import Client

    for gzip in (False, True):
        client = Client(key, host=host, gzip=gzip, sync_mode=False)
        _spec(client, "gzip" if gzip else "plain")
        client.shutdown()


def legacy(host: str, key: str) -> None:
    from analytics.client import Client

    client = Client(key, host=host)
    _spec(client, "plain")
    client.shutdown()


def rudderstack(host: str, key: str) -> None:
    from rudderstack.analytics.client import Client

    client = Client(key, host=host)  # gzip is its default
    _spec(client, "gzip")
    client.shutdown()


def _spec(client: Any, device: str) -> None:
    who = {"anonymous_id": f"{DEVICE}-{device}"}
    client.page(None, None, PAGE["title"], PAGE, **who)
    client.track(None, TRACK["event"], TRACK["properties"], **who)
    client.identify(PERSON["id"], PERSON["traits"], **who)
    client.alias(PERSON["before"], PERSON["id"])
    client.track(PERSON["id"], "Order Completed", ORDER, **who)


def posthog(host: str, key: str) -> None:
    from posthog import Posthog

    client = Posthog(key, host=host, gzip="gzip" in sys.argv)
    client.capture(
        "$pageview",
        distinct_id=PERSON["id"],
        properties={
            "$current_url": PAGE["url"],
            "$pathname": PAGE["path"],
            "title": PAGE["title"],
        },
    )
    client.capture(TRACK["event"], properties=TRACK["properties"])  # it makes up an anonymous id
    client.set(distinct_id=PERSON["id"], properties=PERSON["traits"])
    client.alias(previous_id=PERSON["before"], distinct_id=PERSON["id"])
    client.capture("Order Completed", distinct_id=PERSON["id"], properties=ORDER)
    client.shutdown()


def snowplow(host: str, key: str) -> None:
    for method in ("post", "get"):
        _snowplow(host, key, method)


def _snowplow(host: str, key: str, method: Any) -> None:
    from snowplow_tracker import (
        Emitter,
        PagePing,
        PageView,
        SelfDescribing,
        SelfDescribingJson,
        StructuredEvent,
        Subject,
        Tracker,
    )

    place = urlsplit(host)
    emitter = Emitter(place.hostname or "", "http", place.port, method, batch_size=1)
    subject = Subject().set_user_id(PERSON["id"]).set_domain_user_id(f"{DEVICE}-{method}")
    tracker = Tracker("tests", emitter, subject, key, encode_base64=True)
    ours = "iglu:com.snowplowanalytics.snowplow.ecommerce"
    tracker.track(PageView(PAGE["url"], PAGE["title"]))
    tracker.track(PagePing(PAGE["url"], PAGE["title"], max_y=400))
    tracker.track(StructuredEvent("shop", TRACK["event"], label=TRACK["properties"]["note"]))
    noted = SelfDescribingJson("iglu:example.shop/noted/jsonschema/1-0-0", TRACK["properties"])
    tracker.track(SelfDescribing(noted))
    bought = SelfDescribingJson(
        f"{ours}/snowplow_ecommerce_action/jsonschema/1-0-2", {"type": "transaction"}
    )
    order = {
        "transaction_id": ORDER["order_id"],
        "revenue": ORDER["total"],
        "currency": "EUR",
        "payment_method": "card",
    }
    product = {
        ("id" if name == "product_id" else name): value
        for name, value in ORDER["products"][0].items()
    }
    tracker.track(
        SelfDescribing(
            bought,
            context=[
                SelfDescribingJson(f"{ours}/transaction/jsonschema/1-0-0", order),
                SelfDescribingJson(
                    f"{ours}/product/jsonschema/1-0-0", product | {"currency": "EUR"}
                ),
            ],
        )
    )
    tracker.flush()


SDKS = {
    "segment": segment,
    "legacy": legacy,
    "rudderstack": rudderstack,
    "posthog": posthog,
    "snowplow": snowplow,
}

if __name__ == "__main__":
    SDKS[sys.argv[1]](sys.argv[2], sys.argv[3])
