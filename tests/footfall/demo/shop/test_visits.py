"""The day's visits: everybody walks forward, and from the break on no mobile visitor gets through."""

from collections import Counter
from itertools import pairwise

from footfall.demo.shop.customers import customers
from footfall.demo.shop.dice import DAY, HOUR
from footfall.demo.shop.visits import BREAK_AFTER, Visit, failed_views, visits

BEGIN = 1_780_012_800_000
BROKEN = BEGIN + BREAK_AFTER
PEOPLE = customers(3, 300)
DAY_OF_VISITS = visits(1, PEOPLE, BEGIN, 2_000)


def _tries(visit: Visit) -> list[int]:
    return [a.time for a in visit.actions if a.path == "/checkout" and a.kind == "page"]


def _paid(visit: Visit) -> bool:
    return any(action.path == "/payment" for action in visit.actions)


def test_actions_are_in_time_order_within_the_day() -> None:
    for visit in DAY_OF_VISITS:
        times = [action.time for action in visit.actions]
        assert all(earlier < later for earlier, later in pairwise(times))
        assert times[0] >= BEGIN
        assert times[-1] < BEGIN + DAY


def test_two_visits_on_one_device_are_an_hour_apart() -> None:
    ends: dict[str, int] = {}
    for visit in DAY_OF_VISITS:
        device = visit.device.anonymous_id
        assert visit.actions[0].time - ends.get(device, 0) >= HOUR
        ends[device] = visit.actions[-1].time


def test_before_the_break_most_mobile_visitors_get_through_the_checkout() -> None:
    early = [v for v in DAY_OF_VISITS if _tries(v) and v.actions[-1].time < BROKEN]
    mobile = [visit for visit in early if visit.device.kind == "mobile"]
    assert sum(map(_paid, mobile)) / len(mobile) > 0.7


def test_after_the_break_no_mobile_visitor_gets_through_and_desktops_do() -> None:
    late = [v for v in DAY_OF_VISITS if _tries(v) and v.actions[0].time >= BROKEN]
    paid = Counter((visit.device.kind, _paid(visit)) for visit in late)
    assert paid["mobile", True] == 0
    assert paid["mobile", False] > 20
    assert paid["desktop", True] / (paid["desktop", True] + paid["desktop", False]) > 0.7


def test_a_broken_checkout_sends_people_back_to_the_cart() -> None:
    late = [v for v in DAY_OF_VISITS if _tries(v) and v.actions[0].time >= BROKEN]
    assert all(v.actions[-1].path == "/cart" for v in late if v.device.kind == "mobile")


def test_a_failed_attempt_counts_once_however_often_it_is_tried() -> None:
    late = [v for v in DAY_OF_VISITS if v.device.kind == "mobile" and _tries(v)]
    failed = [min(t for t in _tries(v) if t >= BROKEN) for v in late if _tries(v)[-1] >= BROKEN]
    assert any(len(_tries(visit)) > 1 for visit in late)
    assert failed_views(DAY_OF_VISITS, BEGIN) == sorted(failed)


def test_nobody_is_known_before_logging_in_and_strangers_never_are() -> None:
    members = {device.anonymous_id for customer in PEOPLE for device in customer.devices}
    for visit in DAY_OF_VISITS:
        kinds = [action.kind for action in visit.actions if action.customer is not None]
        assert not kinds or kinds[0] == "identify"
        assert not kinds or visit.device.anonymous_id in members


def test_some_people_log_in_on_two_devices() -> None:
    devices = Counter(
        owner
        for owner, _ in {
            (action.customer.user_id, action.device.anonymous_id)
            for visit in DAY_OF_VISITS
            for action in visit.actions
            if action.customer
        }
    )
    assert devices.most_common(1)[0][1] >= 2


def test_the_same_seed_gives_the_same_visits() -> None:
    assert visits(1, PEOPLE, BEGIN, 50) == visits(1, PEOPLE, BEGIN, 50)
    assert visits(1, PEOPLE, BEGIN, 50) != visits(2, PEOPLE, BEGIN, 50)
