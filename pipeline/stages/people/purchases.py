"""Orders: what counts as bought, by whom, when. Reports, refunds and owners may come in any order."""

from bisect import bisect_left, insort
from typing import Final

from pipeline.stages.people.context import Turn
from pipeline.stages.people.devices import keep_loose, owner_of
from pipeline.stages.people.population import name_product
from pipeline.stages.people.state import DEVICE, Pair, Report, Sale, pair_key
from schemas.customers import CustomerFact
from schemas.events import Order
from schemas.rows import PurchaseRow

MAX_REPORTS: Final = 4
"""Messages saying that one order was completed (a shop's page and its server both do)."""
MAX_TIMES: Final = 64
"""Purchases of one product by one identifier that intervals are taken from: the newest."""


def purchase(turn: Turn, fact: CustomerFact, order: Order) -> None:
    """Fold an order's completion, refund or cancellation in."""
    _row(turn, fact, order)
    order_id = order.order_id or fact.message_id
    key = f"{fact.site}\n{order_id}"
    sale = turn.state.sales.get(key) or Sale()
    if order.status == "completed":
        _complete(turn, fact, order, sale)
    else:
        _undo(order, sale)
    turn.state.sales.put(key, sale)
    _settle(turn, fact.site, order_id, sale)


def settle(turn: Turn, site: str, order_id: str) -> None:
    """An order's device changed hands: let the pairs say what the order's facts now say."""
    key = f"{site}\n{order_id}"
    sale = turn.state.sales.get(key)
    assert sale is not None
    turn.state.sales.put(key, sale)
    _settle(turn, site, order_id, sale)


def _settle(turn: Turn, site: str, order_id: str, sale: Sale) -> None:
    owner, time, products = _standing(turn, site, order_id, sale)
    if (owner, time, products) == (sale.owner, sale.time, sale.counted):
        return
    for product in sale.counted:
        _uncount(turn, site, sale.owner, product, sale.time)
    for product in products:
        _count(turn, site, owner, product, time)
    sale.owner, sale.time, sale.counted = owner, time, products


def _complete(turn: Turn, fact: CustomerFact, order: Order, sale: Sale) -> None:
    items = tuple((item.product_id, item.quantity) for item in order.items if item.product_id)
    owner = fact.identifiers[0] if fact.identifiers else ""
    insort(sale.reports, Report(fact.time, fact.message_id, owner, fact.device, items))
    del sale.reports[MAX_REPORTS:]
    for item in order.items:
        if item.product_id:
            name_product(turn.state, fact.site, item, fact.time)


def _undo(order: Order, sale: Sale) -> None:
    if order.status == "cancelled" or not order.items:
        sale.void = True
    for item in order.items:
        before = sale.returned.get(item.product_id, 0)
        sale.returned[item.product_id] = before + max(item.quantity, 1)


def _standing(turn: Turn, site: str, order_id: str, sale: Sale) -> tuple[str, int, list[str]]:
    """The earliest report gives the time, the first with items the products, the first with an
    identifier the owner; without one, whoever had the first device."""
    if sale.void or not sale.reports:
        return "", 0, []
    time = sale.reports[0].time
    owner = next((report.identifier for report in sale.reports if report.identifier), "")
    device = next((report.device for report in sale.reports if report.device), "")
    if not owner and device:
        keep_loose(turn, site, device, time, order_id)
        owner = owner_of(turn, site, device, time)
    if not owner:
        return "", 0, []
    return owner, time, _kept(sale)


def _kept(sale: Sale) -> list[str]:
    bought: dict[str, int] = {}
    for product, quantity in next((r.items for r in sale.reports if r.items), ()):
        bought[product] = bought.get(product, 0) + max(quantity, 1)
    return [product for product, n in bought.items() if n > sale.returned.get(product, 0)]


def _count(turn: Turn, site: str, owner: str, product: str, time: int) -> None:
    state = turn.state
    key = pair_key(site, owner, product)
    pair = state.pairs.get(key)
    if pair is None:
        pair = Pair()
    if not pair.times and not owner.startswith(DEVICE):
        _list_product(turn, site, owner, product)
    insort(pair.times, time)
    if len(pair.times) > MAX_TIMES:
        del pair.times[0]
        pair.older += 1
    state.pairs.put(key, pair)
    turn.touch(site, state.person_of(site, owner), product)


def _uncount(turn: Turn, site: str, owner: str, product: str, time: int) -> None:
    key = pair_key(site, owner, product)
    pair = turn.state.pairs.get(key)
    assert pair is not None
    at = bisect_left(pair.times, time)
    if at < len(pair.times) and pair.times[at] == time:
        del pair.times[at]
    else:
        pair.older -= 1
    if pair.times or pair.cycle is not None:
        turn.state.pairs.put(key, pair)
    else:
        turn.state.pairs.delete(key)
    turn.touch(site, turn.state.person_of(site, owner), product)


def _list_product(turn: Turn, site: str, owner: str, product: str) -> None:
    """An identifier's products move with it when people merge or part."""
    node = turn.state.nodes.get(f"{site}\n{owner}")
    assert node is not None
    if product not in node.products:
        node.products.append(product)
        turn.state.nodes.put(f"{site}\n{owner}", node)


def _row(turn: Turn, fact: CustomerFact, order: Order) -> None:
    items = order.items
    turn.emit.row(
        PurchaseRow(
            site=fact.site,
            order_id=order.order_id,
            status=order.status,
            time=fact.time,
            message_id=fact.message_id,
            identifier=fact.identifiers[0] if fact.identifiers else "",
            device=fact.device,
            currency=order.currency,
            total=order.total,
            product_ids=[item.product_id for item in items],
            names=[item.name for item in items],
            categories=[item.category for item in items],
            quantities=[item.quantity for item in items],
            prices=[item.price for item in items],
        )
    )
