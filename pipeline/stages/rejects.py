"""`rejects`: what collectors refused, written down. No state but how far it came."""

from typing import Final

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import State
from schemas import columns, topics
from schemas.rejects import Reject, as_text, unreadable_row

_decoder = msgspec.json.Decoder(Reject)


class RejectsStage:
    """Reject records → rows of REJECTS, and their part of the books."""

    name: Final = "rejects"
    source: Final = topics.REJECTS

    def new_state(self) -> State:
        """Nothing to know."""
        return State()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """One row per line; a line that is no reject is itself rejected."""
        rejected = 0
        for line in filter(None, record.value.split(b"\n")):
            emit.row(columns.REJECTS, *_row(line))
            rejected += 1
        emit.row(columns.BOOKS, "", 0, record.events, 0, 0, rejected, 0)


def _row(line: bytes) -> tuple[object, ...]:
    try:
        r = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return unreadable_row(line, error, topics.REJECTS.name)
    return (
        r.id,
        r.reason.value,
        r.detail,
        r.site,
        r.received_at,
        r.path,
        as_text(r.body),
        r.cut,
        r.sender,
        r.method,
        r.opt_out,
    )
