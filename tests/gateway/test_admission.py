"""Places are given in the order of arrival, ended once, and never lost."""

import asyncio
import random

import pytest

from seawall.gateway.admission import Admission, Ending


def test_order_and_limit() -> None:
    """Never more than the limit; who waits longest comes first."""

    async def run() -> None:
        admission = Admission(2)
        first, second = await admission.enter(), await admission.enter()
        order: list[int] = []

        async def wait(number: int) -> None:
            permit = await admission.enter()
            order.append(number)
            await asyncio.sleep(0)
            permit.end(Ending.SUCCESS)

        tasks = [asyncio.create_task(wait(number)) for number in range(5)]
        await asyncio.sleep(0)
        assert (admission.inflight, admission.queued) == (2, 5)
        first.end(Ending.DROPPED)
        first.end(Ending.SUCCESS)
        await asyncio.gather(*tasks)
        second.end(Ending.IGNORE)
        assert order == [0, 1, 2, 3, 4]
        assert (admission.inflight, admission.queued) == (0, 0)

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(5))
def test_permits_return_to_zero(seed: int) -> None:
    """However callers leave, waiting or served, every place comes back."""

    async def run() -> None:
        rng, admission = random.Random(seed), Admission(3)
        most = 0

        async def call() -> None:
            nonlocal most
            permit = await admission.enter()
            most = max(most, admission.inflight)
            try:
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                permit.end(rng.choice(list(Ending)))

        tasks = []
        for _ in range(200):
            tasks.append(asyncio.create_task(call()))
            if rng.random() < 0.5:
                rng.choice(tasks).cancel()
            if rng.random() < 0.3:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= 3
        assert (admission.inflight, admission.queued) == (0, 0)

    asyncio.run(run())
