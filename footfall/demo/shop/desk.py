"""The help desk's day: tickets from created to rated, and answers to surveys."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

from footfall.demo.shop.customers import Customer
from footfall.demo.shop.dice import HOUR, MINUTE, dice
from footfall.demo.shop.visits import BREAK_PAGE, Visit

Step = Literal["created", "answered", "solved", "reopened", "rated"]

TICKETS: Final = 60
COMPLAINS: Final = 0.25
"""The share of known visitors who write to the help desk when their checkout failed."""
ANSWERS_SURVEY: Final = 0.2
SUBJECTS: Final = ("Where is my parcel?", "Invoice missing", "Change my address", "Wrong item")
CHECKOUT_SUBJECT: Final = "I cannot get past the checkout"


class TicketStep(NamedTuple):
    """One step in a ticket's life. `rating` is 1 to 5 where `action` is `rated`."""

    time: int
    ticket_id: str
    action: Step
    customer: Customer
    subject: str
    rating: int | None = None


class Answer(NamedTuple):
    """A customer's NPS (0…10) after an order."""

    time: int
    customer: Customer
    score: int
    order_id: str


def tickets(
    seed: int, customers: Sequence[Customer], visits: Sequence[Visit], begin: int, end: int
) -> list[TicketStep]:
    """Everything that happens to tickets in [begin, end), in time order."""
    roll = dice(seed, "tickets")
    requests = [
        (begin + roll.randrange(end - begin), roll.choice(customers), roll.choice(SUBJECTS))
        for _ in range(TICKETS)
    ]
    requests += [complaint for visit in visits for complaint in _complaint(roll, visit)]
    steps = [
        step
        for number, ticket in enumerate(requests, 1)
        for step in _life(roll, f"t{number}", *ticket)
    ]
    return sorted((step for step in steps if step.time < end), key=lambda step: step.time)


def answers(seed: int, visits: Sequence[Visit], end: int) -> list[Answer]:
    """Answers to the survey that follows an order, before `end`, in time order."""
    roll = dice(seed, "surveys")
    value = [
        Answer(last.time + roll.randrange(HOUR), last.customer, _score(roll), last.order_id)
        for last in (visit.actions[-1] for visit in visits)
        if last.order_id and last.customer and roll.random() < ANSWERS_SURVEY
    ]
    return sorted((answer for answer in value if answer.time < end), key=lambda a: a.time)


def _complaint(roll: Random, visit: Visit) -> Iterator[tuple[int, Customer, str]]:
    """A ticket by a known visitor whose visit ended between checkout and cart, perhaps."""
    last = visit.actions[-1]
    checkout_views = sum(
        action.path == BREAK_PAGE and action.kind == "page" for action in visit.actions
    )
    if checkout_views and last.path == "/cart" and last.customer and roll.random() < COMPLAINS:
        yield last.time + roll.randrange(2 * MINUTE, 20 * MINUTE), last.customer, CHECKOUT_SUBJECT


def _life(
    roll: Random, ticket_id: str, time: int, customer: Customer, subject: str
) -> Iterator[TicketStep]:
    steps: list[Step] = ["created", "answered", "solved"]
    if roll.random() < 0.15:
        steps += ["reopened", "answered", "solved"]
    if roll.random() < 0.5:
        steps.append("rated")
    for step in steps:
        rating = _rating(roll, subject) if step == "rated" else None
        yield TicketStep(time, ticket_id, step, customer, subject, rating)
        time += roll.randrange(5 * MINUTE, 90 * MINUTE)


def _rating(roll: Random, subject: str) -> int:
    return roll.choice((1, 1, 2) if subject == CHECKOUT_SUBJECT else (2, 3, 4, 4, 5, 5))


def _score(roll: Random) -> int:
    return roll.choice((3, 6, 7, 8, 9, 9, 10, 10))
