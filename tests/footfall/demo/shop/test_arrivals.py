"""How visits begin: the same visit always in the same way, and all ways occur."""

from collections import Counter

from collectors.admission import admit
from collectors.dialects.contract import Request
from footfall.demo.shop.arrivals import arrival
from footfall.demo.shop.customers import customers
from footfall.demo.shop.visits import visits
from footfall.demo.shop.wire import browser_requests
from schemas.events import Event

VISITS = visits(3, customers(3, 50), 1_780_012_800_000, 300)


def _first_pages() -> list[Event]:
    pages = []
    for number, visit in enumerate(VISITS):
        request = next(browser_requests(visit))
        sent = Request(request.path, "", {}, request.body, request.time, str(number))
        pages.append(admit(sent, {}).events[0])
    return pages


PAGES = _first_pages()


def test_a_visit_begins_in_one_way() -> None:
    assert [arrival(visit) for visit in VISITS] == [arrival(visit) for visit in VISITS]


def test_visitors_come_by_search_campaigns_links_and_addresses_they_know() -> None:
    media = Counter(page.referrer_medium for page in PAGES)
    assert set(media) == {"", "search", "social", "ai", "link"}
    campaigns = Counter(page.campaign_name for page in PAGES if page.campaign_source)
    assert {"assam", "november"} < set(campaigns)
    paid = [page for page in PAGES if page.campaign_medium == "cpc"]
    assert len({page.click_id for page in paid}) == len(paid) > 0


def test_the_path_is_that_of_the_page_whatever_the_query() -> None:
    assert {page.path for page in PAGES} == {"/"}


def test_only_a_visits_first_page_has_an_outside_referrer() -> None:
    visit = max(VISITS, key=lambda visit: len(visit.actions))
    request = next(browser_requests(visit))
    sent = Request(request.path, "", {}, request.body, request.time, "n")
    assert {event.referrer for event in admit(sent, {}).events[1:]} == {""}
