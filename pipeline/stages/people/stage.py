"""The `people` stage: identity, purchases, repurchase, service alerts; folds a site's facts in order."""

from typing import Final

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import State
from pipeline.stages.people import devices, identity, purchases, repurchase, service_alerts
from pipeline.stages.people.context import RecordContext
from pipeline.stages.people.facts import Unreadable, read
from pipeline.stages.people.policy import Policy
from pipeline.stages.people.state import DEVICE, Link, PeopleState, Point
from schemas import topics
from schemas.customers import CustomerFact
from schemas.rejects import Reason, reject_row


class People:
    """Facts about customers in; identities, cycles, purchases, tickets, feedback, triggers out."""

    name: Final = "people"
    source: Final = topics.CUSTOMERS

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()

    def new_state(self) -> State:
        """An empty state for one partition."""
        return PeopleState()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """Fold one record in. Stale cycles are renewed before each tick and at the end."""
        assert isinstance(state, PeopleState)
        context = RecordContext(state, emit, self.policy)
        for fact in read(record.value):
            if isinstance(fact, Unreadable):
                _reject(context, record, fact)
            elif state.is_new(fact.origin):
                _fold(context, fact)
        repurchase.flush(context)


def _fold(context: RecordContext, fact: CustomerFact) -> None:
    if fact.kind == "tick":
        repurchase.flush(context)
        repurchase.tick(context, fact.time)
        return
    _identify(context, fact)
    if fact.order is not None and fact.kind == "purchase":
        purchases.purchase(context, fact, fact.order)
    elif fact.ticket is not None and fact.kind == "ticket":
        service_alerts.record_ticket(context, fact, fact.ticket)
    elif fact.feedback is not None and fact.kind == "feedback":
        service_alerts.record_feedback(context, fact, fact.feedback)


def _identify(context: RecordContext, fact: CustomerFact) -> None:
    """What any kind of fact says about who is who: links, devices, opting out."""
    site = fact.site
    previous = fact.previous_id if fact.kind == "alias" else ""
    was_device = previous.startswith(DEVICE)
    if fact.identifiers:
        strong = "" if was_device else previous
        link = Link(fact.time, fact.message_id, fact.identifiers, strong)
        identity.add_link(context, site, link)
        if was_device:
            _assert_owner(context, fact, previous.removeprefix(DEVICE))
    if fact.device and (fact.identifiers or fact.kind == "reset"):
        _assert_owner(context, fact, fact.device)
    if fact.opt_out:
        for identifier in fact.identifiers:
            identity.mark_opt_out(context, site, identifier)
        if fact.device:
            devices.mark_opt_out(context, site, fact.device)


def _assert_owner(context: RecordContext, fact: CustomerFact, device: str) -> None:
    identifier = "" if fact.kind == "reset" else fact.identifiers[0]
    point = Point(fact.time, fact.message_id, identifier)
    for order_id in devices.assert_owner(context, fact.site, device, point):
        purchases.settle(context, fact.site, order_id)


def _reject(context: RecordContext, record: Record, line: Unreadable) -> None:
    path = f"{context.emit.partition}/{record.offset}#{line.line}"
    row = reject_row(
        Reason.PROCESSING_FAILED,
        line.detail,
        context.emit.topic.name,
        path,
        line.body,
        context.state.now,
    )
    context.emit.row(row)
