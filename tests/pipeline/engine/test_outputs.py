"""Outputs become few records, cut at the limit, in one order."""

from pipeline.engine.outputs import records_of
from pipeline.engine.stage import Output
from schemas import topics
from schemas.outcomes import PageOutcome
from schemas.partitioner import partition_of


def outcome(page: str) -> PageOutcome:
    return PageOutcome(site="shop", page=page, time=1, decided_at=2)


def test_messages_of_one_partition_share_a_record_in_the_order_they_were_emitted() -> None:
    outputs = [Output(topics.PAGES, "shop", outcome(page)) for page in "abc"]
    (record,) = records_of(outputs, 8)
    assert (record.events, record.partition) == (3, partition_of("shop", 8))
    assert [line.count(b'"page":"a"') for line in record.value.split(b"\n")] == [1, 0, 0]


def test_a_message_for_a_partition_goes_there_whatever_its_key() -> None:
    (record,) = records_of([Output(topics.PAGES, "", outcome(""), 5)], 8)
    assert record.partition == 5


def test_no_record_is_larger_than_the_limit() -> None:
    outputs = [Output(topics.PAGES, "shop", outcome("x" * 300_000)) for _ in range(7)]
    records = list(records_of(outputs, 1))
    assert sum(record.events for record in records) == 7
    assert all(len(record.value) <= topics.MAX_RECORD_BYTES for record in records)
