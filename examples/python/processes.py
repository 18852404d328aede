"""Functions of Python in worker processes: an executor, whose futures can be awaited too."""

import asyncio
import math
import os

from circlet import ProcessPool, WorkerDiedError


def digits(number: int) -> int:
    return len(str(math.factorial(number)))


def refuse(reason: str) -> None:
    raise ValueError(reason)


async def main() -> None:
    async with ProcessPool(2, memory=256 << 20) as pool:
        print(sum(await asyncio.gather(*[pool.submit(digits, number) for number in range(100)])))
        print(sum(pool.map(digits, range(100), chunksize=10)))
        try:
            await pool.submit(refuse, "for this reason")
        except ValueError as error:
            print(type(error).__name__, error)
        try:
            await pool.with_options(type="crash", priority=1).submit(os._exit, 3)
        except WorkerDiedError as error:
            print("exit code", error.exit_code)


if __name__ == "__main__":
    asyncio.run(main())
