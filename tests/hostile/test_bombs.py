"""Decompression bombs and their like against a collector process: refused, and for next to nothing.

With -s it prints what each of them cost.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import pytest

from tests.hostile.bombs import BATCH, BOMBS, MIB, Bomb
from tests.hostile.running import Collector, collecting

MOST_MEMORY: Final = 64 * MIB
MOST_CPU: Final = 0.2
MOST_WAITING: Final = 1.0
"""Seconds that the good event after a bomb may take."""


UNSIGNED: Final[Mapping[str, Mapping[str, str]]] = {
    "shopify": {"x-shopify-hmac-sha256": "AAAA", "x-shopify-topic": "orders/paid"},
    "woocommerce": {"x-wc-webhook-signature": "AAAA"},
    "stripe": {"stripe-signature": ",".join(["t=1795255200", *["v1=" + "0" * 64] * 500])},
    "zendesk": {
        "x-zendesk-webhook-signature": "AAAA",
        "x-zendesk-webhook-signature-timestamp": "2026-11-21T10:00:00Z",
    },
    "freshdesk": {"x-webhook-secret": "guess"},
    "intercom": {"x-hub-signature": "sha1=" + "0" * 40},
}
"""Every vendor's door, and headers that do not open it. Stripe's may be many at once."""


_WARM_UP: Final = 5
"""Requests after which the process has the memory that one of them takes."""


class Cost(NamedTuple):
    """What one bomb cost. Bytes over the process before it, seconds."""

    status: int
    memory: int
    cpu: float
    after: float


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    secrets = ",".join(f"{vendor}:shop=c2VjcmV0" for vendor in UNSIGNED)
    with collecting(tmp_path_factory.mktemp("bombs"), webhook_secrets=secrets) as running:
        for number in range(20):
            running.good(number)
        yield running


@pytest.fixture(scope="module")
def idle(collector: Collector) -> int:
    """Its memory before the first bomb."""
    return collector.memory()


def cost(collector: Collector, bomb: Bomb, number: int, idle: int) -> Cost:
    collector.forget_peak()
    before = collector.cpu()
    answer = collector.post(bomb.path, bomb.body, bomb.headers)
    spent = collector.cpu() - before
    peak = collector.memory("VmHWM") - idle
    return Cost(answer.status, peak, spent, collector.good(number))


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda one: one.name)
def test_a_bomb_costs_next_to_nothing(collector: Collector, idle: int, bomb: Bomb) -> None:
    found = cost(collector, bomb, 1_000 + BOMBS.index(bomb), idle)
    print(
        f"\n{bomb.name:40} {len(bomb.body):>9} bytes  {found.status}  "
        f"+{found.memory / MIB:5.1f} MiB  {found.cpu * 1e3:4.0f} ms CPU  "
        f"then {found.after * 1e3:4.0f} ms"
    )
    assert found.status in bomb.answers
    assert found.memory <= MOST_MEMORY
    assert found.cpu <= MOST_CPU
    assert found.after < MOST_WAITING


def strange(number: int, size: int) -> bytes:
    """An event in which everything that readings are remembered of is long and new."""
    long = f"{number}-" + "x" * size
    return (
        f'{{"type":"page","anonymousId":"{number}","context":{{"userAgent":"Mozilla/5.0 (X11) {long}",'
        f'"ip":"{long}","page":{{"url":"https://a.b/?utm_source={long}","referrer":"https://c.d/{long}"}}'
        "}}"
    ).encode()


def test_what_strangers_make_up_is_not_remembered_without_end(collector: Collector) -> None:
    sizes = []
    for batch in range(_WARM_UP + 20):
        sizes.append(collector.memory())
        events = b",".join(strange(150 * batch + place, 6_500) for place in range(150))
        assert collector.post(BATCH, b'{"batch":[%s]}' % events).status == 200
    grown = sizes[-1] - sizes[_WARM_UP]
    print(f"\n3,000 strange events of 26 KiB: +{grown / MIB:.1f} MiB")
    assert grown <= 16 * MIB  # of 76 that came


@pytest.mark.parametrize("vendor", UNSIGNED)
def test_a_large_delivery_without_a_signature_costs_little(
    collector: Collector, idle: int, vendor: str
) -> None:
    body = b'{"x":"%s"}' % (b"x" * (4 * MIB - 20))
    door = Bomb(vendor, f"/webhooks/{vendor}/shop", body, frozenset({401}), UNSIGNED[vendor])
    found = cost(collector, door, 2_000 + list(UNSIGNED).index(vendor), idle)
    print(
        f"\n{vendor:12} {found.status} +{found.memory / MIB:.1f} MiB {found.cpu * 1e3:.0f} ms CPU"
    )
    assert found.status in door.answers
    assert found.memory <= MOST_MEMORY
    assert found.cpu <= MOST_CPU / 2
