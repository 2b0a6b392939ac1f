"""Which identifiers are one person: links folded into components, changes written as rows."""

from functools import lru_cache
from typing import Final

from pipeline.stages.people.context import Turn
from pipeline.stages.people.links import evaluate
from pipeline.stages.people.state import Component, Link, Node, Refusal
from schemas import identifiers
from schemas.rows import IdentityRow, RefusalRow

MAX_LINKS: Final = 500
"""Distinct links in one component. A further one that would outgrow it is not taken in: its
identifiers stay with whom they are, and the refusal is recorded as `too_many_links`. Past the cap
the result depends on arrival; no honest person has 500 distinct sets of identifiers."""

person_id = lru_cache(maxsize=65_536)(identifiers.person_id)


def learn(turn: Turn, site: str, link: Link) -> None:
    """Fold a link in: identifiers become known, people merge or part, rows say what changed."""
    named = (*link.identifiers, link.previous_id) if link.previous_id else link.identifiers
    nodes = [_node(turn, site, identifier) for identifier in named]
    if len(named) < 2:
        return
    labels = list(dict.fromkeys(node.component for node in nodes if node.component))
    component = turn.state.components.get(labels[0]) if len(labels) == 1 else None
    if component is not None and _is_known(component, link):
        return
    _relate(turn, site, link, labels)


def mark_opt_out(turn: Turn, site: str, identifier: str) -> None:
    """The person this identifier belongs to gets no triggers."""
    node = _node(turn, site, identifier)
    if not node.opt_out:
        node.opt_out = True
        turn.state.nodes.put(f"{site}\n{identifier}", node)


def _node(turn: Turn, site: str, identifier: str) -> Node:
    key = f"{site}\n{identifier}"
    node = turn.state.nodes.get(key)
    if node is None:
        node = Node(identifier)
        turn.state.nodes.put(key, node)
        _identity_row(turn, site, identifier, identifier)
    return node


def _is_known(component: Component, link: Link) -> bool:
    return any(
        kept.identifiers == link.identifiers
        and kept.previous_id == link.previous_id
        and (kept.time, kept.message_id) <= (link.time, link.message_id)
        for kept in component.links
    )


def _relate(turn: Turn, site: str, link: Link, labels: list[str]) -> None:
    """Join the components that the link touches, and evaluate the result anew."""
    components = turn.state.components
    parts = {label: components.get(label) or Component() for label in labels}
    links = [kept for part in parts.values() for kept in part.links if not _same(kept, link)]
    links.append(link)
    if len(links) > MAX_LINKS:
        _refuse(turn, site, link)
        return
    before = [refusal for part in parts.values() for refusal in part.refusals]
    for label in labels[1:]:
        components.delete(label)
    people, refusals = evaluate(links)
    label = labels[0] if labels else f"{site}\n{link.identifiers[0]}"
    components.put(label, Component(links, people, refusals))
    _refusal_rows(turn, site, before, refusals)
    for canonical, members in people.items():
        for identifier in members:
            _assign(turn, site, identifier, canonical, label)


def _same(kept: Link, link: Link) -> bool:
    return kept.identifiers == link.identifiers and kept.previous_id == link.previous_id


def _assign(turn: Turn, site: str, identifier: str, canonical: str, label: str) -> None:
    node = _node(turn, site, identifier)
    was = node.canonical
    if was == canonical and node.component == label:
        return
    node.canonical, node.component = canonical, label
    turn.state.nodes.put(f"{site}\n{identifier}", node)
    if was == canonical:
        return
    _identity_row(turn, site, identifier, canonical)
    for product in node.products:
        turn.touch(site, was, product)
        turn.touch(site, canonical, product)


def _identity_row(turn: Turn, site: str, identifier: str, canonical: str) -> None:
    turn.emit.row(
        IdentityRow(
            site=site,
            identifier=identifier,
            person_id=person_id(site, canonical),
            canonical=canonical,
            version=turn.emit.version,
        )
    )


def _refuse(turn: Turn, site: str, link: Link) -> None:
    left, right = link.previous_id or link.identifiers[0], link.identifiers[-1]
    refusal = Refusal(link.time, link.message_id, left, right, "too_many_links")
    _refusal_rows(turn, site, [], [refusal])


def _refusal_rows(turn: Turn, site: str, before: list[Refusal], after: list[Refusal]) -> None:
    """Withdraw the refusals that no longer hold, write the new ones."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    for refusal in before:
        if refusal not in new:
            turn.emit.row(_refusal_row(turn, site, refusal, deleted=1))
    for refusal in after:
        if refusal not in old:
            turn.emit.row(_refusal_row(turn, site, refusal, deleted=0))


def _refusal_row(turn: Turn, site: str, refusal: Refusal, deleted: int) -> RefusalRow:
    return RefusalRow(
        site=site,
        time=refusal.time,
        message_id=refusal.message_id,
        left=refusal.left,
        right=refusal.right,
        reason=refusal.reason,
        version=turn.emit.version,
        deleted=deleted,
    )
