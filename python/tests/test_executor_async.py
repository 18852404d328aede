"""Executors in event loops."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from circlet import ClosedError, Executor, InvalidError, Question, WorkerDiedError

LONG = 60
ENDLESS = "while True: pass"


def test_runs_are_awaited_one_or_many() -> None:
    async def main() -> None:
        async with Executor() as python:
            assert (await python.run("1 + 1")).value == 2
            outcomes = await asyncio.gather(*(python.run(f"print({number}); {number}") for number in range(50)))
            assert [outcome.value for outcome in outcomes] == list(range(50))
            run = python.run("5")
            assert [(await run).value, (await run).value, run.result(0).value] == [5, 5, 5]

    asyncio.run(main())


def test_a_thousand_awaits_lose_no_wake() -> None:
    async def main() -> None:
        async with Executor() as python:
            for number in range(1000):
                code = "import time; time.sleep(0.0003)" if number % 2 else "print('x')"
                assert (await asyncio.wait_for(python.run(f"{code}\n{number}"), LONG)).value == number

    asyncio.run(main())


def test_the_loop_goes_on_while_code_runs() -> None:
    async def main() -> None:
        turns = 0
        turned = asyncio.Event()

        async def turn() -> None:
            nonlocal turns
            while turns < 100:
                turns += 1
                await asyncio.sleep(0)
            turned.set()

        async def ask(_: Question) -> str:
            await turned.wait()
            return "7"

        async with Executor() as python:
            task = asyncio.ensure_future(turn())
            # The code waits for the loop.
            assert (await python.run("input()", ask=ask)).value == "7"
            await task

    asyncio.run(main())


def test_a_stream_is_read_as_it_comes() -> None:
    async def main() -> None:
        async with Executor() as python:
            read = asyncio.Queue[str]()

            async def ask(_: Question) -> str:
                # What was printed before is read while the code waits.
                text = ""
                while not text.endswith("\n"):
                    text += await read.get()
                return text

            stream = python.stream(
                "told = []\nfor i in range(3):\n    print(i)\n    told.append(input())\ntold", ask=ask
            )
            async for chunk in stream:
                read.put_nowait(chunk.text)
            assert (await stream).value == ["0", "1", "2"]
            long = python.stream("for i in range(100_000): print('x' * 63)\nb'y' * 3_000_000")
            assert sum([len(chunk.text) async for chunk in long]) == 6_400_000
            assert len((await long).value) == 3_000_000

    asyncio.run(main())


def test_who_cancels_an_await_interrupts_the_run() -> None:
    async def main() -> None:
        async with Executor() as python:
            run = python.run(ENDLESS)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(run, 0.05)
            assert (await python.run("1")).value == 1
            assert (await run).stopped == "interrupted"
            stream = python.stream(f"print('begun')\n{ENDLESS}")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(_drained(stream), 0.05)
            assert (await stream).stopped == "interrupted"

    async def _drained(stream: object) -> None:
        async for _ in stream:  # type: ignore[attr-defined]
            pass

    asyncio.run(main())


def test_questions_are_answered_in_the_loop_also_by_coroutines() -> None:
    async def main() -> None:
        async def ask(question: Question) -> str:
            await asyncio.sleep(0.001)
            return question.upper()

        async with Executor() as python:
            outcome = await python.run("[input('a'), input('b')]", ask=ask)
            assert outcome.value == ["A", "B"]
            outcome = await python.run("input('c')", ask=lambda question: question * 2)
            assert outcome.value == "cc"

            async def broken(_: Question) -> str:
                raise LookupError("none")

            with pytest.raises(LookupError):
                await python.run("input()", ask=broken)

    asyncio.run(main())


def test_a_coroutine_answers_nobody_without_a_loop() -> None:
    async def ask(question: Question) -> str:
        return question

    with Executor() as python, pytest.raises(InvalidError, match="await the run"):
        python.run("input()", ask=ask).result(LONG)


def test_an_end_of_the_session_is_told_and_the_next_session_is_watched() -> None:
    async def main() -> None:
        async with Executor() as python:
            for _ in range(5):
                with pytest.raises(WorkerDiedError):
                    await python.run("import os, time; time.sleep(0.01); os._exit(1)")
                assert (await python.run("import time; time.sleep(0.01); 1")).value == 1
                python.restart()
                assert (await python.run("import time; time.sleep(0.01); 2")).value == 2

    asyncio.run(main())


def test_bytes_find_room_while_the_loop_waits() -> None:
    async def main() -> None:
        async with Executor() as python:
            run = python.run("import time; time.sleep(0.05)\nfrom circlet.session import receive\nlen(receive())")
            waiting = asyncio.ensure_future(_of(run))
            await asyncio.sleep(0.01)
            python.send(bytes(8_000_000))
            assert await asyncio.wait_for(waiting, LONG) == 8_000_000

    async def _of(run: object) -> object:
        return (await run).value  # type: ignore[misc]

    asyncio.run(main())


def test_loops_and_threads_share_an_executor() -> None:
    python = Executor()
    failures: list[BaseException] = []

    async def talk(first: int) -> None:
        for number in range(first, first + 100):
            assert (await asyncio.wait_for(python.run(str(number)), LONG)).value == number

    def wait(first: int) -> None:
        for number in range(first, first + 100):
            assert python.run(str(number)).result(LONG).value == number

    def guarded(work: object, first: int) -> None:
        try:
            if work is talk:
                asyncio.run(talk(first))
            else:
                wait(first)
        except BaseException as failure:
            failures.append(failure)

    threads = [
        threading.Thread(target=guarded, args=(work, 1000 * index))
        for index, work in enumerate([talk, wait, talk, wait])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    python.close()
    assert failures == []


def test_one_executor_serves_one_loop_after_the_other() -> None:
    with Executor() as python:
        for number in range(10):
            assert asyncio.run(_value(python, number)) == number


async def _value(python: Executor, number: int) -> object:
    return (await python.run(str(number))).value


def test_a_close_ends_what_is_awaited() -> None:
    async def main() -> None:
        python = Executor()
        waiting = [asyncio.ensure_future(_awaited(python)) for _ in range(3)]
        await asyncio.sleep(0.02)
        pid = python.process_id()
        python.close()
        assert all(isinstance(error, ClosedError) for error in await asyncio.gather(*waiting, return_exceptions=True))
        assert not Path(f"/proc/{pid}").exists()

    async def _awaited(python: Executor) -> None:
        await python.run(ENDLESS)

    asyncio.run(main())


def test_a_loop_that_waits_uses_no_processor() -> None:
    async def main() -> float:
        async with Executor() as python:
            run = python.run("import time; time.sleep(0.5)")
            before = time.process_time()
            await run
            return time.process_time() - before

    assert asyncio.run(main()) < 0.25


def test_tasks_take_runs_and_two_may_wait_for_one() -> None:
    async def main() -> None:
        async with Executor() as python:
            run = python.run("import time; time.sleep(0.05); 1")
            tasks = [asyncio.create_task(run), asyncio.create_task(run), asyncio.create_task(python.run("2"))]
            assert [outcome.value for outcome in await asyncio.gather(*tasks, run)] == [1, 1, 2, 1]
            endless = python.run(ENDLESS)
            task = asyncio.create_task(endless)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task, 0.1)
            outcome = await endless
            assert (outcome.error.type if outcome.error else None) == "KeyboardInterrupt"

    asyncio.run(main())


def test_a_block_that_is_left_early_interrupts_its_run() -> None:
    code = "import time\nfor number in range(1000):\n    print(number, flush=True)\n    time.sleep(0.01)"

    async def main() -> None:
        async with Executor() as python:
            async with python.stream(code) as stream:
                async for chunk in stream:
                    assert chunk.text.startswith("0")
                    break
            assert (await stream).stopped == "interrupted"

    asyncio.run(main())
    with Executor() as python:
        with python.stream(code) as chunks:
            assert next(chunks).text.startswith("0")
        assert chunks.result(LONG).stopped == "interrupted"
