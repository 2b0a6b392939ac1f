"""What counts as bought."""

from itertools import permutations

import pytest

from schemas.customers import CustomerFact
from schemas.identifiers import person_id
from schemas.rows import PurchaseRow
from tests.pipeline.stages.people.shop import Shop, assertion, day, purchase, refund, regulars, tick

ANN = "user_id:ann"
ANNS = person_id("shop", ANN)


def purchases(*facts: CustomerFact) -> list[int]:
    """Ann's purchase times of coffee."""
    shop = Shop().fold(facts, per_record=1)
    pair = shop.state.pairs.get("shop\n11\nuser_id:ann\ncoffee")
    return pair.times if pair else []


def test_every_message_about_an_order_is_a_row() -> None:
    shop = Shop().fold([purchase(ANN, 1, "coffee", "tea", order="7"), refund("7", 2, "tea")])
    rows = shop.table(PurchaseRow)
    assert [(row["order_id"], row["status"], row["product_ids"]) for row in rows] == [
        ("7", "completed", ["coffee", "tea"]),
        ("7", "refunded", ["tea"]),
    ]
    assert [row["identifier"] for row in rows] == [ANN, ""]


@pytest.mark.parametrize(
    "undo", [refund("7", 3), refund("7", 3, "coffee"), refund("7", 3, is_cancellation=True)]
)
def test_what_was_refunded_or_cancelled_was_not_bought_in_either_order(undo: CustomerFact) -> None:
    buy, other = purchase(ANN, 1, "coffee", order="7"), purchase(ANN, 5, "coffee", order="8")
    for order in permutations([buy, other, undo]):
        assert purchases(*order) == [day(5)]


def test_a_refund_of_another_product_leaves_this_one() -> None:
    assert purchases(purchase(ANN, 1, "coffee", "tea", order="7"), refund("7", 2, "tea")) == [
        day(1)
    ]


def test_the_same_order_reported_twice_counts_once_at_its_earliest_time() -> None:
    first, second = purchase(ANN, 1, order="7"), purchase((ANN, "email:a@x.org"), 1.2, order="7")
    assert purchases(second, first) == purchases(first, second) == [day(1)]


def test_a_refund_after_the_cycle_began_goes_back_to_the_cycle_before() -> None:
    shop = Shop().fold([*regulars(), *(purchase(ANN, at, order=f"a{at}") for at in (90, 120, 150))])
    before = shop.cycle(ANNS)
    assert before and before["last_purchase"] == day(150)
    shop.fold([refund("a150", 151)])
    after = shop.cycle(ANNS)
    assert after and (after["last_purchase"], after["purchases"]) == (day(120), 2)


def test_refunding_the_only_purchase_withdraws_the_row() -> None:
    shop = Shop().fold([*regulars(), purchase(ANN, 150, order="7")])
    assert shop.cycle(ANNS)
    shop.fold([refund("7", 151)])
    assert shop.cycle(ANNS) is None


def test_purchases_of_a_merged_persons_identifiers_are_one_history() -> None:
    shop = Shop().fold([*regulars(), purchase("email:a@x.org", 90), purchase(ANN, 120), tick(130)])
    mail = person_id("shop", "email:a@x.org")
    assert shop.cycle(mail)
    shop.fold([assertion(131, ANN, "email:a@x.org")])
    merged = shop.cycle(ANNS)
    assert shop.cycle(mail) is None
    assert merged and (merged["purchases"], merged["last_purchase"]) == (2, day(120))


def test_a_rename_of_the_person_keeps_cycle_and_history() -> None:
    shop = Shop().fold([*regulars(), purchase("email:a@x.org", 90), purchase("email:a@x.org", 120)])
    before = shop.cycle(person_id("shop", "email:a@x.org"))
    shop.fold([assertion(131, ANN, "email:a@x.org")])
    after = shop.cycle(ANNS)
    assert before and after
    assert {**before, "person_id": ""} == {**after, "person_id": ""}
