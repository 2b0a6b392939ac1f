"""Orders: what was bought, by whom, when. Reports, refunds and owners may arrive in any order."""

from bisect import bisect_left, insort
from typing import Final

from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.devices import add_unowned_order, owner_of
from pipeline.stages.people.population import name_product
from pipeline.stages.people.state import DEVICE, Pair, Report, Sale, pair_key
from schemas.customers import CustomerFact
from schemas.events import Order
from schemas.rows import PurchaseRow

MAX_REPORTS: Final = 4
"""Messages saying that one order was completed (a shop's page and its server both do)."""
MAX_TIMES: Final = 64
"""Purchases of one product by one identifier that intervals are taken from: the newest."""


def purchase(context: RecordContext, fact: CustomerFact, order: Order) -> None:
    """Fold an order's completion, refund or cancellation in."""
    _row(context, fact, order)
    order_id = order.order_id or fact.message_id
    key = f"{fact.site}\n{order_id}"
    sale = context.state.sales.get(key) or Sale()
    if order.status == "completed":
        _complete(context, fact, order, sale)
    else:
        _undo(order, sale)
    context.state.sales.put(key, sale)
    _settle(context, fact.site, order_id, sale)


def settle(context: RecordContext, site: str, order_id: str) -> None:
    """Recompute an order's owner, after its device got another, and move its purchases between pairs."""
    key = f"{site}\n{order_id}"
    sale = context.state.sales.get(key)
    assert sale is not None
    context.state.sales.put(key, sale)
    _settle(context, site, order_id, sale)


def _settle(context: RecordContext, site: str, order_id: str, sale: Sale) -> None:
    owner, time, products = _sale_owner(context, site, order_id, sale)
    if (owner, time, products) == (sale.owner, sale.time, sale.products):
        return
    for product in sale.products:
        _remove_purchase(context, site, sale.owner, product, sale.time)
    for product in products:
        _add_purchase(context, site, owner, product, time)
    sale.owner, sale.time, sale.products = owner, time, products


def _complete(context: RecordContext, fact: CustomerFact, order: Order, sale: Sale) -> None:
    items = tuple((item.product_id, item.quantity) for item in order.items if item.product_id)
    owner = fact.identifiers[0] if fact.identifiers else ""
    insort(sale.reports, Report(fact.time, fact.message_id, owner, fact.device, items))
    del sale.reports[MAX_REPORTS:]
    for item in order.items:
        if item.product_id:
            name_product(context.state, fact.site, item, fact.time)


def _undo(order: Order, sale: Sale) -> None:
    if order.status == "cancelled" or not order.items:
        sale.void = True
    for item in order.items:
        before = sale.returns.get(item.product_id, 0)
        sale.returns[item.product_id] = before + max(item.quantity, 1)


def _sale_owner(
    context: RecordContext, site: str, order_id: str, sale: Sale
) -> tuple[str, int, list[str]]:
    """The earliest report gives the time, the first with items the products, the first with an
    identifier the owner; without one, whoever had the first device."""
    if sale.void or not sale.reports:
        return "", 0, []
    time = sale.reports[0].time
    owner = next((report.identifier for report in sale.reports if report.identifier), "")
    device = next((report.device for report in sale.reports if report.device), "")
    if not owner and device:
        add_unowned_order(context, site, device, time, order_id)
        owner = owner_of(context, site, device, time)
    if not owner:
        return "", 0, []
    return owner, time, _products_bought(sale)


def _products_bought(sale: Sale) -> list[str]:
    quantities: dict[str, int] = {}
    for product, quantity in next((r.items for r in sale.reports if r.items), ()):
        quantities[product] = quantities.get(product, 0) + max(quantity, 1)
    return [product for product, n in quantities.items() if n > sale.returns.get(product, 0)]


def _add_purchase(context: RecordContext, site: str, owner: str, product: str, time: int) -> None:
    state = context.state
    key = pair_key(site, owner, product)
    pair = state.pairs.get(key)
    if pair is None:
        pair = Pair()
    if not pair.times and not owner.startswith(DEVICE):
        _add_product(context, site, owner, product)
    insort(pair.times, time)
    if len(pair.times) > MAX_TIMES:
        del pair.times[0]
        pair.older += 1
    state.pairs.put(key, pair)
    context.touch(site, state.person_of(site, owner), product)


def _remove_purchase(
    context: RecordContext, site: str, owner: str, product: str, time: int
) -> None:
    key = pair_key(site, owner, product)
    pair = context.state.pairs.get(key)
    assert pair is not None
    index = bisect_left(pair.times, time)
    if index < len(pair.times) and pair.times[index] == time:
        del pair.times[index]
    else:
        pair.older -= 1
    if pair.times or pair.cycle is not None:
        context.state.pairs.put(key, pair)
    else:
        context.state.pairs.delete(key)
    context.touch(site, context.state.person_of(site, owner), product)


def _add_product(context: RecordContext, site: str, owner: str, product: str) -> None:
    """An identifier's products move with it when people merge or part."""
    node = context.state.nodes.get(f"{site}\n{owner}")
    assert node is not None
    if product not in node.products:
        node.products.append(product)
        context.state.nodes.put(f"{site}\n{owner}", node)


def _row(context: RecordContext, fact: CustomerFact, order: Order) -> None:
    items = order.items
    context.emit.row(
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
