"""What the toys are fed: seeded records, some with repeats, a few that cannot be folded."""

from collections.abc import Iterator
from random import Random
from typing import Final

from schemas import topics
from schemas.log_records import Append
from schemas.partitioner import partition_of
from tests.faults.simulation import POISON

POISONED: Final = 0.03


def toy_records(seed: int, count: int = 60) -> Iterator[Append]:
    """Records of a few events each; some events come twice."""
    rng = Random(seed)
    for number in range(count):
        key = f"k{rng.randrange(9)}"
        partition = partition_of(key, 2)
        ids = [
            f"{partition}-{max(0, 3 * number + line - rng.choice((0, 0, 0, 20)))}"
            for line in range(3)
        ]
        if rng.random() < POISONED:
            ids.append(POISON.decode())
        lines = [f'{{"id":"{each}","key":"{key}"}}' for each in ids]
        yield Append(topics.EVENTS.name, partition, len(lines), "\n".join(lines).encode())
