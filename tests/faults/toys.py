"""Two small stages, chained as the real ones are, whose right result is plain to see.

`Counting` drops repeated ids, counts per key and tells `Adding`; that sums up what it is told, once
each, by origin. What `Adding` holds is right only if nothing was lost or doubled on the way.
"""

from typing import Final

import msgspec
from msgspec import Struct

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.keyed import Keyed, State
from schemas import topics
from schemas.origins import Origin
from schemas.rows import AssertionRow, DeliveryRow
from schemas.topics import Topic
from tests.faults.simulation import POISON

COUNTED: Final = AssertionRow
ADDED: Final = DeliveryRow
"""Tables that the sink knows, filled with something else."""


class Toy(Struct):
    """An event. One whose id is `simulation.POISON` is more than `Counting` can bear."""

    id: str
    key: str


class ToyMessage(Struct):
    """What `Counting` says of an event that it counted."""

    origin: Origin
    id: str
    key: str
    count: int


_toy = msgspec.json.Decoder(Toy).decode
_decode_message = msgspec.json.Decoder(ToyMessage).decode


class Counting:
    """Stage one. State: the ids seen, and how many per key."""

    name = "counting"
    source: Topic = topics.EVENTS

    def new_state(self) -> State:
        return State(ids=Keyed(int), counts=Keyed(int))

    def process(self, state: State, record: Record, emit: Emit) -> None:
        ids, counts = state.tables["ids"], state.tables["counts"]
        for line in record.value.split(b"\n"):
            toy = _toy(line)
            if toy.id == POISON.decode():
                raise ValueError("half the record is counted")
            if toy.id in ids:
                continue
            before = counts.get(toy.key)
            count = before + 1 if isinstance(before, int) else 1
            ids.put(toy.id, 1)
            counts.put(toy.key, count)
            emit.row(COUNTED(site="", device=toy.key, time=count, message_id=toy.id, identifier=""))
            emit.out(topics.CUSTOMERS, toy.key, ToyMessage(emit.origin, toy.id, toy.key, count))


class Adding:
    """Stage two. State: the sum of counts per key."""

    name = "adding"
    source: Topic = topics.CUSTOMERS

    def new_state(self) -> State:
        return State(sums=Keyed(int))

    def process(self, state: State, record: Record, emit: Emit) -> None:
        sums = state.tables["sums"]
        for line in record.value.split(b"\n"):
            message = _decode_message(line)
            if not state.is_new(message.origin):
                continue
            before = sums.get(message.key)
            sums.put(message.key, (before if isinstance(before, int) else 0) + message.count)
            emit.row(
                ADDED(
                    trigger_id=message.id,
                    endpoint=message.key,
                    attempt=0,
                    time=0,
                    status=0,
                    detail="",
                )
            )
