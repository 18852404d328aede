"""Code strings in a Python session: what they print comes as they run, and what does not end is stopped."""

import asyncio
from array import array

from circlet import Executor


async def main() -> None:
    """Runs some code."""
    async with Executor() as python:
        await python.run("total = 0")
        async for chunk in python.stream("for i in range(3): total += i; print('step', i)"):
            print(chunk.text, end="")
        print("total", (await python.run("total")).value)
        python.send(array("d", [0.5, 1.5]))
        halves = await python.run("import array, circlet.session as s; array.array('d', s.receive())")
        print("numbers", *halves.value)
        stopped = await python.run("while True: pass", timeout=0.05)
        print(stopped.stopped, "by", stopped.error.type if stopped.error else None)
        print("still", (await python.run("total")).value)


asyncio.run(main())
