"""`rejects`: what collectors refused, as rows. Its state is only how far it has come."""

from typing import Final

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import State
from schemas import topics
from schemas.rejects import Reject, as_text, unreadable_row
from schemas.rows import AccountingRow, RejectRow

_decoder = msgspec.json.Decoder(Reject)


class RejectsStage:
    """Reject records → rows of REJECTS, and their part of the books."""

    name: Final = "rejects"
    source: Final = topics.REJECTS

    def new_state(self) -> State:
        """An empty state: this stage remembers nothing."""
        return State()

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """One row per line; a line that is no reject is itself rejected."""
        rejected = 0
        for line in filter(None, record.value.split(b"\n")):
            emit.row(_row(line))
            rejected += 1
        emit.row(AccountingRow(declared=record.events, rejected=rejected))


def _row(line: bytes) -> RejectRow:
    try:
        r = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return unreadable_row(line, error, topics.REJECTS.name)
    return RejectRow(
        id=r.id,
        reason=r.reason.value,
        detail=r.detail,
        site=r.site,
        received_at=r.received_at,
        path=r.path,
        body=as_text(r.body),
        cut=r.cut,
        sender=r.sender,
        method=r.method,
        opt_out=r.opt_out,
    )
