"""An authorizer that is told to stop ends, whatever its tasks were doing."""

from __future__ import annotations

import asyncio

from apps.gateway.authorizer.service import end_all


def test_task_that_lost_its_cancellation_is_ended_all_the_same() -> None:
    lost: list[str] = []

    async def connect_again_and_again() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("as when the connection fails in the same tick")

    async def stop() -> bool:
        task = asyncio.create_task(connect_again_and_again())
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await end_all([task])
        return task.cancelled()

    assert asyncio.run(stop())
    assert len(lost) == 1
