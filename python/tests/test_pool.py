"""Pools: futures for threads and for event loops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import gc
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from circlet import (
    BatchError,
    ClosedError,
    Curve,
    CurveError,
    DroppedError,
    FullError,
    InvalidError,
    JobFailedError,
    Pool,
    TimedOutError,
    _native,
    sample_batch,
)

LONG = 60
_ROOT = Path(__file__).resolve().parents[2]


class Jobs:
    """The functions of tests/languages/jobs.c."""

    def __init__(self, folder: Path) -> None:
        """Compiles them."""
        library = Path(_native.library._name)
        made = folder / "libjobs.so"
        words = [
            "cc",
            "-std=c11",
            "-O1",
            "-shared",
            "-fPIC",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
            str(_ROOT / "include"),
        ]
        words += [str(_ROOT / "tests/languages/jobs.c"), "-o", str(made), str(library), f"-Wl,-rpath,{library.parent}"]
        subprocess.run(words, check=True)
        self.library = ctypes.CDLL(str(made))
        self.library.address.restype = ctypes.c_void_p

    def __getattr__(self, name: str) -> int:
        found: int = self.library.address(name.encode())
        return found

    def until_running(self, count: int = 1) -> None:
        """Waits until so many run that wait for something."""
        while self.library.jobs_running() != count:
            pass


@pytest.fixture(scope="module")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return Jobs(tmp_path_factory.mktemp("jobs"))


@pytest.fixture
def jobs(_library: Jobs) -> Iterator[Jobs]:
    _library.library.open_gate(0)
    yield _library
    _library.library.open_gate(1)


def _threads() -> set[str]:
    return {path.name for path in Path("/proc/self/task").iterdir()}


def _descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_job_gives_its_own_result(jobs: Jobs) -> None:
    with Pool(max=2) as pool:
        futures = [pool.submit(jobs.empty, number) for number in range(1000)]
        assert [future.result(LONG) for future in futures] == list(range(1000))


def test_a_future_that_is_asked_again_and_again_tells_its_end(jobs: Jobs) -> None:
    end = time.monotonic() + LONG
    with Pool(max=1) as pool:
        future = pool.submit(jobs.empty, 7)
        while not future.done():
            assert time.monotonic() < end
        assert (future.result(0), future.cancelled()) == (7, False)


def test_a_batch_gives_its_results_in_order(jobs: Jobs) -> None:
    with Pool(max=2, queue=100) as pool:
        assert pool.submit_many(jobs.empty, range(5000)).result(LONG) == array("i", range(5000))
        assert pool.submit_many(jobs.empty, []).result(LONG) == array("i")


def test_a_batch_with_failures_has_the_results_of_the_others(jobs: Jobs) -> None:
    with Pool(max=2) as pool, pytest.raises(BatchError, match=r"3 of 6 jobs have no result; .*: even") as caught:
        pool.submit_many(jobs.odd_only, range(6)).result(LONG)
    assert caught.value.results == array("i", [0, 1, 0, 3, 0, 5])
    assert sorted(caught.value.errors) == [0, 2, 4]
    assert caught.value.status == "CIRCLET_JOB_FAILED"


def test_a_failure_has_the_words_of_the_job(jobs: Jobs) -> None:
    with Pool(max=1) as pool:
        with pytest.raises(JobFailedError, match=r"^it was to fail$"):
            pool.submit(jobs.fail).result(LONG)
        error = pool.submit(jobs.fail, b"for this reason").exception(LONG)
        assert isinstance(error, JobFailedError) and str(error) == "for this reason"
        assert pool.snapshot()["statistics"]["total_errors"] == 2


def test_data_is_memory_of_any_kind_and_lives_as_long_as_its_job(jobs: Jobs) -> None:
    with Pool(max=1) as pool:
        kinds: list[Any] = [b"abc", bytearray(b"abc\0"), array("b", b"abc\0"), ctypes.create_string_buffer(b"abc")]
        kinds.append(ctypes.c_char_p(b"abc"))
        assert [pool.submit(jobs.sum, data).result(LONG) for data in kinds] == [294] * 5
        futures = [pool.submit(jobs.sum, bytearray([number % 200 + 1] * 50 + [0])) for number in range(500)]
        assert [future.result(LONG) for future in futures] == [50 * (number % 200 + 1) for number in range(500)]
        with pytest.raises(InvalidError, match="read-only"):
            pool.submit(jobs.sum, memoryview(b"abc"))


def test_code_of_python_is_refused_with_the_reason() -> None:
    thunk = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(lambda data: 7)
    with Pool(max=1) as pool:
        for function in (len, lambda data: 7, thunk):
            with pytest.raises(InvalidError, match="would hold the interpreter's lock"):
                pool.submit(function)
            with pytest.raises(InvalidError, match="Give a native function"):
                pool.submit_many(function, [1])
        for wrong in (0, "abs", None):
            with pytest.raises(InvalidError, match="the function is"):
                pool.submit(wrong)


def test_a_number_as_data_arrives_whole_or_is_refused() -> None:
    absolute = ctypes.CDLL(None).abs
    with Pool(max=1) as pool:
        assert pool.submit(absolute, -7).result() == 7
        for data in (1 << 64, 1 << 70, -(1 << 63) - 1):
            with pytest.raises(InvalidError, match=f"data is {data}: "):
                pool.submit(absolute, data)
            with pytest.raises(InvalidError, match=f"data is {data}: "):
                pool.submit_many(absolute, [1, data])


def test_a_queued_job_is_cancelled_and_a_running_one_asked_to_stop(jobs: Jobs) -> None:
    with Pool(max=1) as pool:
        running, waiting = pool.submit(jobs.endless), pool.submit(jobs.empty, 1)
        jobs.until_running()
        assert waiting.cancel() and waiting.cancelled() and waiting.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            waiting.result(LONG)
        assert not running.done()
        running.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            running.result(LONG)
        batch = pool.submit_many(jobs.endless, [None] * 3)
        jobs.until_running()
        batch.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            batch.result(LONG)
        done = pool.submit(jobs.empty, 5)
        assert done.result(LONG) == 5 and not done.cancel()


def test_deadlines_and_full_queues_do_as_they_were_told(jobs: Jobs) -> None:
    with Pool(max=1, queue=1, overflow="fail") as pool:
        late = pool.submit(jobs.endless, deadline=0.02)
        jobs.until_running()
        waiting = pool.submit(jobs.empty, 3)
        with pytest.raises(FullError):
            pool.submit(jobs.empty)
        with pytest.raises(FullError):
            pool.submit_many(jobs.empty, range(3))
        with pytest.raises(TimedOutError, match="deadline"):
            late.result(LONG)
        assert waiting.result(LONG) == 3
    with Pool(max=1, queue=1, overflow="drop_oldest") as pool:
        held = pool.submit(jobs.wait_at_gate, 1)
        jobs.until_running()
        oldest, newest = pool.submit(jobs.empty, 2), pool.submit(jobs.empty, 3)
        with pytest.raises(DroppedError):
            oldest.result(LONG)
        jobs.library.open_gate(1)
        assert (held.result(LONG), newest.result(LONG)) == (1, 3)
        jobs.library.open_gate(0)
    with Pool(max=1, queue=1, block=0.01) as pool:
        held = pool.submit(jobs.wait_at_gate, 1)
        jobs.until_running()
        pool.submit(jobs.empty)
        with pytest.raises(FullError):
            pool.submit(jobs.empty)
        with pytest.raises(TimedOutError, match="2 jobs unfinished"):
            pool.drain(0)
        jobs.library.open_gate(1)
        pool.drain(LONG)


def test_concurrent_futures_takes_them_as_its_own(jobs: Jobs) -> None:
    with Pool(max=2) as pool:
        futures = [pool.submit(jobs.empty, number) for number in range(100)]
        assert {future.result() for future in concurrent.futures.as_completed(futures, LONG)} == set(range(100))
        futures = [pool.submit(jobs.empty, number) for number in range(100)]
        done, open_ = concurrent.futures.wait(futures, LONG)
        assert len(done) == 100 and not open_
        called = threading.Event()
        pool.submit(jobs.empty).add_done_callback(lambda future: called.set())
        assert called.wait(LONG)


def test_many_threads_submit_and_each_gets_its_own(jobs: Jobs) -> None:
    with Pool(max=2) as pool, concurrent.futures.ThreadPoolExecutor(4) as threads:

        def work(first: int) -> bool:
            futures = [pool.submit(jobs.empty, number) for number in range(first, first + 500)]
            return [future.result(LONG) for future in futures] == list(range(first, first + 500))

        assert all(threads.map(work, range(0, 4000, 500)))


def test_curves_are_sampled_by_a_job() -> None:
    curves = [Curve.make("bezier", [(0, 0), (1, y), (2, -y), (3, 0)]) for y in range(50)]
    with Pool(max=2) as pool:
        assert pool.sample_batch(curves, 33).result(LONG) == sample_batch(curves, 33)
        out = array("f", bytes(4 * 50 * 5 * 2))
        assert pool.sample_batch(curves, 5, out).result(LONG) is out
        assert out == sample_batch(curves, 5, array("f", bytes(4 * 50 * 5 * 2)))
        with pytest.raises(CurveError):
            pool.sample_batch([curves[0], Curve.make("linear", [(0, 0, 0), (1, 1, 1)])], 2)
        with pytest.raises(InvalidError, match="curve 1 is 7"):
            pool.sample_batch([curves[0], 7], 2)  # type: ignore[list-item]


def test_thousands_are_awaited_in_an_event_loop_and_no_thread_waits_for_them(jobs: Jobs) -> None:
    async def main() -> None:
        async with Pool(max=2) as pool:
            await pool.submit(jobs.empty)
            numbers = await asyncio.gather(*[pool.submit(jobs.empty, number) for number in range(2000)])
            assert numbers == list(range(2000))
            for number in range(200):
                assert await pool.submit(jobs.empty, number) == number
            assert await pool.submit_many(jobs.empty, range(100)) == array("i", range(100))
            assert not [thread for thread in threading.enumerate() if thread.name == "circlet-pool"]
            with pytest.raises(JobFailedError):
                await pool.submit(jobs.fail)

    asyncio.run(asyncio.wait_for(main(), LONG))


def test_a_cancelled_task_cancels_its_job(jobs: Jobs) -> None:
    async def main() -> None:
        async with Pool(max=1) as pool:
            running = pool.submit(jobs.endless)

            async def wait() -> int:
                return await running

            task = asyncio.ensure_future(wait())
            await asyncio.sleep(0)  # The task has begun to wait.
            jobs.until_running()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(asyncio.CancelledError):
                await running
            assert running.cancelled()

    asyncio.run(asyncio.wait_for(main(), LONG))


def test_loops_and_threads_share_a_pool(jobs: Jobs) -> None:
    with Pool(max=2) as pool:

        async def rounds() -> int:
            return sum([await pool.submit(jobs.empty, number) for number in range(300)])

        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            loops = [threads.submit(lambda: asyncio.run(asyncio.wait_for(rounds(), LONG))) for _ in range(2)]
            blocked = [threads.submit(lambda: sum(pool.submit(jobs.empty, n).result(LONG) for n in range(300)))]
            assert [future.result(LONG) for future in loops + blocked] == [300 * 299 // 2] * 3


def test_a_closed_pool_has_finished_what_it_had_and_takes_no_more(jobs: Jobs) -> None:
    pool = Pool(max=1)
    futures = [pool.submit(jobs.empty, number) for number in range(100)]
    pool.close()
    pool.close()
    assert [future.result(0) for future in futures] == list(range(100))
    with pytest.raises(ClosedError):
        pool.submit(jobs.empty)
    with pytest.raises(ClosedError):
        pool.submit_many(jobs.empty, [1])
    assert pool.snapshot()["pool"]["size"] == 0


def test_what_no_pool_can_be_is_refused() -> None:
    for options in ({"max": 0}, {"min": 3, "max": 2}, {"overflow": "never"}, {"keep": -1}, {"block": -1}, {"name": ""}):
        with pytest.raises(InvalidError):
            Pool(**options)
    with Pool(min=0, max=1, strategy="affinity", name="named", window=6, target_wait=0.01, keep=1) as pool:
        assert pool.snapshot()["pool"]["size"] == 0
        assert pool.snapshot()["statistics"]["window"]["length_ms"] == 6000
        absolute = ctypes.CDLL(None).abs
        assert pool.submit(absolute, -3, priority=5, key=-1, nodes=4, type="absolute").result(LONG) == 3
        for wishes in ({"priority": 1 << 31}, {"deadline": 0}, {"nodes": -1}, {"type": "a\0b"}):
            with pytest.raises(InvalidError):
                pool.submit(absolute, 1, **wishes)


def test_no_thread_and_no_descriptor_stays(jobs: Jobs) -> None:
    async def main(pool: Pool) -> None:
        assert await pool.submit(jobs.empty, 3) == 3

    threads, descriptors = _threads(), _descriptors()
    for _ in range(10):
        with Pool(max=3) as pool:
            asyncio.run(main(pool))
            assert pool.submit(jobs.empty, 4).result(LONG) == 4
        # One that nobody closes ends with the last who knows it.
        left = Pool(max=3)
        asyncio.run(main(left))
        del left, pool
    gc.collect()
    assert _descriptors() == descriptors
    # A thread that was there may have ended meanwhile.
    assert _threads() <= threads


_UNCLOSED = """
import ctypes, sys
from circlet import Pool

jobs = ctypes.CDLL(sys.argv[1])
jobs.address.restype = ctypes.c_void_p
pool = Pool(max=1)
future = pool.submit(jobs.address(b"wait_at_gate"))
queued = pool.submit(jobs.address(b"empty"))
while jobs.jobs_running() != 1:
    pass
if sys.argv[2] == "waits":
    try:
        future.result(timeout=0.01)
    except TimeoutError:
        pass
elif sys.argv[2] == "raises":
    raise SystemExit(3)
"""


@pytest.mark.parametrize(("how", "code"), [("leaves", 0), ("waits", 0), ("raises", 3)])
def test_an_interpreter_ends_whatever_an_unclosed_pool_runs(jobs: Jobs, how: str, code: int) -> None:
    words = [sys.executable, "-c", _UNCLOSED, jobs.library._name, how]
    assert subprocess.run(words, check=False, timeout=LONG).returncode == code
