"""PostHog's calls as its SDKs make them: who an event is about, how it is packed, what is asked."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from schemas.rejects import Reason
from tests.collectors.requests import AT, NOW, event, reject, sent
from tests.collectors.test_endpoint import Collector

BROWSER = {"$device_id": "dev", "distinct_id": "dev", "$is_identified": False}
USER = {"$device_id": "dev", "distinct_id": "zoe", "$is_identified": True}
UUID = "01a20075-a090-7ef5-8a08-0d1b1660c431"


def one(name: str, properties: dict[str, Any] | None = None, **more: Any) -> Any:
    return event("/e/", {"event": name, "properties": properties or {}, "timestamp": AT, **more})


@pytest.mark.parametrize(
    "path", ["/batch", "/batch/", "/e", "/e/", "/i/v0/e/", "/capture", "/capture/", "/track/"]
)
def test_every_path_takes_a_batch_a_list_and_one_event(path: str) -> None:
    single = {"event": "Seen", "properties": BROWSER}
    assert len(sent(path, {"api_key": "k", "batch": [single, single]}).events) == 2
    assert len(sent(path, [single, single]).events) == 2
    assert len(sent(path, single | {"api_key": "k"}).events) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("$pageview", "page"),
        ("$screen", "screen"),
        ("$identify", "identify"),
        ("$set", "identify"),
        ("$groupidentify", "group"),
        ("$pageleave", "track"),
        ("Bought ☕", "track"),
    ],
)
def test_the_name_tells_the_type(name: str, kind: str) -> None:
    assert one(name, USER).type == kind


def test_a_pageview_stands_where_the_browser_says() -> None:
    place = {"$current_url": "https://s.co/cup?a=1", "$pathname": "/cup", "title": "☕"}
    taken = one("$pageview", USER | place | {"$referrer": "$direct"})
    assert (taken.url, taken.path, taken.title, taken.referrer, taken.event) == (
        "https://s.co/cup?a=1",
        "/cup",
        "☕",
        "",
        "",
    )


def test_a_server_that_gives_no_path_has_it_taken_from_the_url() -> None:
    assert one("$pageview", USER | {"$current_url": "https://s.co/cup?a=1"}).path == "/cup"


def test_an_anonymous_browser_is_a_device_and_nobody() -> None:
    taken = one("Seen", BROWSER)
    assert (taken.anonymous_id, taken.identifiers) == ("dev", ())


def test_after_its_own_reset_a_browser_is_a_new_anonymous_device() -> None:
    taken = one("Seen", BROWSER | {"distinct_id": UUID})
    assert (taken.anonymous_id, taken.identifiers) == (UUID, ())


def test_an_identify_gives_its_device_to_the_user() -> None:
    taken = one("$identify", USER | {"$anon_distinct_id": "dev"}, **{"$set": {"email": "Z@e.co"}})
    assert taken.anonymous_id == "dev"
    assert taken.identifiers == ("user_id:zoe", "email:z@e.co")
    assert json.loads(bytes(taken.traits)) == {"email": "Z@e.co"}


def test_an_identify_after_a_reset_gives_the_new_anonymous_device() -> None:
    taken = one("$identify", USER | {"$anon_distinct_id": UUID})
    assert (taken.anonymous_id, taken.identifiers) == (UUID, ("user_id:zoe",))


def test_person_properties_may_stand_among_the_events_own() -> None:
    assert one("$identify", USER | {"$set": {"email": "z@e.co"}}).identifiers[1] == "email:z@e.co"


def test_a_servers_distinct_id_is_a_user_unless_no_profile_is_wanted() -> None:
    assert one("Seen", distinct_id="zoe").identifiers == ("user_id:zoe",)
    taken = one("Seen", {"$process_person_profile": False}, distinct_id="zoe")
    assert (taken.anonymous_id, taken.identifiers) == ("zoe", ())


def test_an_alias_of_an_identified_user_joins_two_users() -> None:
    taken = one("$create_alias", USER | {"alias": "zoe2"})
    assert (taken.anonymous_id, taken.identifiers, taken.previous_id) == (
        "dev",
        ("user_id:zoe",),
        "user_id:zoe2",
    )


def test_an_alias_of_an_anonymous_browser_gives_it_to_the_user() -> None:
    taken = one("$create_alias", BROWSER | {"alias": "zoe"})
    assert (taken.anonymous_id, taken.identifiers, taken.previous_id) == (
        "dev",
        ("user_id:zoe",),
        "",
    )


@pytest.mark.parametrize(("distinct", "alias"), [(UUID, "zoe"), ("zoe", UUID)])
def test_servers_alias_a_browser_in_either_order(distinct: str, alias: str) -> None:
    taken = one("$create_alias", {"distinct_id": distinct, "alias": alias}, distinct_id=distinct)
    assert (taken.anonymous_id, taken.identifiers) == (UUID, ("user_id:zoe",))


def test_an_alias_of_itself_joins_nothing() -> None:
    assert one("$create_alias", {"alias": "zoe"}, distinct_id="zoe").previous_id == ""


def test_the_form_that_a_page_sends_on_unload_is_base64() -> None:
    data = base64.b64encode(json.dumps({"event": "☕ é", "properties": BROWSER}).encode())
    body = b"data=" + quote(data).encode()
    assert event("/e/", body, query="compression=base64&beacon=1").event == "☕ é"


@pytest.mark.parametrize("body", [b"data=%7B", b"data=!!", b"data=", b"x=1", b"", b"data=_-8"])
def test_a_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    assert reject("/e/", body).reason in (Reason.BAD_JSON, Reason.BAD_ENCODING)


def test_an_event_that_cannot_be_read_spoils_only_itself() -> None:
    admitted = sent("/e/", [7, {"event": "Seen", "properties": BROWSER}])
    assert (len(admitted.rejects), len(admitted.events)) == (1, 1)


def test_an_older_librarys_offset_is_taken_from_the_time_of_arrival() -> None:
    assert (
        event("/e/", {"event": "Seen", "properties": BROWSER, "offset": 2_000}).time == NOW - 2_000
    )


def test_without_a_uuid_the_insert_id_names_it() -> None:
    assert one("Seen", BROWSER | {"$insert_id": "i-1"}).message_id == "i-1"


@pytest.mark.parametrize("path", ["/flags", "/flags/", "/decide/"])
def test_flags_are_answered_with_none(path: str) -> None:
    answer = Collector().call("POST", f"{path}?v=2", b'{"token":"k"}')
    assert answer.status == 200
    assert json.loads(answer.body)["featureFlags"] == {}


def test_the_configuration_turns_nothing_on() -> None:
    plain = Collector().call("GET", "/array/phc_k-1/config", headers={"origin": "https://a.b"})
    config = json.loads(plain.body)
    assert config["sessionRecording"] is config["hasFeatureFlags"] is False
    assert plain.headers["access-control-allow-origin"] == "https://a.b"
    script = Collector().call("GET", "/array/phc_k-1/config.js")
    assert b'"phc_k-1"' in script.body
    assert script.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("key", ["a%22b", 'a"b', "a</script>", "k" * 129, "é"])
def test_a_key_that_could_leave_its_string_is_not_answered(key: str) -> None:
    assert Collector().call("GET", f"/array/{key}/config.js").status == 404


@pytest.mark.parametrize(
    "path",
    ["/static/array.js", "/static/array.full.js", "/static/1/array.js", "/static/1.380.0/array.js"],
)
def test_the_html_snippet_is_told_in_the_console_that_this_is_not_its_library(path: str) -> None:
    script = Collector().call("GET", path, headers={"origin": "https://a.b"})
    assert (script.status, script.headers["access-control-allow-origin"]) == (200, "https://a.b")
    assert script.headers["content-type"].startswith("text/javascript")
    assert re.fullmatch(rb'console\.warn\("[^"\\\n]+posthog-js[^"\\\n]+"\);\n', script.body)


def test_no_other_static_file_is_there() -> None:
    assert Collector().call("GET", "/static/recorder.js").status == 404
