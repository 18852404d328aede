"""Native jobs on a pool of threads, as futures and in an event loop, and curves that it samples."""

import asyncio
import ctypes

from circlet import Curve, Pool

absolute = ctypes.CDLL(None).abs


async def main() -> None:
    async with Pool() as pool:
        print(sum(await asyncio.gather(*[pool.submit(absolute, -number) for number in range(1001)])))
        print(sum(await pool.submit_many(absolute, range(-1000, 0))))
        lines = [Curve.make("linear", [(0, y), (4, y)]) for y in range(100)]
        print(len(await pool.sample_batch(lines, 50)), "curves sampled")


asyncio.run(main())
