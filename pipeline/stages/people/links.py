"""Which linked identifiers are one person: a pure function of the links, in any order of arrival."""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from pipeline.stages.people.state import Link, Refusal
from schemas.identifiers import kind_of, rank

_order = attrgetter("time", "message_id", "identifiers", "previous_id")


class Grouping(NamedTuple):
    """`people`: canonical identifier → all of the person's, both in rank order."""

    people: dict[str, list[str]]
    refusals: list[Refusal]


def evaluate(links: Iterable[Link]) -> Grouping:
    """Union-find over the links in (time, message_id) order.

    Two groups that each hold a `user_id` are not joined, except by an alias. A link repeated
    later never changes anything: groups and their user ids only grow, so what was refused stays
    refused until an alias joins it. That is why only the earliest of equal links is kept.
    """
    groups = _Groups()
    refusals: list[Refusal] = []
    for link in sorted(links, key=_order):
        for left, right, by_alias in _edges(link):
            if not groups.join(left, right, by_alias=by_alias):
                refusals.append(Refusal(link.time, link.message_id, left, right, "two_user_ids"))
    return Grouping(groups.people(), refusals)


def _edges(link: Link) -> Iterator[tuple[str, str, bool]]:
    first = link.identifiers[0]
    if link.previous_id:
        yield link.previous_id, first, True
    for identifier in link.identifiers[1:]:
        yield first, identifier, False


class _Groups:
    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._has_user_id: dict[str, bool] = {}  # root → its group holds a user_id

    def join(self, left: str, right: str, *, by_alias: bool) -> bool:
        a, b = self._root(left), self._root(right)
        if a == b:
            return True
        if self._has_user_id[a] and self._has_user_id[b] and not by_alias:
            return False
        self._parent[b] = a
        self._has_user_id[a] = self._has_user_id[a] or self._has_user_id[b]
        return True

    def people(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for identifier in sorted(self._parent, key=rank):
            groups.setdefault(self._root(identifier), []).append(identifier)
        return {members[0]: members for members in groups.values()}

    def _root(self, identifier: str) -> str:
        parent = self._parent
        if identifier not in parent:
            parent[identifier] = identifier
            self._has_user_id[identifier] = kind_of(identifier) == "user_id"
        while (above := parent[identifier]) != identifier:
            parent[identifier] = identifier = parent[above]
        return identifier
