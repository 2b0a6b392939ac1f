"""What a stage is: a pure function from state and one record to state, outputs and rows.

A stage never sees a clock, a socket, Faust or ClickHouse. The runner calls it record by record;
what it emits for a record may depend on the state and that record alone, never on how records
were grouped, so that a replay with other batch boundaries repeats itself to the byte.
"""

from typing import NamedTuple, Protocol

import msgspec

from pipeline.engine.state.keyed import State
from schemas.origins import Origin
from schemas.rows import Row, SourcedRow
from schemas.topics import Topic


class Record(NamedTuple):
    """A log record: newline-delimited JSON. `events` is the producer's own count of its lines."""

    offset: int
    events: int
    value: bytes


class Output(NamedTuple):
    """A message for a derived topic, to the partition of `key`, or to `partition` where given."""

    topic: Topic
    key: str
    message: msgspec.Struct
    partition: int | None = None


class Emit:
    """Collects what one batch emits. Rows carry (offset, index), messages their `Origin`."""

    __slots__ = ("_index", "_offset", "_ordinal", "outputs", "partition", "rows", "topic")

    def __init__(self, topic: Topic, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.outputs: list[Output] = []
        self.rows: dict[type[Row], list[SourcedRow]] = {}
        self._offset = -1
        self._ordinal = self._index = 0

    def begin(self, offset: int) -> None:
        """Start a source record: ordinals and row indexes count from 0 again."""
        self._offset, self._ordinal, self._index = offset, 0, 0

    @property
    def origin(self) -> Origin:
        """The origin for the next message; every call counts one."""
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        return Origin(self.topic.name, self.partition, self._offset, ordinal)

    @property
    def version(self) -> int:
        """A number that grows along the partition: for ReplacingMergeTree rows of this record.

        Offset × 2^20 + the row's index, so that later rows of one record win too.
        """
        return (self._offset << 20) + self._index

    def out(self, topic: Topic, key: str, message: msgspec.Struct) -> None:
        """Emit a message whose `origin` was taken from this object."""
        self.outputs.append(Output(topic, key, message))

    def out_beside(self, topic: Topic, message: msgspec.Struct) -> None:
        """Emit a message to the partition with the source's own number (ticks)."""
        self.outputs.append(Output(topic, "", message, self.partition))

    def row(self, row: Row) -> None:
        """Emit a row of the table that its type names."""
        rows = self.rows.get(type(row))
        if rows is None:
            rows = self.rows[type(row)] = []
        rows.append((row, self._offset, self._index))
        self._index += 1


class Stage(Protocol):
    """One agent's logic. `name` names its state; `source` is the one topic it reads."""

    @property
    def name(self) -> str:
        """Names the stage's state in the log."""

    @property
    def source(self) -> Topic:
        """The topic it reads."""

    def new_state(self) -> State:
        """An empty state for one partition."""

    def process(self, state: State, record: Record, emit: Emit) -> None:
        """Fold one record into `state` (in place) and emit. Never raises on bad input."""
