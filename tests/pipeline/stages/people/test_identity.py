"""Identity as the warehouse reads it: rows change only where a person changes."""

from msgspec import structs

from pipeline.stages.people.identity import MAX_LINKS
from schemas.identifiers import person_id
from schemas.rows import IdentityRow, RefusalRow
from tests.pipeline.stages.people.shop import Shop, assertion, purchase

U1, U2, MAIL = "user_id:1", "user_id:2", "email:a@x.org"


def test_an_identifier_never_linked_is_a_person_of_its_own() -> None:
    shop = Shop().fold([assertion(0, U1)])
    assert shop.table(IdentityRow) == [
        {"site": "shop", "identifier": U1, "person_id": person_id("shop", U1), "canonical": U1}
    ]


def test_repeating_what_is_known_writes_no_rows() -> None:
    shop = Shop().fold([assertion(0, U1, MAIL)])
    before = len(shop.rows[IdentityRow])
    shop.fold([assertion(day, U1, MAIL) for day in (1, 2, 3)])
    assert len(shop.rows[IdentityRow]) == before


def test_a_refusal_vanishes_when_an_earlier_link_arrives_late() -> None:
    shop = Shop().fold([assertion(5, U1, MAIL), assertion(6, U2, MAIL)], per_record=1)
    assert [row["left"] for row in shop.table(RefusalRow)] == [U2]
    shop.fold([assertion(1, U2, MAIL)])
    assert [row["left"] for row in shop.table(RefusalRow)] == [U1]
    assert shop.people() == [[MAIL, U2], [U1]]


def test_a_late_alias_withdraws_the_refusal() -> None:
    shop = Shop().fold([assertion(5, U1, MAIL), assertion(6, U2, MAIL)])
    shop.fold([assertion(2, U2, previous=U1)])
    assert shop.table(RefusalRow) == []
    assert shop.people() == [[MAIL, U1, U2]]


def test_sites_never_mix() -> None:
    of_shop = assertion(0, U1, MAIL)
    of_other = structs.replace(assertion(0, MAIL, "phone:+491234567"), site="other")
    shop = Shop().fold([of_shop, of_other])
    rows = {(row["site"], row["identifier"]): row["canonical"] for row in shop.table(IdentityRow)}
    assert rows["shop", MAIL] == U1
    assert rows["other", MAIL] == MAIL


def test_a_component_past_its_cap_takes_no_more_links_and_says_so() -> None:
    links = [assertion(n / 1000, U1, f"email:{n}@x.org") for n in range(MAX_LINKS)]
    shop = Shop().fold(
        [*links, assertion(9, U1, "email:last@x.org"), purchase("email:last@x.org", 10)]
    )
    assert ["email:last@x.org"] in shop.people()
    assert [row["reason"] for row in shop.table(RefusalRow)] == ["too_many_links"]


def test_a_hostile_identifier_cannot_reach_into_anothers_keys() -> None:
    sly = "user_id:1\ncoffee"
    shop = Shop().fold(
        [purchase(U1, 0, "coffee"), purchase(sly, 1, "tea"), purchase(U1, 2, "coffee\ntea")]
    )
    assert shop.people() == [[U1], [sly]]
