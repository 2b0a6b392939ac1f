"""Which rejects are kept: quotas, what refills them, and the exact account of what is not kept."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import limits
from collectors.producers.reject_quota import SUMMARY_INTERVAL_MS, RejectQuota
from schemas.rejects import OVERHEAD, Reason, Reject, SentBy, price

NOON = 1_795_262_400_000
"""2026-11-21T12:00:00Z."""
DAY = 86_400_000


@pytest.fixture(autouse=True)
def small_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REJECT_QUOTA_BYTES", 10 * (OVERHEAD + 100))


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


def test_rejects_are_kept_until_the_quota_is_empty_and_then_left() -> None:
    quota = RejectQuota("p")
    within, beyond = quota.split([refused()] * 12, NOON)
    assert (len(within), len(beyond)) == (10, 2)


def test_a_quota_fills_up_evenly_within_a_day() -> None:
    quota = RejectQuota("p")
    quota.split([refused()] * 10, NOON)
    assert len(quota.split([refused()] * 10, NOON + DAY // 2).within) == 5
    assert len(quota.split([refused()] * 20, NOON + 10 * DAY).within) == 10


def test_one_site_cannot_use_up_anothers_quota_nor_can_strangers() -> None:
    quota = RejectQuota("p")
    quota.split([refused("")] * 99, NOON)
    quota.split([refused("blog")] * 99, NOON)
    assert len(quota.split([refused("shop")], NOON).within) == 1


@pytest.mark.parametrize("sender", ["server", "webhook"])
def test_whoever_has_a_pages_key_cannot_use_up_the_quota_of(sender: SentBy) -> None:
    quota = RejectQuota("p")
    quota.split([refused(sender="page")] * 99, NOON)
    quota.split([refused(sender="")] * 99, NOON)
    assert len(quota.split([refused(sender=sender)], NOON).within) == 1


def test_what_could_not_be_written_is_given_back() -> None:
    quota = RejectQuota("p")
    for _ in range(5):
        within, _ = quota.split([refused()] * 10, NOON)
        quota.refund(within)
    assert len(quota.split([refused()] * 10, NOON).within) == 10


def test_a_clock_that_is_set_back_fills_nothing_and_takes_nothing() -> None:
    quota = RejectQuota("p")
    quota.split([refused()] * 8, NOON)
    assert len(quota.split([refused()] * 8, NOON - 50 * DAY).within) == 2


def test_a_summary_tells_how_many_of_what_since_when() -> None:
    quota = RejectQuota("p")
    assert quota.due(NOON) == []
    quota.count([refused()] * 1_234, NOON + 1_000)
    (summary,) = quota.due(NOON + SUMMARY_INTERVAL_MS)
    assert summary.detail == (
        "1,234 of bad_json between 2026-11-21 12:00:01 UTC and 2026-11-21 12:01:00 UTC "
        "were counted but not kept"
    )
    assert (summary.reason, summary.site, summary.body) == (Reason.REJECTS_NOT_KEPT, "shop", b"")
    assert not summary.path.startswith("/"), "it must never be sent again"


def test_summaries_come_once_a_minute_by_site_sender_and_reason() -> None:
    quota = RejectQuota("p")
    quota.due(NOON)
    others = [refused(""), refused(reason=Reason.BAD_SHAPE), refused(sender="server")]
    quota.count([refused(), *others], NOON)
    assert quota.due(NOON + SUMMARY_INTERVAL_MS - 1) == []
    found = quota.due(NOON + SUMMARY_INTERVAL_MS)
    assert len(found) == len({one.id for one in found}) == 4
    assert [one.sender for one in found] == ["page", "page", "page", "server"]
    quota.confirm()
    assert quota.due(NOON + 2 * SUMMARY_INTERVAL_MS) == []


def test_a_summary_that_was_not_written_comes_again_the_same_and_later_counts_apart() -> None:
    quota = RejectQuota("p")
    quota.count([refused()], NOON)
    first = quota.due(NOON)
    quota.count([refused()] * 2, NOON + 1)
    assert quota.due(NOON + 1_000) == first
    quota.confirm()
    (second,) = quota.due(NOON + 1_000 + SUMMARY_INTERVAL_MS)
    assert second.detail.startswith("2 of")
    assert second.id != first[0].id


def test_at_the_end_everything_is_told_at_once() -> None:
    quota = RejectQuota("p")
    quota.count([refused()], NOON)
    quota.due(NOON)
    quota.count([refused()] * 2, NOON + 1)
    ending = quota.due(NOON + 2, ending=True)
    assert [one.detail.split()[0] for one in ending] == ["1", "2"]


steps = st.lists(
    st.tuples(st.sampled_from(["", "shop", "blog"]), st.integers(0, 300), st.integers(0, DAY // 9)),
    max_size=80,
)


@given(steps)
def test_in_no_24_hours_more_is_kept_than_two_quotas(taken: list[tuple[str, int, int]]) -> None:
    quota, now = RejectQuota("p"), NOON
    paid: list[tuple[str, int, int]] = []
    for site, size, pause in taken:
        now += pause
        within, _ = quota.split([refused(site, size)], now)
        paid += [(site, now, price(one)) for one in within]
    for site, end, _ in paid:
        spent = sum(cost for at, time, cost in paid if at == site and end - DAY < time <= end)
        assert spent <= 2 * limits.REJECT_QUOTA_BYTES


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "shop"]),
            st.integers(0, 9),
            st.integers(0, SUMMARY_INTERVAL_MS),
            st.booleans(),
        )
    )
)
def test_every_reject_that_was_not_kept_is_told_once_though_writing_fails(
    taken: list[tuple[str, int, int, bool]],
) -> None:
    quota, now = RejectQuota("p"), NOON
    counted: Counter[str] = Counter()
    told: dict[str, Reject] = {}
    for site, number, pause, fails in taken:
        now += pause
        quota.count([refused(site)] * number, now)
        counted[site] += number
        found = quota.due(now)
        if found and not fails:
            told |= {one.id: one for one in found}
            quota.confirm()
    told |= {one.id: one for one in quota.due(now, ending=True)}
    sums: Counter[str] = Counter()
    for one in told.values():
        sums[one.site] += int(one.detail.split()[0].replace(",", ""))
    assert sums == +counted
