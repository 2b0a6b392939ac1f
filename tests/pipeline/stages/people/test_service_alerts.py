"""Alerts for customer service."""

import pytest
from msgspec import structs

from schemas.customers import CustomerFact
from schemas.events import Feedback, FeedbackKind, Ticket, TicketAction
from schemas.identifiers import person_id
from schemas.rows import FeedbackRow, TicketRow
from tests.pipeline.stages.people.shop import Shop, assertion, tick

ANN = "user_id:ann"
ANNS = person_id("shop", ANN)


def ticket(at: float, action: TicketAction, rating: int | None = None) -> CustomerFact:
    """A step in Ann's ticket 7."""
    step = Ticket("7", action, subject="It leaks", rating=rating)
    return structs.replace(assertion(at, ANN), kind="ticket", ticket=step)


def survey(at: float, kind: FeedbackKind, score: int | None) -> CustomerFact:
    """Ann's answer."""
    answer = Feedback(kind, score, comment="meh", about="delivery")
    return structs.replace(assertion(at, ANN), kind="feedback", feedback=answer)


@pytest.mark.parametrize(
    ("rating", "rules"), [(1, ["care.unhappy"]), (2, ["care.unhappy"]), (3, [])]
)
def test_a_rating_of_one_or_two_is_unhappy(rating: int, rules: list[str]) -> None:
    shop = Shop().fold([tick(1), ticket(1, "rated", rating)])
    assert [trigger.rule for trigger in shop.triggers()] == rules


@pytest.mark.parametrize(
    ("kind", "score", "triggers"),
    [
        ("csat", 2, 1),
        ("csat", 3, 0),
        ("ces", 2, 1),
        ("ces", 3, 0),
        ("nps", 6, 1),
        ("nps", 7, 0),
        ("comment", None, 0),
        ("comment", 0, 0),
        ("nps", 0, 1),
    ],
)
def test_survey_scores_have_their_own_bounds(kind: FeedbackKind, score: int, triggers: int) -> None:
    assert len(Shop().fold([tick(1), survey(1, kind, score)]).triggers()) == triggers


def test_the_trigger_says_who_and_why() -> None:
    trigger = Shop().fold([tick(1), survey(1, "nps", 3)]).triggers()[0]
    assert trigger.subject == ANNS
    assert trigger.reason == "Answered 3 out of 10 in an NPS survey about delivery."
    assert trigger.evidence == {"identifier": ANN, "kind": "nps", "score": 3, "comment": "meh"}


def test_a_reopened_ticket_is_a_trigger_each_time() -> None:
    steps = [
        ticket(1, "created"),
        ticket(1.1, "solved"),
        ticket(1.2, "reopened"),
        ticket(1.3, "solved"),
        ticket(1.4, "reopened"),
    ]
    triggers = Shop().fold([tick(1), *steps]).triggers()
    assert [trigger.rule for trigger in triggers] == ["care.reopened"] * 2
    assert triggers[0].id != triggers[1].id


def test_old_complaints_are_recorded_without_a_trigger() -> None:
    shop = Shop().fold([tick(100), ticket(1, "rated", 1), survey(2, "csat", 1)])
    assert shop.triggers() == []
    assert len(shop.table(TicketRow)) == len(shop.table(FeedbackRow)) == 1


def test_before_the_first_tick_nothing_can_be_called_new() -> None:
    assert Shop().fold([ticket(1, "rated", 1)]).triggers() == []


def test_a_complaint_from_a_known_device_is_its_owners() -> None:
    anonymous = structs.replace(survey(2, "csat", 1), identifiers=(), device="d")
    shop = Shop().fold([tick(1), assertion(1, ANN, device="d"), anonymous])
    assert shop.triggers()[0].subject == ANNS
    assert shop.table(FeedbackRow)[0]["identifier"] == ""


def test_a_complaint_by_nobody_is_only_recorded() -> None:
    shop = Shop().fold([tick(1), structs.replace(survey(1, "csat", 1), identifiers=())])
    assert shop.triggers() == []
    assert len(shop.table(FeedbackRow)) == 1


def test_who_opted_out_is_left_alone() -> None:
    shop = Shop().fold([tick(1), structs.replace(survey(1, "csat", 1), opt_out=True)])
    assert shop.triggers() == []
