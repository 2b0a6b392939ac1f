"""Records of Footfall's collectors and of anybody else's producer."""

from aiokafka import ConsumerRecord

from pipeline.engine.stage import Record
from pipeline.engine.transports.kafka_client import events_header, record_of


def fetched(value: bytes | None, headers: list[tuple[str, bytes]]) -> ConsumerRecord:
    return ConsumerRecord("t", 0, 7, 0, 0, None, value, None, -1, -1, headers)


def test_the_event_count_is_the_one_in_the_header() -> None:
    assert record_of(fetched(b"a\nb\n", events_header(12))) == Record(7, 12, b"a\nb\n")


def test_without_a_header_lines_are_counted() -> None:
    assert record_of(fetched(b"a", [])).events == 1
    assert record_of(fetched(b"a\nb", [])).events == 2
    assert record_of(fetched(b"a\nb\n", [])).events == 2


def test_a_header_that_is_no_number_is_not_believed() -> None:
    assert record_of(fetched(b"a\nb", [("n", b"-1")])).events == 2


def test_a_record_without_value_has_no_events() -> None:
    assert record_of(fetched(None, [])) == Record(7, 0, b"")
