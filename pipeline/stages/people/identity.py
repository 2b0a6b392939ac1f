"""Which identifiers are one person: links folded into components, changes written as rows."""

from functools import lru_cache
from typing import Final

from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.links import evaluate
from pipeline.stages.people.state import Component, Link, Node, Refusal
from schemas import identifiers
from schemas.rows import IdentityRow, RefusalRow

MAX_LINKS: Final = 500
"""Distinct links in one component. A further one is refused, recorded as `too_many_links`, and its
identifiers stay with the people they are of. Past this limit the result depends on the order of
arrival; no honest person has 500 distinct sets of identifiers."""

person_id = lru_cache(maxsize=8_192)(identifiers.person_id)


def add_link(context: RecordContext, site: str, link: Link) -> None:
    """Fold a link in: new identifiers get nodes, people merge or part, rows record the changes."""
    members = (*link.identifiers, link.previous_id) if link.previous_id else link.identifiers
    nodes = [_node(context, site, identifier) for identifier in members]
    if len(members) < 2:
        return
    labels = list(dict.fromkeys(node.component for node in nodes if node.component))
    component = context.state.components.get(labels[0]) if len(labels) == 1 else None
    if component is not None and _is_redundant(component, link):
        return
    _merge_components(context, site, link, labels)


def mark_opt_out(context: RecordContext, site: str, identifier: str) -> None:
    """The person this identifier belongs to gets no triggers."""
    node = _node(context, site, identifier)
    if not node.opt_out:
        node.opt_out = True
        context.state.nodes.put(f"{site}\n{identifier}", node)


def _node(context: RecordContext, site: str, identifier: str) -> Node:
    key = f"{site}\n{identifier}"
    node = context.state.nodes.get(key)
    if node is None:
        node = Node(identifier)
        context.state.nodes.put(key, node)
        _identity_row(context, site, identifier, identifier)
    return node


def _is_redundant(component: Component, link: Link) -> bool:
    return any(
        _has_same_identifiers(earlier, link)
        and (earlier.time, earlier.message_id) <= (link.time, link.message_id)
        for earlier in component.links
    )


def _merge_components(context: RecordContext, site: str, link: Link, labels: list[str]) -> None:
    """Join the components that the link touches, and evaluate the result anew."""
    components = context.state.components
    by_label = {label: components.get(label) or Component() for label in labels}
    links = [
        earlier
        for component in by_label.values()
        for earlier in component.links
        if not _has_same_identifiers(earlier, link)
    ]
    links.append(link)
    if len(links) > MAX_LINKS:
        _refuse(context, site, link)
        return
    before = [refusal for component in by_label.values() for refusal in component.refusals]
    for label in labels[1:]:
        components.delete(label)
    people, refusals = evaluate(links)
    label = labels[0] if labels else f"{site}\n{link.identifiers[0]}"
    components.put(label, Component(links, people, refusals))
    _refusal_rows(context, site, before, refusals)
    for canonical, members in people.items():
        for identifier in members:
            _assign(context, site, identifier, canonical, label)


def _has_same_identifiers(a: Link, b: Link) -> bool:
    return a.identifiers == b.identifiers and a.previous_id == b.previous_id


def _assign(context: RecordContext, site: str, identifier: str, canonical: str, label: str) -> None:
    node = _node(context, site, identifier)
    before = node.canonical
    if before == canonical and node.component == label:
        return
    node.canonical, node.component = canonical, label
    context.state.nodes.put(f"{site}\n{identifier}", node)
    if before == canonical:
        return
    _identity_row(context, site, identifier, canonical)
    for product in node.products:
        context.touch(site, before, product)
        context.touch(site, canonical, product)


def _identity_row(context: RecordContext, site: str, identifier: str, canonical: str) -> None:
    context.emit.row(
        IdentityRow(
            site=site,
            identifier=identifier,
            person_id=person_id(site, canonical),
            canonical=canonical,
            version=context.emit.version,
        )
    )


def _refuse(context: RecordContext, site: str, link: Link) -> None:
    left, right = link.previous_id or link.identifiers[0], link.identifiers[-1]
    refusal = Refusal(link.time, link.message_id, left, right, "too_many_links")
    _refusal_rows(context, site, [], [refusal])


def _refusal_rows(
    context: RecordContext, site: str, before: list[Refusal], after: list[Refusal]
) -> None:
    """Withdraw the refusals that no longer hold, write the new ones."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    for refusal in before:
        if refusal not in new:
            context.emit.row(_refusal_row(context, site, refusal, deleted=1))
    for refusal in after:
        if refusal not in old:
            context.emit.row(_refusal_row(context, site, refusal, deleted=0))


def _refusal_row(context: RecordContext, site: str, refusal: Refusal, deleted: int) -> RefusalRow:
    return RefusalRow(
        site=site,
        time=refusal.time,
        message_id=refusal.message_id,
        left=refusal.left,
        right=refusal.right,
        reason=refusal.reason,
        version=context.emit.version,
        deleted=deleted,
    )
