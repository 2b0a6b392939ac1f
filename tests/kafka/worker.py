"""A worker process for the tests: the protocol in its smallest form, over a Faust app on Kafka.

Arguments: bootstrap, stage, partitions. Exits 0 on SIGTERM, 3 when Faust crashed, 4 when records
do not follow on what is applied.
"""

import asyncio
import signal
import sys
from typing import Any

from pipeline.engine.transports.contract import Delta
from pipeline.engine.transports.kafka_journal import KafkaJournal
from schemas.topics import EVENTS
from tests.conformance.reader import PartitionKey, Reader, reading


class Applier(Reader):
    """Folds runs into deltas; a partition's state is the offset applied."""

    def __init__(self, journal: KafkaJournal, stage: str) -> None:
        super().__init__({})
        self._journal, self._stage = journal, stage
        self._applied: dict[PartitionKey, int] = {}
        self._busy = asyncio.Lock()
        self.gap = asyncio.Event()

    async def resume_positions(self, partitions: set[PartitionKey]) -> dict[PartitionKey, int]:
        for key in sorted(partitions - self._applied.keys()):
            applied = -1
            _, deltas = await self._journal.load(self._stage, key[1])
            async for delta in deltas:
                applied = max(applied, delta.applied)
            self._applied[key] = applied
        return {key: self._applied[key] + 1 for key in partitions}

    async def partitions_revoked(self, partitions: set[PartitionKey]) -> None:
        async with self._busy:
            for key in partitions:
                self._applied.pop(key, None)

    async def read(self, stream: Any) -> None:
        async for event in stream.noack().events():
            key = (event.message.topic, event.message.partition)
            async with self._busy:
                if key in self._applied:
                    await self._apply(key, event.value)
            await stream.ack(event)

    async def _apply(self, key: PartitionKey, run: Any) -> None:
        lo, applied = run[0].offset, run[-1].offset
        if lo != self._applied[key] + 1:
            print(f"gap: {key} is at {self._applied[key]}, got {lo}", file=sys.stderr)
            self.gap.set()
        await self._journal.commit(self._stage, key[1], [], Delta(lo, applied, b""))
        self._applied[key] = applied


async def main(bootstrap: str, stage: str, partitions: int) -> int:
    journal = await KafkaJournal.open(bootstrap, [stage], partitions)
    applier = Applier(journal, stage)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    url = f"footfallkafka://{bootstrap}"
    async with reading(url, EVENTS.name, applier, stage) as app:
        waits = [
            asyncio.ensure_future(each)
            for each in (asked.wait(), applier.gap.wait(), app.wait_until_stopped())
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        crashed = app.crashed
        for wait in waits:
            wait.cancel()
    await journal.close()
    return 4 if applier.gap.is_set() else 3 if crashed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
