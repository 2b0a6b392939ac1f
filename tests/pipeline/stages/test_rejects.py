"""`rejects`: every line becomes a row, those that are no reject too."""

import msgspec
import pytest
from msgspec.structs import asdict

from pipeline.engine.stage import Emit, Record
from pipeline.stages.rejects import RejectsStage
from schemas.rejects import Reason, Reject, as_bytes
from schemas.rows import RejectRow

GOOD = Reject(
    id="r1",
    reason=Reason.BAD_JSON,
    detail="no",
    site="shop",
    received_at=7,
    path="/v1/track",
    body=b"\xff{",
    cut=False,
)


def rows(value: bytes, events: int = 1) -> Emit:
    stage = RejectsStage()
    emit = Emit(stage.source, 0)
    emit.begin(0)
    stage.process(stage.new_state(), Record(0, events, value), emit)
    return emit


def column(emit: Emit, name: str) -> list[object]:
    return [asdict(row)[name] for row, _, _ in emit.rows[RejectRow]]


def test_a_reject_is_a_row_with_its_bytes() -> None:
    emit = rows(msgspec.json.encode(GOOD))
    assert column(emit, "id") == ["r1"]
    assert [as_bytes(str(body)) for body in column(emit, "body")] == [b"\xff{"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"id":"\xff"}',
        b"\xff",
        msgspec.json.encode(GOOD).replace(b'"shop"', b'"\xc3\x28"'),
    ],
)
def test_a_line_that_is_no_reject_is_a_reject_itself_and_the_next_is_read(line: bytes) -> None:
    emit = rows(line + b"\n" + msgspec.json.encode(GOOD), events=2)
    assert column(emit, "reason") == [Reason.UNREADABLE_RECORD.value, Reason.BAD_JSON.value]
    assert as_bytes(str(column(emit, "body")[0])) == line
