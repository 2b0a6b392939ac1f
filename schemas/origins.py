"""Where a message on a derived topic came from, so that its second copy can be told and dropped."""

from typing import NamedTuple


class Origin(NamedTuple):
    """The source record of an output, and the output's place among all outputs of that record."""

    topic: str
    partition: int
    offset: int
    ordinal: int
