"""What goes over the wire: a CloudEvent, signed so that the stock library accepts it."""

from datetime import UTC, datetime

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pipeline.triggers.deliverer import request_of
from tests.pipeline.triggers.test_stage import trigger

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def test_the_stock_library_verifies_a_delivery() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    event = Webhook(SECRET).verify(body.decode(), headers)
    assert event["type"] == "footfall.repurchase.due"
    assert event["data"]["evidence"] == {"days": 29}


def test_a_changed_body_is_refused() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode().replace("29", "30"), headers)


def test_two_attempts_have_the_same_id_and_body() -> None:
    first, early = request_of(trigger(), Webhook(SECRET), now())
    second, late = request_of(trigger(), Webhook(SECRET), now() + 60_000)
    assert first == second
    assert early["webhook-id"] == late["webhook-id"] == "t1"


def test_the_body_is_a_cloud_event_in_version_one() -> None:
    body, headers = request_of(trigger(), Webhook(SECRET), now())
    event = msgspec.json.decode(body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert {"specversion", "id", "source", "type", "subject", "time"} <= set(event)
    assert event["time"] == "2025-10-09T08:53:20.000Z"
