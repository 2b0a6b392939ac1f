"""What strangers make up is remembered, so that what visitors send need not be read again: bounded."""

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from collectors.dialects.contract import Read, Sender
from collectors.enrichment import Enricher, Enrichment
from schemas.events import Event
from tests.hostile.judging import resident

WIDE = "\N{PILE OF POO}"
"""In a text with one such character, every character takes four bytes."""
ESCAPED = "%F0%9F%92%A9"
EVENTS = 9_000
"""More than any of the memories holds."""


def hostile(number: int) -> Iterator[tuple[Read, Sender]]:
    """Unlike all others, and as long as it may be."""
    for wide in ("", WIDE):
        agent = f"Mozilla/5.0 (X11; {number:06}{wide}bot{'y' * 500}"
        values = f"utm_term={ESCAPED}{'a' * 200}&gclid={ESCAPED}{'b' * 200}"
        url = f"https://{number:06}.example/?{values}{wide}"
        referrer = f"https://{number:06}.{'l.' * 140}example/{wide}"
        event = Event(
            type="page", message_id="m", site="s", time=1, received_at=1, url=url, referrer=referrer
        )
        address = f"10.{wide}{'z' * 99}" if number % 2 else f"1.2.{number % 250}.{number // 250}"
        yield Read(event, agent, address), Sender("/", "s", 1, None, "", False, address)


def growth() -> int:
    """Bytes by which hostile events make this process larger."""
    enricher = Enricher.of(Enrichment())
    for read, sender in hostile(0):  # what is loaded at first use
        enricher.changes(read, sender)
    before = resident()
    for number in range(EVENTS // 2):
        for read, sender in hostile(number):
            enricher.changes(read, sender)
        enricher.proxies.visitor(f"{number}{WIDE}{'x' * 5_000}", "10.0.0.1")
    return resident() - before


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells its own size")
def test_all_that_is_remembered_of_hostile_events_is_less_than_40_mb() -> None:
    with get_context("spawn").Pool(1) as process:
        assert process.apply(growth) < 40_000_000
