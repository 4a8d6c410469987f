"""Tasks are ended, whatever they make of it."""

import asyncio

from posthaus.base.task import end_tasks


async def test_all_are_ended_also_one_that_takes_a_cancellation_for_a_fault() -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
        await asyncio.sleep(3600)

    async def meek() -> None:
        await asyncio.sleep(3600)

    async def over() -> None:
        pass

    tasks = [asyncio.create_task(one()) for one in (stubborn, meek, over)]
    await tasks[2]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert [task.done() for task in tasks] == [True, True, True]
    assert [task.cancelled() for task in tasks] == [True, True, False]


async def test_none() -> None:
    await end_tasks([])
