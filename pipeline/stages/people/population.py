"""Everybody's intervals: per product, per category, per site, kept as exact sums."""

from typing import Final

from pipeline.stages.people.interval_model import Norm, Sums, norm_of
from pipeline.stages.people.state import PeopleState, Product
from schemas.events import Item

_NAME: Final = 80
"""Characters of a product's name that sentences show."""


def name_product(state: PeopleState, site: str, item: Item, time: int) -> None:
    """A product's category and name are those of its newest mention."""
    key = f"{site}\n{item.product_id}"
    known = state.products.get(key)
    if known is not None and time < known.time:
        return
    product = Product(time, item.category, item.name[:_NAME])
    if known is not None and product <= known:
        return
    state.products.put(key, product)
    if known is not None and known.category != item.category:
        _recategorise(state, site, item.product_id, known.category, item.category)


def name_of(state: PeopleState, site: str, product: str) -> str:
    """The product's name, else its id."""
    known = state.products.get(f"{site}\n{product}")
    return (known.name if known else "") or product[:_NAME]


def add(state: PeopleState, site: str, product: str, change: Sums) -> None:
    """A product's sums change, and with them its category's and the site's."""
    for key in _levels(state, site, product):
        sums = state.sums.get(key) or Sums()
        sums.merge(change, 1)
        state.sums.put(key, sums)


def norm(state: PeopleState, site: str, product: str) -> Norm | None:
    """What is usual for a product; None while nobody at the site ever bought anything again."""
    return norm_of([state.sums.get(key) or Sums() for key in _levels(state, site, product)])


def _levels(state: PeopleState, site: str, product: str) -> tuple[str, str, str]:
    known = state.products.get(f"{site}\n{product}")
    category = known.category if known else ""
    return f"{site}\n", f"{site}\nc{category}", f"{site}\np{product}"


def _recategorise(state: PeopleState, site: str, product: str, was: str, now: str) -> None:
    sums = state.sums.get(f"{site}\np{product}")
    if sums is None:
        return
    for category, sign in ((was, -1), (now, 1)):
        key = f"{site}\nc{category}"
        level = state.sums.get(key) or Sums()
        level.merge(sums, sign)
        state.sums.put(key, level)
