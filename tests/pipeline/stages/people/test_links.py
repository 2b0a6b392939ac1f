"""Who is who among links: rules, not plumbing."""

from itertools import permutations

from pipeline.stages.people.links import evaluate
from pipeline.stages.people.state import Link

U1, U2, MAIL, PHONE, CRM = "user_id:1", "user_id:2", "email:a@x.org", "phone:+4912345678", "crm:9"


def test_identifiers_asserted_together_are_one_person_named_by_the_strongest() -> None:
    people, refusals = evaluate([Link(1, "a", (MAIL, PHONE)), Link(2, "b", (U1, PHONE))])
    assert people == {U1: [U1, MAIL, PHONE]}
    assert refusals == []


def test_two_user_ids_are_not_joined_by_a_shared_address() -> None:
    people, refusals = evaluate([Link(1, "a", (U1, MAIL)), Link(2, "b", (U2, MAIL))])
    assert people == {U1: [U1, MAIL], U2: [U2]}
    assert [(r.message_id, r.left, r.right, r.reason) for r in refusals] == [
        ("b", U2, MAIL, "two_user_ids")
    ]


def test_whoever_says_it_first_keeps_the_address_whatever_the_order_of_arrival() -> None:
    links = [Link(2, "b", (U1, MAIL)), Link(1, "a", (U2, MAIL)), Link(3, "c", (MAIL, CRM))]
    answers = [evaluate(order) for order in permutations(links)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].people == {U1: [U1], U2: [U2, MAIL, CRM]}


def test_messages_of_the_same_time_are_taken_by_message_id() -> None:
    people, _ = evaluate([Link(1, "z", (U1, MAIL)), Link(1, "a", (U2, MAIL))])
    assert people[U2] == [U2, MAIL]


def test_an_alias_joins_two_user_ids_and_later_links_follow() -> None:
    alias = Link(2, "b", (U2,), previous_id=U1)
    people, refusals = evaluate([Link(1, "a", (U1, MAIL)), alias, Link(3, "c", (U2, MAIL))])
    assert people == {U1: [U1, U2, MAIL]}
    assert refusals == []


def test_an_alias_does_not_open_the_way_for_a_third_user_id() -> None:
    alias = Link(1, "a", (U2,), previous_id=U1)
    third = "user_id:3"
    people, refusals = evaluate([alias, Link(2, "b", (third, MAIL)), Link(3, "c", (U1, MAIL))])
    assert people == {U1: [U1, U2], third: [third, MAIL]}
    assert len(refusals) == 1


def test_a_star_refuses_only_the_ray_that_breaks_the_rule() -> None:
    people, refusals = evaluate([Link(1, "a", (U1, MAIL)), Link(2, "b", (U2, MAIL, PHONE))])
    assert people == {U1: [U1, MAIL], U2: [U2, PHONE]}
    assert [refusal.right for refusal in refusals] == [MAIL]
