"""Which rejects are kept: purses, what refills them, and the exact account of what is not kept."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import limits
from collectors.producers.reject_quota import TELL_MS, Keeping
from schemas.rejects import OVERHEAD, Reason, Reject, SentBy, price

NOON = 1_795_262_400_000
"""2026-11-21T12:00:00Z."""
DAY = 86_400_000


@pytest.fixture(autouse=True)
def small_purse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REJECT_PURSE", 10 * (OVERHEAD + 100))


def refused(
    site: str = "shop", size: int = 100, reason: Reason = Reason.BAD_JSON, sender: SentBy = "page"
) -> Reject:
    return Reject(
        id="x",
        reason=reason,
        detail="",
        site=site,
        received_at=NOON,
        path="/v1/track",
        body=b"j" * size,
        sender=sender,
    )


def test_rejects_are_kept_until_the_purse_is_empty_and_then_left() -> None:
    keeping = Keeping("p")
    kept, left = keeping.divide([refused()] * 12, NOON)
    assert (len(kept), len(left)) == (10, 2)


def test_a_purse_fills_up_evenly_within_a_day() -> None:
    keeping = Keeping("p")
    keeping.divide([refused()] * 10, NOON)
    assert len(keeping.divide([refused()] * 10, NOON + DAY // 2).kept) == 5
    assert len(keeping.divide([refused()] * 20, NOON + 10 * DAY).kept) == 10


def test_one_site_cannot_use_up_anothers_purse_nor_can_strangers() -> None:
    keeping = Keeping("p")
    keeping.divide([refused("")] * 99, NOON)
    keeping.divide([refused("blog")] * 99, NOON)
    assert len(keeping.divide([refused("shop")], NOON).kept) == 1


@pytest.mark.parametrize("sender", ["server", "webhook"])
def test_whoever_has_a_pages_key_cannot_use_up_the_purse_of(sender: SentBy) -> None:
    keeping = Keeping("p")
    keeping.divide([refused(sender="page")] * 99, NOON)
    keeping.divide([refused(sender="")] * 99, NOON)
    assert len(keeping.divide([refused(sender=sender)], NOON).kept) == 1


def test_what_could_not_be_written_is_given_back() -> None:
    keeping = Keeping("p")
    for _ in range(5):
        kept, _ = keeping.divide([refused()] * 10, NOON)
        keeping.give_back(kept)
    assert len(keeping.divide([refused()] * 10, NOON).kept) == 10


def test_a_clock_that_is_set_back_fills_nothing_and_takes_nothing() -> None:
    keeping = Keeping("p")
    keeping.divide([refused()] * 8, NOON)
    assert len(keeping.divide([refused()] * 8, NOON - 50 * DAY).kept) == 2


def test_a_summary_tells_how_many_of_what_since_when() -> None:
    keeping = Keeping("p")
    assert keeping.due(NOON) == []
    keeping.count([refused()] * 1_234, NOON + 1_000)
    (summary,) = keeping.due(NOON + TELL_MS)
    assert summary.detail == (
        "1,234 of bad_json between 2026-11-21 12:00:01 UTC and 2026-11-21 12:01:00 UTC "
        "were counted but not kept"
    )
    assert (summary.reason, summary.site, summary.body) == (Reason.REJECTS_NOT_KEPT, "shop", b"")
    assert not summary.path.startswith("/"), "it must never be sent again"


def test_summaries_come_once_a_minute_by_site_sender_and_reason() -> None:
    keeping = Keeping("p")
    keeping.due(NOON)
    others = [refused(""), refused(reason=Reason.BAD_SHAPE), refused(sender="server")]
    keeping.count([refused(), *others], NOON)
    assert keeping.due(NOON + TELL_MS - 1) == []
    found = keeping.due(NOON + TELL_MS)
    assert len(found) == len({one.id for one in found}) == 4
    assert [one.sender for one in found] == ["page", "page", "page", "server"]
    keeping.told()
    assert keeping.due(NOON + 2 * TELL_MS) == []


def test_a_summary_that_was_not_written_comes_again_the_same_and_later_counts_apart() -> None:
    keeping = Keeping("p")
    keeping.count([refused()], NOON)
    first = keeping.due(NOON)
    keeping.count([refused()] * 2, NOON + 1)
    assert keeping.due(NOON + 1_000) == first
    keeping.told()
    (second,) = keeping.due(NOON + 1_000 + TELL_MS)
    assert second.detail.startswith("2 of")
    assert second.id != first[0].id


def test_at_the_end_everything_is_told_at_once() -> None:
    keeping = Keeping("p")
    keeping.count([refused()], NOON)
    keeping.due(NOON)
    keeping.count([refused()] * 2, NOON + 1)
    ending = keeping.due(NOON + 2, ending=True)
    assert [one.detail.split()[0] for one in ending] == ["1", "2"]


steps = st.lists(
    st.tuples(st.sampled_from(["", "shop", "blog"]), st.integers(0, 300), st.integers(0, DAY // 9)),
    max_size=80,
)


@given(steps)
def test_in_no_24_hours_more_is_kept_than_two_purses(taken: list[tuple[str, int, int]]) -> None:
    keeping, now = Keeping("p"), NOON
    paid: list[tuple[str, int, int]] = []
    for site, size, pause in taken:
        now += pause
        kept, _ = keeping.divide([refused(site, size)], now)
        paid += [(site, now, price(one)) for one in kept]
    for site, end, _ in paid:
        spent = sum(cost for at, time, cost in paid if at == site and end - DAY < time <= end)
        assert spent <= 2 * limits.REJECT_PURSE


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "shop"]), st.integers(0, 9), st.integers(0, TELL_MS), st.booleans()
        )
    )
)
def test_every_reject_that_was_not_kept_is_told_once_though_writing_fails(
    taken: list[tuple[str, int, int, bool]],
) -> None:
    keeping, now = Keeping("p"), NOON
    counted: Counter[str] = Counter()
    told: dict[str, Reject] = {}
    for site, number, pause, fails in taken:
        now += pause
        keeping.count([refused(site)] * number, now)
        counted[site] += number
        found = keeping.due(now)
        if found and not fails:
            told |= {one.id: one for one in found}
            keeping.told()
    told |= {one.id: one for one in keeping.due(now, ending=True)}
    sums: Counter[str] = Counter()
    for one in told.values():
        sums[one.site] += int(one.detail.split()[0].replace(",", ""))
    assert sums == +counted
