"""What a check-up reads out of the warehouse's answers."""

from typing import Any

import pytest

from footfall.operations.finding import Finding, many
from footfall.operations.health_checks import ATTEMPTS, moneyless, rejected, undelivered


def reasons(**counts: int) -> list[dict[str, Any]]:
    return [{"reason": reason, "rejects": str(count)} for reason, count in counts.items()]


def deliveries(delivered: int = 0, waiting: int = 0, given_up: int = 0) -> dict[str, Any]:
    return {
        "delivered": str(delivered),
        "waiting": str(waiting),
        "given_up": str(given_up),
        "answer": "Cannot connect to crm.example:443: Connection refused.",
    }


def test_rejects_are_counted_by_reason_with_the_command_that_shows_them() -> None:
    (told,) = rejected(
        reasons(unknown_key=1510, bad_json=20, bad_order=2, bad_shape=1, missing_id=4)
    )
    assert told == Finding(
        "rejects",
        True,
        "1,537 in 24 h: unknown_key 1,510, bad_json 20, bad_order 2, others 5",
        "footfall rejects list --reason unknown_key",
    )


def test_what_footfall_itself_failed_to_process_is_wrong_and_no_matter_of_senders() -> None:
    failed, others = rejected(reasons(bad_json=3, processing_failed=1))
    assert (failed.ok, failed.text) == (False, "Footfall failed to process 1 line in 24 h")
    assert (others.ok, others.text) == (True, "3 in 24 h: bad_json 3")


def test_what_the_disk_damaged_is_wrong() -> None:
    told, _ = rejected([{"reason": "damaged_record", "rejects": "3"}])
    assert (told.verdict, told.text) == ("WRONG", "3 lines of the log came back damaged in 24 h")


def test_without_rejects_there_is_nothing_to_say() -> None:
    assert list(rejected([])) == []


def test_what_was_not_kept_is_told_apart_as_its_rows_are_no_rejects() -> None:
    lost, rest = reasons(rejects_not_kept=60), reasons(bad_json=1)
    counted, told = rejected([*lost, *rest])
    assert counted.text == "1 in 24 h: bad_json 1"
    assert told.text == "more came in 24 h than are kept"
    assert told.advice == "footfall rejects list --reason rejects_not_kept"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (deliveries(waiting=1), "1 trigger not delivered yet"),
        (
            deliveries(waiting=2, given_up=3),
            f"2 triggers not delivered yet, 3 given up after {ATTEMPTS}",
        ),
    ],
)
@pytest.mark.parametrize("configured", [True, False])
def test_a_trigger_that_was_not_delivered_is_wrong(
    row: dict[str, Any], text: str, configured: bool
) -> None:
    (told,) = undelivered(row, configured)
    assert not told.ok
    assert told.text.startswith(text)
    assert told.text.endswith("last answer: Cannot connect to crm.example:443: Connection refused.")
    assert "FOOTFALL_WEBHOOK_URL" in told.advice


def test_what_is_delivered_is_well() -> None:
    assert list(undelivered(deliveries(delivered=1), False)) == [
        Finding("webhook", True, "1 trigger delivered in 4 days")
    ]
    assert list(undelivered(deliveries(), True)) == [
        Finding("webhook", True, "0 triggers delivered in 4 days")
    ]


def test_where_nothing_is_to_be_delivered_nothing_is_said() -> None:
    assert list(undelivered(deliveries(), False)) == []


def test_orders_without_a_currency_are_worth_a_look() -> None:
    (told,) = moneyless([{"site": "shop", "orders": "1"}])
    assert (told.verdict, told.text) == ("look", "site shop: 1 order in 24 h without a currency")


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (Finding("a", True, ""), "ok"),
        (Finding("a", True, "", "see there"), "look"),
        (Finding("a", False, "", "see there"), "WRONG"),
    ],
)
def test_a_finding_is_ok_worth_a_look_or_wrong(finding: Finding, verdict: str) -> None:
    assert finding.verdict == verdict


def test_one_is_no_plural() -> None:
    assert [many(n, "event") for n in (0, 1, 1.0, 2, 12_345)] == [
        "0 events",
        "1 event",
        "1 event",
        "2 events",
        "12,345 events",
    ]
