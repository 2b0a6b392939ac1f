"""The comparison finds every kind of damage: a check that cannot fail proves nothing."""

from collections.abc import Callable

import pytest

from tests.faults.checks import Books, Observed, differences, strangers
from tests.faults.oracle import Attempt, Session, Truth

SESSION = Session("d", 0, 9, 2, 2, "/x", "/y")
ATTEMPT = Attempt("d", "/x", 0, "a", ("/y",))
TRUTH = Truth(
    3,
    {"a": ("d", "page", 0), "b": ("d", "page", 9)},
    [SESSION],
    [ATTEMPT],
    {"user_id:1": "p"},
)
OBSERVED = Observed(
    [("a", "d", "page", 0), ("b", "d", "page", 9)],
    [SESSION],
    [ATTEMPT],
    Books(3, 2, 1, 0),
    {"user_id:1": "p"},
    {"events": 0},
)

DAMAGE: dict[str, Callable[[Observed], Observed]] = {
    "a lost event": lambda f: f._replace(events=f.events[:1]),
    "an event twice": lambda f: f._replace(events=f.events + f.events[:1]),
    "an event of another device": lambda f: f._replace(
        events=[("a", "e", "page", 0), *f.events[1:]]
    ),
    "a lost session": lambda f: f._replace(sessions=[]),
    "a session cut short": lambda f: f._replace(sessions=[SESSION._replace(end=8)]),
    "a session not taken back": lambda f: f._replace(sessions=[SESSION, SESSION._replace(start=5)]),
    "an outcome twice": lambda f: f._replace(attempts=[ATTEMPT, ATTEMPT]),
    "an outcome without its next step": lambda f: f._replace(attempts=[ATTEMPT._replace(next=())]),
    "books that do not balance": lambda f: f._replace(books=Books(3, 2, 0, 0)),
    "books that know too little": lambda f: f._replace(books=Books(2, 2, 0, 0)),
    "books that count another store": lambda f: f._replace(books=Books(4, 3, 1, 0)),
    "a row held twice": lambda f: f._replace(twice={"events": 1}),
}


def test_an_equal_warehouse_shows_no_difference() -> None:
    assert differences(TRUTH, OBSERVED) == []
    assert strangers(TRUTH, OBSERVED) == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(damage: str) -> None:
    assert differences(TRUTH, DAMAGE[damage](OBSERVED)) != []


def test_a_zombies_equal_row_is_no_damage() -> None:
    assert differences(TRUTH, OBSERVED._replace(twice={"events": 1}), zombies=True) == []


def test_a_person_of_other_identity_is_found() -> None:
    assert strangers(TRUTH, OBSERVED._replace(people={"user_id:1": "q"})) != []
