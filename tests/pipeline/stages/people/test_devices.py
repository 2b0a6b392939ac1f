"""Whose a device is, when; and whose orders it made."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.people.devices import MAX_POINTS, owner_at
from pipeline.stages.people.state import Point
from schemas.identifiers import person_id
from schemas.rows import PurchaseRow
from tests.pipeline.stages.people.shop import Shop, assertion, day, purchase, regulars, reset, tick

ANN, BOB = "user_id:ann", "user_id:bob"


def owners(shop: Shop) -> dict[str, int]:
    """Purchases per person, among those who are not regulars."""
    regular = {person_id("shop", f"user_id:regular{n}") for n in range(12)}
    return {c["person_id"]: c["purchases"] for c in shop.cycles() if c["person_id"] not in regular}


def test_a_device_belongs_to_the_last_assertion_until_a_reset() -> None:
    points = [Point(10, "a", ANN), Point(20, "b", ""), Point(30, "c", BOB)]
    assert [owner_at("d", points, time) for time in (10, 19, 20, 29, 30, 99)] == [
        ANN,
        ANN,
        "device:d",
        "device:d",
        BOB,
        BOB,
    ]


def test_before_the_first_assertion_it_belongs_to_the_first() -> None:
    assert owner_at("d", [Point(10, "a", ANN)], 3) == ANN


def test_before_a_reset_that_nothing_precedes_it_is_nobodys() -> None:
    assert owner_at("d", [Point(10, "a", ""), Point(20, "b", ANN)], 3) == "device:d"


def test_a_device_never_asserted_is_its_own_anonymous_person() -> None:
    shop = Shop().fold([*regulars(), purchase("", 150, device="d1"), tick(170)])
    assert owners(shop) == {person_id("shop", "device:d1"): 1}


def test_an_anonymous_order_goes_over_when_its_device_is_asserted() -> None:
    shop = Shop().fold([*regulars(), purchase("", 150, device="d1"), tick(170)])
    shop.fold([assertion(171, ANN, device="d1")])
    assert owners(shop) == {person_id("shop", ANN): 1}


def test_a_late_assertion_moves_only_the_orders_after_it() -> None:
    shop = Shop().fold([*regulars(), assertion(100, ANN, device="d")])
    shop.fold([purchase("", 120, device="d"), purchase("", 150, device="d"), tick(170)])
    assert owners(shop) == {person_id("shop", ANN): 2}
    shop.fold([assertion(130, BOB, device="d")])
    assert owners(shop) == {person_id("shop", ANN): 1, person_id("shop", BOB): 1}


def test_an_order_after_logging_out_is_anonymous() -> None:
    shop = Shop().fold([*regulars(), assertion(100, ANN, device="d"), reset(110, "d")])
    shop.fold([purchase("", 120, device="d"), tick(170)])
    assert owners(shop) == {person_id("shop", "device:d"): 1}


def test_an_alias_of_a_device_gives_the_device_to_the_person() -> None:
    shop = Shop().fold([*regulars(), purchase("", 150, device="d1"), tick(170)])
    shop.fold([assertion(160, ANN, previous="device:d1")])
    assert owners(shop) == {person_id("shop", ANN): 1}
    assert ["device:d1"] not in shop.people()


def test_an_order_reported_by_page_and_server_counts_once_and_is_the_named_persons() -> None:
    page = purchase("", 150, device="d1", order="77")
    server = purchase(ANN, 150.01, order="77")
    for order in ([page, server], [server, page]):
        shop = Shop().fold([*regulars(), *order, tick(170)], per_record=1)
        assert owners(shop) == {person_id("shop", ANN): 1}


@given(
    st.permutations(
        [*(assertion(n, ANN, device="d") for n in range(6)), assertion(2.5, BOB, device="d")]
    )
)
def test_assertions_in_any_order_leave_the_same_owners(facts: list[object]) -> None:
    orders = [purchase("", n + 0.7, device="d") for n in range(6)]
    shop = Shop().fold([*facts, *orders])  # type: ignore[list-item]
    owner_by_time = {sale.time: sale.owner for _, sale in shop.state.sales.items()}
    assert owner_by_time == {day(n + 0.7): BOB if n == 2 else ANN for n in range(6)}


def test_a_device_that_asserts_all_the_time_stays_small_and_keeps_its_changes() -> None:
    facts = [assertion(n, BOB if n == 50 else ANN, device="d") for n in range(4 * MAX_POINTS)]
    shop = Shop().fold([*facts, purchase("", 50.5, device="d", order="b")])
    entry = shop.state.devices.get("shop\nd")
    assert entry is not None and len(entry.points) == MAX_POINTS
    sale = shop.state.sales.get("shop\nb")
    assert sale is not None and sale.owner == BOB
    assert len(shop.rows[PurchaseRow]) == 1
