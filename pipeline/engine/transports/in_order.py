"""What both transports change in Faust's consumer: runs of records, in order, acked in order."""

from collections.abc import Sequence
from typing import Any

from faust.transport import base
from faust.types import TP, ConsumerMessage

from pipeline.engine.stage import Record


class _Unread(dict[TP, int]):
    """Faust's memory of offsets handed over, forgotten: it drops what lies before them.

    After a seek back, a message still on its way would put the memory ahead of the position, and
    records would be skipped. The runner knows what is next and refuses what is not.
    """

    def __getitem__(self, tp: TP) -> Any:
        return None


class InOrder:
    """Mixed into a Faust consumer whose fetched records are runs (`coalesce.runs`)."""

    app: Any
    _acked: Any  # Faust's own bookkeeping: TP → offsets, in a list and in a set
    _acked_index: Any
    _read_offset: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unread()

    def _to_message(self, tp: TP, record: Sequence[Record]) -> ConsumerMessage:
        value: Any = record  # `RecordsSchema` passes it on as it is
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record[-1].offset,
            0.0,
            0,
            None,
            None,
            value,
            None,
            None,
            None,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _new_offset(self, tp: TP) -> int | None:
        # The runner acks in order, so there are no gaps; Faust's own search loses a head message.
        acked = self._acked[tp]
        if not acked:
            return None
        newest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return int(newest) + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Records handed over together are no gap."""


class Producer(base.Producer):
    """Faust wants one; Footfall's outputs go through the journal."""

    async def flush(self) -> None:
        """Nothing is ever buffered."""
        await self.buffer.flush()

    async def create_topic(self, topic: str, *args: Any, **kwargs: Any) -> None:
        """The journal makes the topics."""

    def supports_headers(self) -> bool:
        """Nothing is sent."""
        return False
