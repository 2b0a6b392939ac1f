"""The books: what is missing is merged as far as it can be, and lost beyond that."""

from pipeline.accounting import balance

ENTRIES = {
    "received": 100,
    "stored": 80,
    "repeats": 15,
    "rejected": 5,
    "beyond_window": 3,
    "held": 80,
}


def test_books_with_everything_in_its_place_have_no_difference() -> None:
    assert balance(ENTRIES, 7) == {
        "received": 107,
        "stored": 80,
        "repeats": 15,
        "merged": 0,
        "rejected": 5,
        "in_flight": 7,
        "difference": 0,
    }


def test_no_more_is_merged_than_could_be_a_repeat() -> None:
    entries = [balance({**ENTRIES, "held": stored}, 0) for stored in (79, 77, 76, 0)]
    assert [(e["merged"], e["difference"]) for e in entries] == [(1, 0), (3, 0), (3, 1), (3, 77)]


def test_what_the_warehouse_has_and_nobody_stored_is_a_difference_too() -> None:
    assert balance({**ENTRIES, "held": 82}, 0)["difference"] == -2
