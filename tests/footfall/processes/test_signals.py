"""An end that strikes inside a task is raised, and leaves no traceback of the task behind."""

import asyncio
import gc

import pytest

from footfall.processes.signals import Ended, leave_untold


async def struck() -> None:
    raise Ended(143)


def test_the_end_is_raised_and_the_task_it_struck_is_not_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(leave_untold)
        task = asyncio.create_task(struck())
        await asyncio.wait({task, asyncio.create_task(asyncio.sleep(10))})

    with pytest.raises(Ended):
        asyncio.run(main())
    gc.collect()
    assert "never retrieved" not in caplog.text
