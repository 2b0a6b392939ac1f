"""One request of every dialect, as its SDK makes it: the conformance suite runs over these."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from collectors.dialects import contract
from tests.collectors.requests import AT, NOW, basic

ITEM = {"product_id": "tea", "name": "Assam ☕", "category": "Tea", "quantity": 2, "price": 24.9}
ORDER = {"order_id": "A-1", "total": 49.8, "currency": "EUR", "products": [ITEM]}
TP2 = "/com.snowplowanalytics.snowplow/tp2"
ACTION = "iglu:com.snowplowanalytics.snowplow.ecommerce"


class Sample(NamedTuple):
    """A way to send. `tracks` gives path, body (a GET's query) and headers of one track event.

    `device` is None for an event of nobody; `properties` are its own.
    """

    name: str
    method: str
    path: str
    order: tuple[str, Mapping[str, Any]]

    def request(
        self, device: str | None, event: str, properties: Mapping[str, Any], key: str = "k"
    ) -> contract.Request:
        """The request that this SDK would make."""
        maker = _MAKERS[self.name]
        body, headers, query = maker(device, event, dict(properties), key)
        query = body.decode() if self.method == "GET" else query
        return contract.Request(self.path, query, headers, body, NOW, "nonce")

    def purchase(self) -> contract.Request:
        """An order, as this vendor's spec tells it."""
        event, properties = self.order
        return self.request("d", event, properties)


Made = tuple[bytes, dict[str, str], str]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _spec(device: str | None, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "track",
        "event": event,
        "properties": properties,
        "anonymousId": device,
        "userId": "",
        "messageId": "m-1",
        "timestamp": AT,
    }


def _segment(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    return _json(_spec(device, event, properties) | {"sentAt": AT}), basic(key), ""


def _segment_batch(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    body = {"batch": [_spec(device, event, properties)], "sentAt": AT, "writeKey": key}
    return _json(body), {}, ""


def _beacon(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    return _json({"batch": [_spec(device, event, properties)]}), {}, urlencode({"writeKey": key})


def _jitsu(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    body = _spec(device, event, properties) | {"writeKey": "k:***"}
    return _json(body), {"x-write-key": f"{key}:secret"}, ""


def _posthog_event(device: str | None, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    own = {"$device_id": device, "$is_identified": False, "distinct_id": device} if device else {}
    return {"event": event, "properties": properties | own, "uuid": "m-1", "timestamp": AT}


def _posthog(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    body = {"api_key": key, "batch": [_posthog_event(device, event, properties)], "sent_at": AT}
    return _json(body), {}, ""


def _posthog_form(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    properties = properties | {"token": key}
    data = base64.b64encode(_json([_posthog_event(device, event, properties)]))
    return b"data=" + quote(data).encode(), {}, "compression=base64"


def _snowplow_event(device: str | None, event: str, properties: dict[str, Any]) -> dict[str, str]:
    entities = properties.get("entities")
    data = {name: value for name, value in properties.items() if name != "entities"}
    named = event if "/" in event else f"example.shop/{event}"
    described = {
        "schema": "outer",
        "data": {"schema": f"iglu:{named}/jsonschema/1-0-0", "data": data},
    }
    item = {
        "e": "ue",
        "eid": "m-1",
        "dtm": str(NOW),
        "stm": str(NOW),
        "p": "web",
        "ue_pr": json.dumps(described, ensure_ascii=False),
    }
    if entities:
        item["co"] = json.dumps({"schema": "outer", "data": entities}, ensure_ascii=False)
    return item | ({"duid": device} if device else {})


def _snowplow(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    item = _snowplow_event(device, event, properties) | {"aid": key}
    return _json({"schema": "payload_data", "data": [item]}), {}, ""


def _snowplow_get(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    item = _snowplow_event(device, event, properties) | {"aid": key}
    for plain, coded in (("ue_pr", "ue_px"), ("co", "cx")):
        if plain in item:
            text = base64.urlsafe_b64encode(item.pop(plain).encode())
            item[coded] = text.decode().rstrip("=")
    return urlencode(item).encode(), {}, ""


def _pixel(device: str | None, event: str, properties: dict[str, Any], key: str) -> Made:
    whole = _spec(device, event, properties) | {"writeKey": key}
    return b"data=" + quote(base64.b64encode(_json(whole))).encode(), {}, ""


_MAKERS = {
    "segment": _segment,
    "segment batch": _segment_batch,
    "rudderstack beacon": _beacon,
    "jitsu": _jitsu,
    "posthog": _posthog,
    "posthog form": _posthog_form,
    "posthog get": _posthog_form,
    "snowplow": _snowplow,
    "snowplow get": _snowplow_get,
    "pixel": _pixel,
}

_SPEC_ORDER = ("Order Completed", ORDER)
_SNOWPLOW_ORDER = (
    "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action",
    {
        "type": "transaction",
        "entities": [
            {
                "schema": f"{ACTION}/transaction/jsonschema/1-0-0",
                "data": {"transaction_id": "A-1", "revenue": 49.8, "currency": "EUR"},
            },
            {
                "schema": f"{ACTION}/product/jsonschema/1-0-0",
                "data": {
                    "id": "tea",
                    "name": "Assam ☕",
                    "category": "Tea",
                    "quantity": 2,
                    "price": 24.9,
                    "currency": "EUR",
                },
            },
        ],
    },
)

SAMPLES = (
    Sample("segment", "POST", "/v1/t", _SPEC_ORDER),
    Sample("segment batch", "POST", "/v1/batch", _SPEC_ORDER),
    Sample("rudderstack beacon", "POST", "/beacon/v1/batch", _SPEC_ORDER),
    Sample("jitsu", "POST", "/api/s/track", _SPEC_ORDER),
    Sample("posthog", "POST", "/batch/", _SPEC_ORDER),
    Sample("posthog form", "POST", "/e/", _SPEC_ORDER),
    Sample("posthog get", "GET", "/e/", _SPEC_ORDER),
    Sample("snowplow", "POST", TP2, _SNOWPLOW_ORDER),
    Sample("snowplow get", "GET", "/i", _SNOWPLOW_ORDER),
    Sample("pixel", "GET", "/v1/pixel/track", _SPEC_ORDER),
)
