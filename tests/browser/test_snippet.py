"""The snippet in a real browser, against a real collector: nothing lost, nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from collectors import snippet
from tests.browser.chromium import Visitor, browser, chromium, visitor
from tests.browser.shop import Shop, open_shop

pytestmark = browser
Scenario = Callable[[Shop, Visitor], Awaitable[None]]
Play = Callable[[Scenario], None]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chromium(tmp_path_factory.mktemp("profile")) as devtools:
        yield devtools


@pytest.fixture
def play(address: str, tmp_path: Path) -> Play:
    """Play a scenario with an empty log and a new visitor."""

    async def main(scenario: Scenario) -> None:
        async with open_shop(tmp_path) as shop, visitor(address) as someone:
            await scenario(shop, someone)

    return lambda scenario: asyncio.run(main(scenario))


def devices(shop: Shop) -> set[str]:
    return {one.anonymous_id for one in shop.counted()}


def test_navigation_is_one_visit_of_one_device(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        for path in ("/a", "/b?x=1", "/c"):
            await tab.open(shop.at(path))
            await tab.run(f"footfall.track('At {path}')")
        await shop.until(lambda: len(shop.tracked()) == 3)
        assert shop.paths() == ["/a", "/b", "/c"]
        assert shop.tracked() == ["At /a", "At /b?x=1", "At /c"]
        assert len(devices(shop)) == 1
        assert all(one.site == "shop" for one in shop.counted())
        assert [one.title for one in shop.counted() if one.type == "page"] == ["/a", "/b", "/c"]

    play(scenario)


def test_single_page_navigation_counts_each_change_of_path_once(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/"))
        await tab.run(
            "history.pushState({}, '', '/one'); history.replaceState({}, '', '/one?q=typed')"
        )
        await tab.run("history.replaceState({scroll: 1}, '', '/two')")
        await tab.run("history.pushState({}, '', '/two#top')")
        await tab.run("location.hash = '#/routed'")
        await tab.run("history.go(-3)")
        await shop.until(lambda: len(shop.paths()) == 5)
        assert shop.paths() == ["/", "/one", "/two", "/two#/routed", "/"]
        pages = [one for one in shop.counted() if one.type == "page"]
        assert [one.referrer for one in pages] == ["", *(one.url for one in pages[:-1])]

    play(scenario)


def test_a_reload_is_another_view_of_the_same_device(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: shop.paths() == ["/a"])
        await tab.call("Page.reload")
        await shop.until(lambda: shop.paths() == ["/a", "/a"])
        assert len(devices(shop)) == 1

    play(scenario)


def test_what_was_done_just_before_the_tab_closed_arrives(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.run(
            "for (let n = 0; n < 20; n++) footfall.track('Last ' + n, {text: '☕ é'.repeat(99)})"
        )
        await tab.close()
        await shop.until(lambda: len(shop.tracked()) == 20)
        assert sorted(shop.tracked()) == sorted(f"Last {n}" for n in range(20))
        assert shop.paths() == ["/a"]
        assert "☕ é☕".encode() in shop.raw()

    play(scenario)


def test_what_was_done_offline_arrives_when_the_network_is_back(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: shop.paths() == ["/a"])
        await tab.offline(True)
        await tab.run("for (let n = 0; n < 3; n++) footfall.track('Off ' + n)")
        await tab.run("new Promise((go) => setTimeout(go, 400))")
        assert shop.tracked() == []
        await tab.offline(False)
        await shop.until(lambda: len(shop.tracked()) == 3)
        assert shop.tracked() == ["Off 0", "Off 1", "Off 2"]
        assert len(shop.received()) == len(shop.counted())

    play(scenario)


def test_what_a_closed_tab_could_not_send_is_sent_by_the_next_page(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: shop.paths() == ["/a"])
        await shop.collector_down()
        await tab.run("footfall.track('Unheard')")
        other = await someone.tab()
        await tab.close()
        await shop.collector_up()
        await other.open(shop.at("/b"))
        await shop.until(lambda: shop.tracked() == ["Unheard"] and shop.paths() == ["/a", "/b"])
        assert len(devices(shop)) == 1
        await other.until("!Object.keys(localStorage).some((name) => name.startsWith('ff_queue'))")

    play(scenario)


def test_blocked_storage_blocks_nothing_else(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.headers = {"Content-Security-Policy": "sandbox allow-scripts"}
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        blocked = await tab.run("(() => { try { localStorage } catch (no) { return no.name } })()")
        assert blocked == "SecurityError"
        await tab.run("footfall.identify('user-42'); footfall.track('Seen')")
        await shop.until(lambda: shop.tracked() == ["Seen"])
        assert shop.paths() == ["/a"]
        assert len(devices(shop)) == 1
        assert shop.counted()[-1].identifiers == ("user_id:user-42",)

    play(scenario)


def test_two_tabs_are_one_device_and_one_user(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        first, second = await someone.tab(), await someone.tab()
        await first.open(shop.at("/a"))
        await second.open(shop.at("/b"))
        await first.run("footfall.identify('user-42')")
        await second.until("localStorage.ff_user === 'user-42'")
        await second.run("footfall.track('Elsewhere')")
        await shop.until(lambda: shop.tracked() == ["Elsewhere"])
        assert len(devices(shop)) == 1
        (elsewhere,) = [one for one in shop.counted() if one.event == "Elsewhere"]
        assert elsewhere.identifiers == ("user_id:user-42",)

    play(scenario)


def test_a_reset_makes_a_new_device_that_stays(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.run("footfall.identify('user-42'); footfall.reset(); footfall.track('After')")
        await tab.until("!localStorage.ff_new")
        await tab.run("localStorage.clear()")
        await tab.open(shop.at("/b"))
        await shop.until(lambda: shop.paths() == ["/a", "/b"])
        before, identified, reset, after, there = (
            one for one in shop.counted() if one.event != "Page Engaged"
        )
        assert before.anonymous_id == identified.anonymous_id == reset.anonymous_id
        assert after.anonymous_id == there.anonymous_id != before.anonymous_id
        assert reset.identifiers == after.identifiers == ()

    play(scenario)


def test_pending_consent_keeps_all_in_memory_until_it_is_granted(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.tag_attributes = 'data-consent="pending"'
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.run("footfall.track('Early')")
        await tab.run("new Promise((go) => setTimeout(go, 500))")
        assert shop.counted() == []
        assert await tab.run("localStorage.length") == 0
        assert await someone.cookies() == []
        await tab.run("footfall.consent('granted')")
        await shop.until(lambda: shop.paths() == ["/a"] and shop.tracked() == ["Early"])
        await tab.open(shop.at("/b"))
        await shop.until(lambda: shop.paths() == ["/a", "/b"])
        assert len(devices(shop)) == 1

    play(scenario)


def test_denied_consent_sends_nothing_and_is_remembered(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.tag_attributes = 'data-consent="pending"'
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.run("footfall.consent('denied'); footfall.track('No')")
        await tab.open(shop.at("/b"))
        await tab.run("footfall.track('No'); new Promise((go) => setTimeout(go, 500))")
        assert shop.received() == []
        assert await tab.run("Object.keys(localStorage).sort().join()") == "ff_consent,ff_new"
        assert await someone.cookies() == []

    play(scenario)


def test_withdrawn_consent_opts_out_and_forgets_the_device(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: shop.paths() == ["/a"])
        assert [cookie["name"] for cookie in await someone.cookies()] == ["ff_id"]
        await tab.run("footfall.consent('denied'); footfall.track('No')")
        await shop.until(lambda: shop.tracked() == ["Consent Denied"])
        assert [one.opt_out for one in shop.counted()] == [False, True]
        await tab.run("new Promise((go) => setTimeout(go, 300))")
        assert await someone.cookies() == []
        await tab.run("footfall.consent('granted'); footfall.track('Yes')")
        await shop.until(lambda: "Yes" in shop.tracked())
        assert shop.tracked() == ["Consent Denied", "Yes"]
        assert len(devices(shop)) == 2

    play(scenario)


def test_global_privacy_control_opts_out(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        signal = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
        await tab.call("Page.addScriptToEvaluateOnNewDocument", source=signal)
        await tab.open(shop.at("/a"))
        await tab.run("footfall.track('Seen')")
        await shop.until(lambda: shop.tracked() == ["Seen"])
        assert all(one.opt_out for one in shop.counted())

    play(scenario)


def test_the_sites_own_cookie_outlives_what_scripts_have_stored(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: shop.paths() == ["/a"])
        (cookie,) = await someone.cookies()
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
        assert {cookie["value"]} == devices(shop)
        await tab.run("localStorage.clear()")
        await tab.open(shop.at("/b"))
        await shop.until(lambda: shop.paths() == ["/a", "/b"])
        assert len(devices(shop)) == 1

    play(scenario)


def test_on_another_site_there_is_no_cookie_and_the_device_is_still_one(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.host = "127.0.0.1"
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.open(shop.at("/b"))
        await shop.until(lambda: shop.paths() == ["/a", "/b"])
        assert await someone.cookies() == []
        assert len(devices(shop)) == 1

    play(scenario)


def test_cookieless_pages_keep_nothing_and_are_one_device_for_the_day(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.tag_attributes = 'data-cookies="off"'
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await tab.run("footfall.track('Seen')")
        await shop.until(lambda: shop.tracked() == ["Seen"])
        await tab.open(shop.at("/b"))
        await shop.until(lambda: shop.paths() == ["/a", "/b"])
        assert len(devices(shop)) == 1
        assert await tab.run("localStorage.length + sessionStorage.length") == 0
        assert await someone.cookies() == []

    play(scenario)


def test_calls_before_it_loads_wait_in_the_stub(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        shop.above = snippet.STUB + (
            "<script>footfall.identify('user-42'); footfall.track('Early', {n: 1});"
            "footfall.push(['track', 'Pushed']); footfall.orderCompleted({order_id: '1', total: 5})</script>"
        )
        tab = await someone.tab()
        await tab.open(shop.at("/a"))
        await shop.until(lambda: len(shop.counted()) == 5)
        page, identify, early, pushed, order = shop.counted()
        assert (page.type, identify.type, order.type) == ("page", "identify", "purchase")
        assert (early.event, pushed.event) == ("Early", "Pushed")
        assert early.identifiers == order.identifiers == ("user_id:user-42",)

    play(scenario)


def test_a_renamed_snippet_sends_where_it_came_from(address: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with open_shop(tmp_path, "/assets/tea.js") as shop, visitor(address) as someone:
            tab = await someone.tab()
            await tab.open(shop.at("/a"))
            await shop.until(lambda: shop.paths() == ["/a"])
            names = await tab.run("performance.getEntriesByType('resource').map((one) => one.name)")
            assert all("/assets/tea.js" in name for name in names if "/favicon" not in name)

    asyncio.run(main())


def test_trouble_is_told_and_nothing_that_was_typed(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/pay"))
        await tab.click("#live")
        await tab.run("new Promise((go) => setTimeout(go, 1100))")
        await tab.click("#stuck", times=3)
        await tab.run("document.querySelector('#number').focus()")
        await tab.call("Input.insertText", text="4111111111111111")
        await tab.click("#send")
        await tab.click("#send")
        await tab.run("setTimeout(() => { throw new Error('bad \"4111\" of zoe@example.com') })")
        await tab.run("setTimeout(() => JSON.parse('4111111111111111 zoe'))")
        await shop.until(lambda: shop.tracked().count("Script Error") == 2)
        await tab.until("performance.now() > 4500")
        await tab.close()
        await shop.until(lambda: any(one.event == "Page Engaged" for one in shop.counted()))
        about = {
            (one.event, msgspec.json.decode(bytes(one.properties))["about"])
            for one in shop.counted()
            if one.type == "track" and one.event != "Page Engaged"
        }
        assert {told for told in about if told[0] in ("Rage Click", "Form Resubmitted")} == {
            ("Rage Click", "button#stuck"),
            ("Form Resubmitted", "form#card"),
        }
        assert ("Script Error", "Uncaught Error: bad … of …") in about
        assert b"4111" not in shop.raw()
        assert b"zoe" not in shop.raw()

    play(scenario)


def test_a_click_that_nothing_answers_is_dead(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        tab = await someone.tab()
        await tab.open(shop.at("/pay"))
        await tab.click("#stuck")
        await shop.until(lambda: shop.tracked() == ["Dead Click"])
        await tab.click("#live")
        await tab.run("new Promise((go) => setTimeout(go, 2400))")
        assert shop.tracked() == ["Dead Click"]
        await tab.close()
        await shop.until(lambda: shop.counted()[-1].event == "Page Engaged")
        seconds = msgspec.json.decode(bytes(shop.counted()[-1].properties))["seconds"]
        assert 4 < seconds < 15

    play(scenario)


def test_a_bound_key_works_on_its_pages_only_and_opens_nobodys_profile(play: Play) -> None:
    async def scenario(shop: Shop, someone: Visitor) -> None:
        await shop.allow(f"k3y:shop origin={shop.at('')}")
        tab = await someone.tab()
        await tab.open(shop.at("/mine"))
        await tab.run("footfall.identify('ada', {email: 'ada@example.org'})")
        await tab.run("footfall.orderCompleted({order_id: '1', total: 9, currency: 'EUR'})")
        await shop.until(lambda: shop.tracked() == ["Order Completed"])
        await tab.open(shop.at("/theirs", site="evil.localhost"))
        await tab.run("footfall.track('Forged')")
        await shop.until(lambda: b'"forbidden_origin"' in shop.raw())
        assert shop.paths() == ["/mine"]
        assert shop.tracked() == ["Order Completed"]
        assert all(not one.identifiers and one.order is None for one in shop.counted())

    play(scenario)
