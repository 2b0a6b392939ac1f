"""Stock SDKs, unmodified, deliver everything to a collector: once, text intact, nobody refused."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.events import Event, Item, Order
from schemas.keys import OPEN, WriteKey
from tests.sdks.collecting import Inbox, collector, inbox
from tests.sdks.runs import HERE, SDKS, Sdk, missing, play, play_in_browser

VISIT = json.loads((HERE / "visit.json").read_text(encoding="utf-8"))
ORDER = Order(
    "A-1001",
    "completed",
    "EUR",
    Decimal("49.8"),
    (Item("tea-☕", "Assam é", "Tea", 2, Decimal("24.9")),),
)

pytestmark = pytest.mark.sdks
in_browser = pytest.mark.parametrize(
    "sdk", [one for one in SDKS if one.where == "browser"], ids=lambda one: one.key, indirect=True
)
with_device = pytest.mark.parametrize(
    "sdk",
    # PostHog's servers know users, not devices.
    [one for one in SDKS if one.where == "browser" or one.script != "posthog"],
    ids=lambda one: one.key,
    indirect=True,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sdks")


@pytest.fixture(scope="module")
def browsers() -> dict[str, Any]:
    """What the browser's console said, for each key."""
    return {}


@pytest.fixture(scope="module")
def delivered(directory: Path, browsers: dict[str, Any]) -> Iterator[Inbox]:
    """Every SDK that can run here runs once against one collector."""
    runnable = [sdk for sdk in SDKS if not missing(sdk.where)]
    with collector(directory, {sdk.key: _key(sdk) for sdk in runnable}) as address:
        pages = [sdk for sdk in runnable if sdk.where == "browser"]
        others = [sdk for sdk in runnable if sdk.where != "browser"]
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(play, sdk, address) for sdk in others]:
                done.result()
        if pages:
            browsers.update(play_in_browser(pages, address))
    written = inbox(directory)
    yield written
    _print(runnable, written)


def _key(sdk: Sdk) -> WriteKey:
    """What an owner would give it: pages say who somebody is and what was bought, servers all."""
    if sdk.where == "browser":
        return WriteKey(sdk.key, identify=True, purchase=True)
    return OPEN._replace(site=sdk.key)


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.key)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    run: Sdk = request.param
    if reason := missing(run.where):
        pytest.skip(reason)
    return run


@pytest.fixture
def events(sdk: Sdk, delivered: Inbox) -> list[Event]:
    return _counted(delivered, sdk.key)


def _counted(delivered: Inbox, key: str) -> list[Event]:
    """As the pipeline counts: what an SDK sends again with its id, and equal, is the same event.

    Segment's browser SDK does so when a page goes while its batch is on the way.
    """
    sent = [event for event in delivered.events if event.site == key]
    unique = {event.message_id: event for event in reversed(sent)}
    again = [event for event in sent if _content(event) != _content(unique[event.message_id])]
    assert again == []
    return [event for event in sent if event is unique[event.message_id]]


def _content(event: Event) -> bytes:
    """All but when it came, which corrects its time."""
    return msgspec.json.encode(replace(event, received_at=0, corrected_time=0))


def test_everything_is_counted_once(sdk: Sdk, events: list[Event]) -> None:
    assert Counter(event.type for event in events) == sdk.expected


def test_nothing_is_refused(sdk: Sdk, delivered: Inbox) -> None:
    assert [one for one in delivered.rejects if one.site in (sdk.key, "")] == []


def test_coffee_and_accents_are_intact(events: list[Event]) -> None:
    track = VISIT["track"]
    (seen,) = {event.event for event in events if "☕" in event.event and event.type == "track"}
    assert seen == track["event"]
    noted = [json.loads(bytes(event.properties)) for event in events if event.type == "track"]
    assert track["properties"]["note"] in {value.get("note") for value in noted}
    assert "A cup ☕ é" in {event.title for event in events}


def test_the_order_is_a_typed_purchase(sdk: Sdk, events: list[Event]) -> None:
    found = [event.order for event in events if event.type == "purchase"]
    if sdk.key == "node-snowplow":  # by GET each `ti` goes out alone, long after its `tr`
        alone = Order("A-1001", "completed", "EUR", Decimal("49.8"))
        assert sorted(found, key=str) == sorted([ORDER, alone], key=str)
    else:
        assert found == [ORDER] * sdk.rounds


def test_the_buyer_is_the_one_who_was_identified(sdk: Sdk, events: list[Event]) -> None:
    buyers = {event.identifiers[0] for event in events if event.type == "purchase"}
    assert buyers == {"user_id:user-42"}
    known = {name for event in events if event.type == "identify" for name in event.identifiers}
    assert known == ({"user_id:user-42", "email:zoe@example.com"} if known else set())
    assert bool(known) == ("identify" in sdk.makes)


@with_device
def test_a_visit_keeps_one_device(sdk: Sdk, events: list[Event]) -> None:
    devices = {event.anonymous_id for event in events if event.type != "alias"}
    assert len(devices) == sdk.rounds
    assert "" not in devices


@in_browser
def test_a_page_is_quiet_and_calls_nobody_else(
    sdk: Sdk, delivered: Inbox, browsers: dict[str, Any]
) -> None:
    assert browsers[sdk.key] == {"console": [], "failed": [], "elsewhere": []}


def _print(runs: list[Sdk], written: Inbox) -> None:
    """The table that `make sdks` shows (pytest -s)."""
    print(
        f"\n{'SDK':<34}{'where':<9}{'variant':<10}{'expected':>9}{'arrived':>8}{'counted':>8}"
        f"{'rejects':>8}"
    )
    for run in runs:
        arrived = sum(event.site == run.key for event in written.events)
        refused = sum(one.site == run.key for one in written.rejects)
        expected = sum(run.expected.values())
        print(
            f"{run.package:<34}{run.where:<9}{run.variant or '-':<10}"
            f"{expected:>9}{arrived:>8}{len(_counted(written, run.key)):>8}{refused:>8}"
        )
