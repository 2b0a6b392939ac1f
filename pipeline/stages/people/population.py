"""Everybody's intervals per product, category and site, as exact sums; and products' names."""

from typing import Final

from pipeline.stages.people.interval_model import Norm, Sums, norm_of
from pipeline.stages.people.state import PeopleState, Product
from schemas.events import Item

_NAME_CHARACTERS: Final = 80
"""How much of a product's name sentences show."""


def name_product(state: PeopleState, site: str, item: Item, time: int) -> None:
    """Store a product's category and name where this mention of it is the newest."""
    key = f"{site}\n{item.product_id}"
    newest = state.products.get(key)
    if newest is not None and time < newest.time:
        return
    product = Product(time, item.category, item.name[:_NAME_CHARACTERS])
    if newest is not None and product <= newest:
        return
    state.products.put(key, product)
    if newest is not None and newest.category != item.category:
        _recategorise(state, site, item.product_id, newest.category, item.category)


def name_of(state: PeopleState, site: str, product: str) -> str:
    """The product's name, else its id."""
    newest = state.products.get(f"{site}\n{product}")
    return (newest.name if newest else "") or product[:_NAME_CHARACTERS]


def add(state: PeopleState, site: str, product: str, change: Sums) -> None:
    """Add a change to a product's sums, its category's and the site's."""
    for key in _levels(state, site, product):
        sums = state.sums.get(key) or Sums()
        sums.merge(change, 1)
        state.sums.put(key, sums)


def norm(state: PeopleState, site: str, product: str) -> Norm | None:
    """What is usual for a product; None while nobody at the site ever bought anything again."""
    return norm_of([state.sums.get(key) or Sums() for key in _levels(state, site, product)])


def _levels(state: PeopleState, site: str, product: str) -> tuple[str, str, str]:
    newest = state.products.get(f"{site}\n{product}")
    category = newest.category if newest else ""
    return f"{site}\n", f"{site}\nc{category}", f"{site}\np{product}"


def _recategorise(state: PeopleState, site: str, product: str, before: str, after: str) -> None:
    sums = state.sums.get(f"{site}\np{product}")
    if sums is None:
        return
    for category, sign in ((before, -1), (after, 1)):
        key = f"{site}\nc{category}"
        level = state.sums.get(key) or Sums()
        level.merge(sums, sign)
        state.sums.put(key, level)
