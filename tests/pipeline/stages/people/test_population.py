"""Products, their names and categories, and whose intervals they borrow."""

from itertools import permutations

from pipeline.stages.people import population
from pipeline.stages.people.interval_model import Sums
from pipeline.stages.people.state import PeopleState
from schemas.events import Item

COFFEE, NEW_NAME = Item("p1", "Coffee", "drinks"), Item("p1", "Coffee, dark", "pantry")


def test_a_product_is_called_what_it_was_called_last_in_any_order() -> None:
    mentions = [(COFFEE, 1), (NEW_NAME, 3), (Item("p1", "Café", "drinks"), 2)]
    for order in permutations(mentions):
        state = PeopleState()
        for item, time in order:
            population.name_product(state, "shop", item, time)
        assert population.name_of(state, "shop", "p1") == "Coffee, dark"


def test_a_product_without_a_name_is_called_by_its_id() -> None:
    state = PeopleState()
    population.name_product(state, "shop", Item("p1"), 1)
    assert population.name_of(state, "shop", "p1") == "p1"


def test_a_products_sums_move_with_it_to_its_new_category() -> None:
    state = PeopleState()
    population.name_product(state, "shop", COFFEE, 1)
    change = Sums()
    change.add(3, 10_200, 34_700_000, 1)
    population.add(state, "shop", "p1", change)
    population.name_product(state, "shop", NEW_NAME, 2)
    assert state.sums.get("shop\ncdrinks") == Sums()
    assert state.sums.get("shop\ncpantry") == state.sums.get("shop\n") == change


def test_a_new_product_borrows_its_categorys_interval_before_the_sites() -> None:
    state = PeopleState()
    for product, category, total in (("a", "weekly", 2_000), ("b", "yearly", 5_900)):
        population.name_product(state, "shop", Item(product, "", category), 1)
        change = Sums()
        for _ in range(50):
            change.add(1, total, total * total, 1)
        population.add(state, "shop", product, change)
    population.name_product(state, "shop", Item("new", "", "weekly"), 1)
    norm = population.norm(state, "shop", "new")
    assert norm is not None
    assert 2.0 <= norm.mean < 2.4


def test_no_returns_anywhere_is_no_norm() -> None:
    assert population.norm(PeopleState(), "shop", "p1") is None
