"""Damaged deliveries of every vendor, signed as they should be: a signature says who, not that it is well.

With -s it prints what became of them. FUZZ_SEED tries others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import pytest

from collectors.webhooks import ALL, generic
from schemas.rejects import Reason
from tests.collectors.webhooks.samples import (
    BILLING,
    FRESHDESK,
    SAMPLES,
    SIGN,
    SITE,
    SURVEY,
    SURVEYS,
    delivery,
    secret_of,
)
from tests.hostile.fuzzer import CODINGS, Sent
from tests.hostile.judging import AT_ONCE, Judge, Verdict
from tests.hostile.mutations import any_of, damaged, reshaped
from tests.hostile.test_fuzz import SEED, SLOWEST

DELIVERIES: Final = 5_000
WAYS: Final = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}


_TICKET: Final = FRESHDESK["freshdesk_webhook"]
_RATED: Final = {
    "action": "rated",
    "rating": 103,
    "time": "2026-11-21T09:00:00Z",
    "comment": "Fine",
}
_MORE: Final[Mapping[str, Sequence[dict[str, Any]]]] = {
    "freshdesk": (FRESHDESK, {"freshdesk_webhook": _TICKET | _RATED}),
    "surveys": (SURVEY,),
}


class Deliveries:
    """One vendor's, without end; the same seed, the same deliveries."""

    def __init__(self, vendor: str, seed: int) -> None:
        self._rng, self._vendor = Random(seed), vendor
        samples = [(one.topic, one.body) for one in SAMPLES if one.vendor == vendor]
        samples += [("", body) for body in _MORE.get(vendor, ())]
        self._topics = [topic for topic, _ in samples]
        self._wholes = [delivery(vendor, body).body for _, body in samples]

    def __next__(self) -> Sent:
        rng = self._rng
        place = int(rng.random() * len(self._wholes))
        body, topic = self._wholes[place], self._topics[place]
        if rng.random() < 0.8:
            body = reshaped(rng, body)
        if rng.random() < 0.2:
            body = damaged(rng, body, self._wholes)
        if rng.random() < 0.05:
            body = any_of(rng, CODINGS)(rng, body)
        if rng.random() < 0.05:
            topic = any_of(rng, self._topics)
        headers = SIGN[self._vendor](body, secret_of(self._vendor), 1_795_255_200_000)
        if rng.random() < 0.02:
            name = any_of(rng, list(headers))
            headers[name] = headers[name][: int(rng.random() * len(headers[name]))]
        if topic:
            headers[WAYS[self._vendor]] = topic
        return Sent("POST", f"/webhooks/{self._vendor}/{SITE}", b"", headers, body)


async def fuzzed(vendor: str) -> Verdict:
    """DELIVERIES at one vendor's door."""
    vendors = (*ALL, generic.parse(BILLING), generic.parse(SURVEYS))
    judge = Judge(vendors, {(one.name, SITE): [secret_of(one.name)] for one in vendors})
    deliveries = Deliveries(vendor, SEED)
    for _ in range(0, DELIVERIES, AT_ONCE):
        await judge.judge([next(deliveries) for _ in range(AT_ONCE)])
    await judge.close()
    return judge.verdict(0)


@pytest.mark.parametrize("vendor", SIGN)
def test_every_signed_delivery_is_taken_or_kept_as_a_reject(vendor: str) -> None:
    verdict = asyncio.run(fuzzed(vendor))
    print(f"\n{vendor} (seed {SEED}): {verdict}")
    assert not verdict.wrong, f"{len(verdict.wrong)} wrong; the first:\n{verdict.wrong[0]}"
    assert set(verdict.statuses) == {200, 401}
    assert verdict.slowest < SLOWEST
    assert verdict.events > DELIVERIES // 10
    assert len(verdict.reasons) >= 5, verdict.reasons
    assert set(verdict.reasons) <= set(Reason)
