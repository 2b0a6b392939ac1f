"""Who is let in: signatures, secrets, replays; and that nothing sent can break a collector."""

import base64
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from collectors import limits
from collectors.admission import Admission
from collectors.dialects.contract import Request
from collectors.enrichment import PLAIN, Enricher
from collectors.errors import WebhookError, WebhookMappingError
from collectors.webhook_settings import router_of
from collectors.webhooks import ALL, generic
from collectors.webhooks.router import Router
from schemas.rejects import MAX_STORED_BODY, Reason
from tests.collectors.webhooks.samples import (
    BILLING,
    NOW,
    SAMPLES,
    SECRET,
    SIGN,
    SIGNED,
    SITE,
    STANDARD,
    TIMED,
    delivery,
    router,
    secret_of,
)

ROUTER = router()
BODY = b'{"id":1,"text":"caf\xc3\xa9"}'
VENDORS = sorted(SIGN)


def verdict(request: Request, through: Router = ROUTER) -> str:
    """The reason a request is turned away for; "" where it is let in."""
    admitted = through.admit(request)
    if admitted.status == 200:
        return ""
    (reject,) = admitted.rejects
    assert (admitted.status, admitted.events) == (401, [])
    assert reject.body == request.body[:MAX_STORED_BODY]
    return reject.reason.value


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_delivery_signed_with_the_secret_is_let_in(vendor: str) -> None:
    assert verdict(delivery(vendor, BODY)) == ""


def test_what_is_denied_is_not_kept_of_a_delivery_either() -> None:
    sample = next(one for one in SAMPLES if one.events and one.events[0].identifiers)
    denying = router(Enricher(denied=["email"]))
    request = delivery(sample.vendor, sample.body, sample.topic)
    before, after = (one.admit(request).events[0] for one in (ROUTER, denying))
    assert any(name.startswith("email:") for name in before.identifiers)
    assert after.identifiers == tuple(n for n in before.identifiers if not n.startswith("email:"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_signed_and_cannot_be_read_is_told_from_what_anybody_sends(vendor: str) -> None:
    signed, unsigned = delivery(vendor, b"\x1f\x8bx"), delivery(vendor, BODY)._replace(headers={})
    (refused,), (stranger,) = (ROUTER.admit(one).rejects for one in (signed, unsigned))
    assert (refused.sender, refused.site) == ("webhook", SITE)
    assert (stranger.sender, stranger.site) == ("", "")


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_secret_is_not_let_in(vendor: str) -> None:
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert verdict(delivery(vendor, BODY, secret=other)) == "bad_signature"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_opens_nothing(vendor: str, secret: str) -> None:
    open_wide = router(PLAIN, **{vendor: [secret]})
    if secret and vendor != "billing":
        return  # to every other vendor it is a secret as good as its letters
    request = delivery(vendor, BODY, secret=secret)
    assert verdict(request, open_wide) == "bad_signature"
    assert verdict(request._replace(headers={}), open_wide) == "bad_signature"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_secret_opens_one_site_alone(vendor: str) -> None:
    assert verdict(delivery(vendor, BODY, site="other")) == "bad_signature"
    bare = delivery(vendor, BODY)._replace(path=f"/webhooks/{vendor}")
    assert verdict(bare) == "bad_signature"
    if vendor in {one.name for one in ALL}:
        assert verdict(bare, Router.of([f"{vendor}={SECRET}"])) == ""


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_vendor_s_signature_opens_no_other_s_door(vendor: str) -> None:
    for other in SIGNED:
        if SIGN[other] is not SIGN[vendor] and vendor not in ("freshdesk", "surveys"):
            request = delivery(other, BODY, secret=secret_of(other))
            assert verdict(request._replace(path=f"/webhooks/{vendor}/{SITE}")) == "bad_signature"


def _changed(rng: random.Random, data: bytes) -> bytes:
    """One byte flipped, put in or taken out."""
    place = rng.randrange(len(data))
    kind = rng.randrange(3)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + bytes([rng.randrange(256)]) + data[place:]
    return data[:place] + data[place + 1 :]


@pytest.mark.parametrize("vendor", SIGNED)
def test_a_thousand_changed_bodies_are_not_let_in(vendor: str) -> None:
    rng = random.Random(vendor)
    request = delivery(vendor, BODY)
    for _ in range(1_000):
        changed = _changed(rng, BODY)
        if changed != BODY:
            assert verdict(request._replace(body=changed)) == "bad_signature"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_thousand_changed_signatures_are_not_let_in(vendor: str) -> None:
    rng = random.Random(vendor)
    request = delivery(vendor, BODY)
    names = sorted(request.headers)
    for _ in range(1_000):
        name = rng.choice(names)
        value = request.headers[name]
        changed = _changed(rng, value.encode()).decode("latin-1")
        if _means_the_same(vendor, name, value, changed):
            continue
        headers = dict(request.headers) | {name: changed}
        assert verdict(request._replace(headers=headers)) == "bad_signature", (name, changed)


def _means_the_same(vendor: str, name: str, value: str, changed: str) -> bool:
    """Separators may be written in several ways; times and signatures in one."""
    if name == "stripe-signature":
        return _parts(changed, ",") >= _parts(value, ",") and changed.strip().startswith("t=")
    if name == "webhook-signature":
        return value in changed.split(" ")
    return changed == value


def _parts(text: str, separator: str) -> set[str]:
    return {part.strip() for part in text.split(separator)}


@pytest.mark.parametrize("vendor", TIMED)
@pytest.mark.parametrize("seconds", [-301, -299, 0, 299, 301, 86_400])
def test_a_delivery_signed_more_than_five_minutes_apart_is_a_replay(
    vendor: str, seconds: int
) -> None:
    request = delivery(vendor, BODY, signed_at=NOW - seconds * 1000)
    assert verdict(request) == ("" if abs(seconds) <= 300 else "bad_signature")


@pytest.mark.parametrize("vendor", TIMED)
def test_an_old_delivery_cannot_be_dated_anew(vendor: str) -> None:
    old = delivery(vendor, BODY, signed_at=NOW - 3_600_000)
    fresh = delivery(vendor, BODY, secret="whsec_AAAA")
    names = {
        "stripe": "stripe-signature",
        "zendesk": "x-zendesk-webhook-signature-timestamp",
        "billing": "webhook-timestamp",
    }
    headers = dict(old.headers) | {names[vendor]: fresh.headers[names[vendor]]}
    if vendor == "stripe":
        time = fresh.headers["stripe-signature"].partition(",")[0]
        headers["stripe-signature"] = f"{time},{old.headers['stripe-signature'].partition(',')[2]}"
    assert verdict(old._replace(headers=headers)) == "bad_signature"


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed() -> None:
    request = delivery("stripe", BODY)
    time, _, good = request.headers["stripe-signature"].partition(",")
    for header in (
        f"{time},v1={'0' * 64},{good}",
        f"{time},{good},v1={'0' * 64}",
        f"{time},v0=x,{good}",
    ):
        assert verdict(request._replace(headers={"stripe-signature": header})) == ""
    old = f"{time},v0={good.removeprefix('v1=')}"
    assert verdict(request._replace(headers={"stripe-signature": old})) == "bad_signature"
    signed = delivery("billing", BODY)
    both = f"v1,AAAA {signed.headers['webhook-signature']}"
    assert (
        verdict(signed._replace(headers=dict(signed.headers) | {"webhook-signature": both})) == ""
    )


def test_standard_webhooks_are_those_of_its_own_library() -> None:
    at = datetime.fromtimestamp(NOW / 1000, UTC)
    signed = Webhook(STANDARD).sign("msg_7", at, BODY.decode())
    headers = {
        "webhook-id": "msg_7",
        "webhook-timestamp": str(NOW // 1000),
        "webhook-signature": signed,
    }
    assert verdict(delivery("billing", BODY)._replace(headers=headers)) == ""


@pytest.mark.parametrize(
    "header",
    [
        {"x-webhook-secret": SECRET},
        {"authorization": f"Bearer {SECRET}"},
        {"authorization": "Basic " + base64.b64encode(f"any:{SECRET}".encode()).decode()},
    ],
)
def test_a_shared_secret_comes_in_three_ways(header: dict[str, str]) -> None:
    assert verdict(delivery("freshdesk", BODY)._replace(headers=header)) == ""


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"x-webhook-secret": ""},
        {"authorization": "Basic !!"},
        {"authorization": f"Digest {SECRET}"},
        {"authorization": "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode()},
        {"x-webhook-secret": "é"},
    ],
)
def test_anything_else_is_no_shared_secret(header: dict[str, str]) -> None:
    assert verdict(delivery("freshdesk", BODY)._replace(headers=header)) == "bad_signature"


def test_woocommerce_s_greeting_is_answered_and_tells_nothing() -> None:
    request = Request("/webhooks/woocommerce/shop", "", {}, b"webhook_id=3", NOW, "n")
    assert ROUTER.admit(request) == Admission(200, [], [])
    assert verdict(request._replace(body=b"webhook_id=3&x=1")) == "bad_signature"


def test_the_bytes_as_they_came_are_verified_before_they_are_inflated() -> None:
    import gzip

    assert (
        verdict(delivery("intercom", gzip.compress(json.dumps({"topic": "ping"}).encode()))) == ""
    )
    bomb = gzip.compress(b" " * (limits.MAX_BODY + 1))
    (reject,) = ROUTER.admit(delivery("intercom", bomb)).rejects
    assert reject.reason == Reason.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks",
        "/webhooks/",
        "/webhooks/paypal/shop",
        "/webhooks/shopify/a/b",
        "/webhooks/shopify/é",
        "/webhooks/shopify//x",
        "/webhooks/Shopify/shop",
        f"/webhooks/shopify/{'s' * 65}",
        "/webhooks/shopify/shop\n",
        "/webhooks/../shopify",
    ],
)
def test_other_paths_are_not_served(path: str) -> None:
    assert not ROUTER.serves(path)


def test_settings_name_vendors_sites_and_secrets(tmp_path: Path) -> None:
    file = tmp_path / "billing.toml"
    file.write_text(BILLING, encoding="utf-8")
    opened = router_of(["intercom:shop=a=b", f"billing:{SITE}={STANDARD}"], [str(file)])
    assert verdict(delivery("intercom", BODY, secret="a=b"), opened) == ""
    assert verdict(delivery("billing", BODY), opened) == ""
    assert "webhook-signature" in opened.headers


@pytest.mark.parametrize("vendor", VENDORS)
def test_while_a_secret_is_changed_both_open(vendor: str) -> None:
    old, new, other = ("whsec_" + base64.b64encode(one * 24).decode() for one in (b"o", b"n", b"x"))
    changing = router(PLAIN, **{vendor: [old, new]})
    assert verdict(delivery(vendor, BODY, secret=old), changing) == ""
    assert verdict(delivery(vendor, BODY, secret=new), changing) == ""
    assert verdict(delivery(vendor, BODY, secret=other), changing) == "bad_signature"


@pytest.mark.parametrize(
    "text",
    ["paypal=x9", "shopify", "shopify:shop= ", "=x9", "x9", "x9=", "x9=abc", "shopify:x9="],
)
def test_a_wrong_secret_setting_is_told_without_the_secret(text: str) -> None:
    """Any word of it may be the rest of a secret that has a comma in it."""
    with pytest.raises(WebhookError) as raised:
        Router.of(["stripe=whsec_YWJj", text])
    assert "x9" not in str(raised.value)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('kind = "purchases"', 'kind = "carts"'),
        ('orderId = "data.invoice.id"', ""),
        ("[items]", "[lines]"),
        ('scheme = "standard"', ""),
        ('sku = "x"', 'sku = "x"'),
        ("Europe/Berlin", "Mars/Olympus"),
        ('list = "data.lines"', ""),
        ("currency", "colour"),
        ("[values.status]", "[values.weight]"),
    ],
)
def test_a_wrong_mapping_is_named(was: str, now: str) -> None:
    changed = BILLING.replace(was, now) if was in BILLING else BILLING + "\nextra = 1\n"
    with pytest.raises(WebhookMappingError):
        generic.parse(changed)


def test_a_mapping_cannot_take_a_vendor_s_name(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(BILLING.replace('"billing"', '"shopify"'), encoding="utf-8")
    with pytest.raises(WebhookError):
        router_of([], [str(file)])


def answered(request: Request) -> Admission:
    """Whatever is signed is answered, and whatever is refused has a reason."""
    admitted = ROUTER.admit(request)
    assert admitted.status == 200
    assert all(reject.reason in Reason for reject in admitted.rejects)
    return admitted


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_field_is_answered(sample: Any, data: st.DataObject) -> None:
    body = json.loads(json.dumps(sample.body))
    node = body
    while True:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(values)
        break
    answered(delivery(sample.vendor, json.dumps(body).encode(), sample.topic))


@given(
    st.sampled_from(VENDORS),
    st.binary(max_size=300),
    st.sampled_from(["orders/paid", "refunds/create"]),
)
@settings(max_examples=300, deadline=None)
def test_whatever_bytes_are_signed_are_answered(vendor: str, body: bytes, topic: str) -> None:
    if body[:2] == b"\x1f\x8b":
        return
    topics = {"shopify": topic, "woocommerce": "order.updated"}
    answered(delivery(vendor, body, topics.get(vendor, "")))


@given(
    st.sampled_from(VENDORS),
    st.dictionaries(
        st.sampled_from(sorted(ROUTER.headers)),
        st.text(st.characters(max_codepoint=255)),
        max_size=4,
    ),
    st.binary(max_size=50),
)
@settings(max_examples=300, deadline=None)
def test_whatever_headers_come_nobody_unsigned_is_let_in(
    vendor: str, headers: dict[str, str], body: bytes
) -> None:
    request = Request(f"/webhooks/{vendor}/{SITE}", "", headers, body, NOW, "n")
    assert verdict(request) == "bad_signature"
