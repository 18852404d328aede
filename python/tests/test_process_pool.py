"""Pools of processes: an executor, its futures, and its workers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import process_jobs as jobs
import pytest

from circlet import (
    CircletError,
    ClosedError,
    DroppedError,
    FullError,
    InvalidError,
    JobFailedError,
    NoWorkerError,
    ProcessPool,
    RemoteTraceback,
    TimedOutError,
    WorkerDiedError,
)

LONG = 60
TESTS = Path(__file__).parent


def until(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def run(folder: Path, script: str, *words: str) -> str:
    """Runs a script as a program of its own, and returns what it printed."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script))
    result = subprocess.run(
        [sys.executable, *(words or [str(path)])], cwd=folder, capture_output=True, text=True, timeout=LONG, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


# What it does as an executor.


def test_futures_that_are_asked_again_and_again_tell_their_ends() -> None:
    with ProcessPool(1) as pool:
        future = pool.submit(abs, -7)
        until(future.done)
        assert future.result(0) == 7
        first, *others = [pool.submit(time.sleep, 0.05) for _ in range(100)]
        pool.shutdown(wait=False, cancel_futures=True)
        until(lambda: others[-1].cancelled() and first.done())


def test_a_call_gives_what_its_function_returns() -> None:
    with ProcessPool(2) as pool:
        assert pool.submit(math.sqrt, 16).result(LONG) == 4
        assert pool.submit(jobs.named, 1, high=2).result(LONG) == (1, 2)
        assert pool.submit(jobs.Thing(3).plus, 4).result(LONG).size == 7
        assert pool.submit(jobs.Thing(3), 4).result(LONG) == 12
        assert pool.submit(functools.partial(pow, 2), 5).result(LONG) == 32
        assert pool.submit("process_jobs:double", 4).result(LONG) == 8
        assert pool.submit(len, bytes(5_000_000)).result(LONG) == 5_000_000
        assert len(pool.submit(bytes, 5_000_000).result(LONG)) == 5_000_000
        future = pool.submit(jobs.double, 1)
        assert future.exception(LONG) is None
        assert future.done()
        assert not future.cancel()


def test_each_of_thousands_of_calls_gives_its_own() -> None:
    with ProcessPool(2, min=2, queue=100) as pool:
        futures = [pool.submit(jobs.double, number) for number in range(5000)]
        assert [future.result(LONG) for future in futures] == [2 * number for number in range(5000)]


def test_threads_that_submit_and_wait_at_a_time_get_their_own() -> None:
    wrong = []

    def work(pool: ProcessPool, first: int) -> None:
        for number in range(first, first + 300):
            if pool.submit(jobs.double, number).result(LONG) != 2 * number:
                wrong.append(number)

    with ProcessPool(2) as pool:
        threads = [threading.Thread(target=work, args=(pool, 1000 * number)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert not wrong
        assert not pool._line.calls
        assert not pool._line._unclaimed


@pytest.mark.parametrize("chunksize", [1, 7])
@pytest.mark.parametrize("buffersize", [None, 3, 20])
def test_a_map_gives_results_in_order(chunksize: int, buffersize: int | None) -> None:
    with ProcessPool(2) as pool:
        mapped = pool.map(pow, range(100), [2] * 100, chunksize=chunksize, buffersize=buffersize)
        assert list(mapped) == [number**2 for number in range(100)]
        assert list(pool.map(jobs.double, [], chunksize=chunksize)) == []


def test_a_map_raises_what_a_call_raised_and_aborts_those_behind_it(tmp_path: Path) -> None:
    with ProcessPool(1, grace=0.05) as pool:
        results = pool.map(jobs.refuse_odd, [0, 2, 3, 4])
        assert [next(results), next(results)] == [0, 2]
        with pytest.raises(ValueError, match="3 is odd"):
            next(results)
        waits = pool.map(jobs.hang, [str(tmp_path / "runs")], timeout=0.05)
        with pytest.raises(concurrent.futures.TimeoutError):
            next(waits)
        assert pool.submit(jobs.double, 2).result(LONG) == 4
        with pytest.raises(ValueError, match="1 is odd"):
            list(pool.map(jobs.refuse_odd, range(10), chunksize=5))


def test_an_event_loop_runs_functions_in_it() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with ProcessPool(2) as pool:
            assert await loop.run_in_executor(pool, jobs.double, 4) == 8
            many = [loop.run_in_executor(pool, jobs.double, number) for number in range(200)]
            assert await asyncio.gather(*many) == [2 * number for number in range(200)]
            assert await asyncio.gather(*[pool.submit(jobs.double, number) for number in range(200)]) == [
                2 * number for number in range(200)
            ]
            with pytest.raises(jobs.OwnError):
                await pool.submit(jobs.raise_own)

    asyncio.run(main())


def test_its_futures_are_those_of_concurrent_futures() -> None:
    with ProcessPool(2) as pool:
        futures = [pool.submit(jobs.double, number) for number in range(50)]
        done, left = concurrent.futures.wait(futures, timeout=LONG)
        assert len(done) == 50
        assert not left
        futures = [pool.submit(jobs.double, number) for number in range(50)]
        assert sorted(future.result() for future in concurrent.futures.as_completed(futures, LONG)) == list(
            range(0, 100, 2)
        )
        called = threading.Event()
        pool.submit(jobs.double, 1).add_done_callback(lambda _: called.set())
        assert called.wait(LONG)
        assert isinstance(pool, concurrent.futures.Executor)


def test_a_callback_may_wait_for_another_call() -> None:
    with ProcessPool(1) as pool:
        results: list[int] = []

        def follow(future: concurrent.futures.Future[int]) -> None:
            results.append(pool.submit(jobs.double, future.result()).result(LONG))

        for _ in range(20):
            pool.submit(jobs.double, 1).add_done_callback(follow)
        until(lambda: results == [4] * 20)


# What has no result.


def test_exceptions_arrive_as_themselves_with_the_traceback_as_their_cause() -> None:
    with ProcessPool(1) as pool:
        with pytest.raises(jobs.OwnError, match="code 7") as raised:
            pool.submit(jobs.raise_own).result(LONG)
        assert (raised.value.code, raised.value.detail) == (7, "more")
        assert isinstance(raised.value.__cause__, RemoteTraceback)
        shown = "".join(traceback.format_exception(raised.value))
        assert "in raise_own" in shown
        assert "raise OwnError(7" in shown
        error = pool.submit(jobs.raise_awkward).exception(LONG)
        assert isinstance(error, JobFailedError)
        assert (error.type, str(error)) == ("AwkwardError", "AwkwardError: 1 and 2")
        assert "in raise_awkward" in error.traceback
        assert isinstance(pool.submit(jobs.leave).exception(LONG), SystemExit)
        assert "lambda" in str(pool.submit(jobs.give_lambda).exception(LONG))
        with pytest.raises(ModuleNotFoundError):
            pool.submit("no_such_module:at_all").result(LONG)


def test_a_crash_has_its_fields_and_takes_no_other_call_along(tmp_path: Path) -> None:
    with ProcessPool(1, output="drop") as pool:
        crash, other = pool.submit(jobs.kill_self), pool.submit(jobs.double, 2)
        error = crash.exception(LONG)
        assert isinstance(error, WorkerDiedError)
        assert (error.signal, error.exit_code, error.kills) == (signal.SIGKILL, None, 1)
        assert error.out_of_memory in {False, None}
        assert error.stderr == "last words\n"
        assert other.result(LONG) == 4
        error = pool.submit(os._exit, 5).exception(LONG)
        assert isinstance(error, WorkerDiedError)
        assert (error.signal, error.exit_code, error.out_of_memory) == (None, 5, False)
        again = pool.with_options(idempotent=True)
        assert again.submit(jobs.kill_self_once, str(tmp_path / "died")).result(LONG) == "alive"
        error = again.submit(jobs.kill_self).exception(LONG)
        assert isinstance(error, WorkerDiedError)
        assert error.kills == 2


def test_cancelling_aborts_a_call_that_waits_and_one_that_runs(tmp_path: Path) -> None:
    with ProcessPool(1, grace=0.1) as pool:
        for function in (jobs.give_in, jobs.hang):
            file = tmp_path / function.__name__
            runs = pool.submit(function, str(file))
            until(file.exists)
            waits = pool.submit(jobs.double, 1)
            assert waits.cancel()
            assert waits.cancelled()
            assert not runs.cancel()
            with pytest.raises(concurrent.futures.CancelledError):
                runs.result(LONG)
            assert runs.cancelled()
        assert pool.submit(jobs.double, 3).result(LONG) == 6
        late = pool.with_options(deadline=0.05).submit(jobs.hang, str(tmp_path / "late"))
        assert isinstance(late.exception(LONG), TimedOutError)
        files = [tmp_path / "first", tmp_path / "second"]
        futures = [pool.submit(jobs.hang, str(file)) for file in files]
        until(files[0].exists)
        pool.abort()
        assert concurrent.futures.wait(futures, LONG).not_done == set()
        assert all(future.cancelled() for future in futures)
        assert not files[1].exists()


def test_a_cancelled_task_aborts_its_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with ProcessPool(1, grace=0.05) as pool:
            file = tmp_path / "runs"

            async def call() -> None:
                await pool.submit(jobs.hang, str(file))

            task = asyncio.create_task(call())
            while not file.exists():
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await pool.submit(jobs.double, 2) == 4

    asyncio.run(main())


def test_a_result_that_is_not_there_in_time_can_be_waited_for_again(tmp_path: Path) -> None:
    with ProcessPool(1, grace=0.05) as pool:
        runs = pool.submit(jobs.hang, str(tmp_path / "runs"))
        with pytest.raises(concurrent.futures.TimeoutError):
            runs.result(0.05)
        with pytest.raises(concurrent.futures.TimeoutError):
            runs.exception(0)
        runs.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            runs.exception(LONG)


def test_a_full_queue_does_what_was_asked_for(tmp_path: Path) -> None:
    with ProcessPool(1, queue=1, overflow="fail", grace=0.05) as pool:
        file = tmp_path / "fails"
        runs = pool.submit(jobs.hang, str(file))
        until(file.exists)
        pool.submit(jobs.double, 1)
        with pytest.raises(FullError):
            for _ in range(1000):
                pool.submit(jobs.double, 1)
        runs.cancel()
    with ProcessPool(1, queue=1, overflow="drop_oldest", grace=0.05) as pool:
        file = tmp_path / "drops"
        runs = pool.submit(jobs.hang, str(file))
        until(file.exists)
        futures = [pool.submit(jobs.double, 1) for _ in range(300)]
        assert isinstance(futures[-2].exception(LONG), DroppedError)
        runs.cancel()
        assert futures[-1].result(LONG) == 2


def test_what_cannot_go_to_another_process_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with ProcessPool(1) as pool:
        with pytest.raises(InvalidError, match="install cloudpickle"):
            pool.submit(lambda: 7)
        with pytest.raises(InvalidError, match="top level of a module"):
            pool.submit(jobs.double, threading.Lock())
        with pytest.raises(InvalidError, match="the function is 7"):
            pool.submit(7)  # type: ignore[call-overload]
        with pytest.raises(InvalidError, match="chunksize is 0"):
            pool.map(jobs.double, [1], chunksize=0)
        with pytest.raises(InvalidError, match="give the function itself"):
            pool.map("process_jobs:double", [1], chunksize=2)
        with pytest.raises(InvalidError, match="make one in each process"):
            pool.submit(jobs.double, pool)
    for wrong in ({"kind": "threads"}, {"overflow": "never"}, {"memory": -1}, {"output": "all"}, {"lifetime": 0}):
        with pytest.raises(InvalidError):
            ProcessPool(1, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="script is NULL"):
        ProcessPool(1, kind="bun")
    with ProcessPool(1, program="/nowhere/python3") as pool:
        error = pool.submit(jobs.double, 1).exception(LONG)
        assert isinstance(error, NoWorkerError)
        assert "/nowhere/python3" in str(error)


def test_lambdas_and_closures_go_with_cloudpickle(tmp_path: Path) -> None:
    # What stands for it takes functions by their code, as the real one does.
    (tmp_path / "cloudpickle.py").write_text(
        "import io, pickle, marshal, types\n"
        "def make(code, closure):\n"
        "    return types.FunctionType(marshal.loads(code), {'__builtins__': __builtins__}, 'made', (),\n"
        "    tuple(types.CellType(value) for value in closure))\n"
        "class Pickler(pickle.Pickler):\n"
        "    def reducer_override(self, what):\n"
        "        if isinstance(what, types.FunctionType) and '<' in what.__qualname__:\n"
        "            cells = tuple(cell.cell_contents for cell in what.__closure__ or ())\n"
        "            return make, (marshal.dumps(what.__code__), cells)\n"
        "        return NotImplemented\n"
        "def dumps(what, protocol=None):\n"
        "    out = io.BytesIO(); Pickler(out, protocol).dump(what); return out.getvalue()\n"
    )
    printed = run(
        tmp_path,
        """
        from circlet import ProcessPool
        if __name__ == "__main__":
            more = 5
            def outer(step):
                return lambda value: value + step
            with ProcessPool(1) as pool:
                print(pool.submit(outer(5), 2).result(), list(pool.map(outer(1), range(3), chunksize=2)))
        """,
    )
    assert printed == "7 [1, 2, 3]\n"


# Wishes, and what the pool says of itself.


def test_wishes_go_with_a_view_of_the_pool(tmp_path: Path) -> None:
    with ProcessPool(1, strategy="affinity") as pool:
        file = tmp_path / "runs"
        runs = pool.submit(jobs.give_in, str(file))
        until(file.exists)
        ends: list[str] = []
        low = pool.with_options(priority=-1).submit(jobs.double, 1)
        high = pool.with_options(priority=5, key=7, nodes=3, type="doubling").submit(jobs.double, 2)
        low.add_done_callback(lambda _: ends.append("low"))
        high.add_done_callback(lambda _: ends.append("high"))
        running = next(iter(pool.snapshot()["registry"].values()))["current_job"]
        assert running["type"] == "process_jobs:give_in"
        runs.cancel()
        assert (low.result(LONG), high.result(LONG)) == (2, 4)
        until(lambda: len(ends) == 2)
        assert ends == ["high", "low"]
        assert list(pool.with_options(priority=1).map(jobs.double, range(3))) == [0, 2, 4]
        with pytest.raises(InvalidError):
            pool.with_options(priority=1 << 40)


def test_a_memory_limit_recycles_workers_and_loses_no_call() -> None:
    with ProcessPool(1, memory=120 << 20) as pool:
        pids = {pool.submit(jobs.leak, 8 << 20).result(LONG) for _ in range(60)}
        assert len(pids) > 1
        snapshot = pool.snapshot()
        assert snapshot["statistics"]["total_errors"] == 0
    with ProcessPool(1, tasks=10) as pool:
        assert len(set(pool.map(jobs.leak, [1] * 100))) >= 10
    with ProcessPool(1, hard_memory=200 << 20) as pool, pytest.raises(MemoryError):
        pool.submit(jobs.take, 1 << 30).result(LONG)


def test_what_workers_print_is_passed_on_or_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with ProcessPool(1) as pool:
        pool.submit(jobs.shout, "words").result(LONG)
        with pytest.raises(InvalidError, match="keeps no output"):
            pool.output()
    assert capfd.readouterr() == ("words\n", "and words\n")
    with ProcessPool(1, output="drop") as pool:
        pool.submit(jobs.shout, "words").result(LONG)
    assert capfd.readouterr() == ("", "")
    pool = ProcessPool(1, output="keep", output_bytes=12)
    pool.submit(jobs.shout, "wörds").result(LONG)
    pool.close()
    output = pool.output()
    assert output["lost_bytes"] > 0
    assert all(part["stream"] in {"stdout", "stderr"} for part in output["parts"])
    # Half of a letter, where it was cut, is one that stands for what is no text.
    kept = "".join(part["text"] for part in output["parts"]).replace("\ufffd", "?")
    assert len(kept.encode()) <= 12
    assert pool.output() == {"parts": [], "lost_bytes": 0}


def test_workers_look_for_modules_where_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_there.py").write_text("def answer(): return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    with ProcessPool(1) as pool:
        path, own = pool.submit(jobs.search_path).result(LONG), list(dict.fromkeys(sys.path))
        assert path[: len(own)] == own
    with ProcessPool(1, path=[tmp_path]) as pool:
        assert pool.submit("only_there:answer").result(LONG) == 42


# The main script.

MAIN = """
import sys
from circlet import ProcessPool

print("imported as", __name__, file=sys.stderr)

class Thing:
    def __init__(self, size): self.size = size
class OwnError(Exception): pass
def grown(thing): return Thing(thing.size + 1)
def fail(): raise OwnError("own")
def answer(): return 42
def serve(): return "not the worker's"

if __name__ == "__main__":
    with ProcessPool(1) as pool:
        print(pool.submit(grown, Thing(1)).result().size, pool.submit(answer).result(), pool.submit(serve).result())
        try:
            pool.submit(fail).result()
        except OwnError as error:
            print("caught", error)
        print(pool.submit(isinstance, Thing(1), Thing).result())
"""
PRINTED = "2 42 not the worker's\ncaught own\nTrue\n"


def test_functions_and_classes_of_the_main_script_go_along(tmp_path: Path) -> None:
    assert run(tmp_path, MAIN) == PRINTED
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "program.py").write_text(MAIN)
    assert run(tmp_path, "", "-m", "package.program") == PRINTED


def test_a_main_script_without_its_guard_is_told_of_it(tmp_path: Path) -> None:
    script = """
    from circlet import ProcessPool
    def answer(): return 42
    with ProcessPool(1) as pool:
        print(type(pool.submit(answer).exception()).__name__, "__main__" in str(pool.submit(answer).exception()))
    """
    assert run(tmp_path, script) == "RuntimeError True\n"


def test_a_main_module_that_is_no_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    script = (
        "from circlet import ProcessPool, InvalidError\n"
        "def answer(): return 42\n"
        "with ProcessPool(1) as pool:\n"
        "    try: print(pool.submit(answer).result())\n"
        "    except (InvalidError, AttributeError) as error: print('module' in str(error))\n"
        "    print(pool.submit(abs, -4).result())\n"
    )
    assert run(tmp_path, "", "-c", script) == "True\n4\n"


# The end.


def test_a_closed_pool_leaves_no_process_and_takes_no_call() -> None:
    pool = ProcessPool(2, min=2)
    pids = set(pool.map(jobs.leak, [1] * 200))
    futures = [pool.submit(jobs.double, number) for number in range(100)]
    pool.close()
    assert [future.result(0) for future in futures] == [2 * number for number in range(100)]
    assert not any(map(is_alive, pids))
    for submit in (lambda: pool.submit(abs, 1), lambda: pool.map(abs, [1])):
        with pytest.raises(ClosedError):
            submit()
    pool.close()
    pool.shutdown()


def test_a_shutdown_finishes_or_cancels_what_waits(tmp_path: Path) -> None:
    pool = ProcessPool(1)
    futures = [pool.submit(jobs.double, number) for number in range(50)]
    pool.shutdown(wait=False)
    assert [future.result(LONG) for future in futures] == [2 * number for number in range(50)]
    pool = ProcessPool(1)
    pid = pool.submit(jobs.pid).result(LONG)
    file = tmp_path / "runs"
    runs = pool.submit(jobs.give_in, str(file))
    until(file.exists)
    waits = [pool.submit(jobs.double, number) for number in range(50)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert not runs.done()
    concurrent.futures.wait(waits, LONG)
    assert all(future.cancelled() for future in waits)
    runs.cancel()
    until(lambda: not is_alive(pid))


def test_a_pool_that_is_let_go_of_leaves_no_process() -> None:
    pool = ProcessPool(1)
    pid = pool.submit(jobs.pid).result(LONG)
    del pool
    gc.collect()
    assert not is_alive(pid)


def test_an_interpreter_that_closes_nothing_leaves_no_process(tmp_path: Path) -> None:
    script = """
    import os, time
    from circlet import ProcessPool
    def pid(_):
        return os.getpid()
    if __name__ == "__main__":
        pool = ProcessPool(2, min=2)
        print(*set(pool.map(pid, range(50))))
        late = pool.submit(time.sleep, 600)
        late.add_done_callback(print)
    """
    pids = [int(word) for word in run(tmp_path, script).split()]
    assert pids
    until(lambda: not any(map(is_alive, pids)))


def test_no_thread_and_no_descriptor_stays() -> None:
    def turn() -> None:
        with ProcessPool(1) as pool:
            future = pool.submit(jobs.double, 1)
            future.add_done_callback(lambda _: None)
            assert future.result(LONG) == 2

    def counts() -> tuple[int, int]:
        return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

    turn()
    before = counts()
    for _ in range(5):
        turn()
    until(lambda: counts() <= before)


# Bun.


def test_functions_of_a_script_are_called_by_name(tmp_path: Path, bun: str) -> None:
    script = tmp_path / "script.ts"
    script.write_text(
        "export const area = (width: number, height: number) => width * height;\n"
        "export const fail = () => { throw new RangeError('why'); };\n"
        "export const later = async (value: unknown) => { await Bun.sleep(1); return { value }; };\n"
    )
    with ProcessPool(1, kind="bun", script=script, program=bun) as pool:
        assert pool.submit("area", 3, 4).result(LONG) == 12
        assert pool.submit("later", [1, None]).result(LONG) == {"value": [1, None]}
        assert list(pool.map("area", range(5), range(5))) == [0, 1, 4, 9, 16]
        error = pool.submit("fail").exception(LONG)
        assert isinstance(error, JobFailedError)
        assert (error.type, str(error)) == ("RangeError", "RangeError: why")
        for refused in (
            lambda: pool.submit("area", width=3),
            lambda: pool.submit("area", math.nan),
            lambda: pool.submit(jobs.double, 3),
            lambda: pool.map("area", [1], chunksize=2),
        ):
            with pytest.raises(InvalidError):
                refused()


@pytest.fixture
def bun() -> str:
    import shutil  # noqa: PLC0415

    found = os.environ.get("CIRCLET_BUN") or shutil.which("bun")
    if found is None:
        pytest.skip("there is no bun on PATH, and CIRCLET_BUN names none")
    return found


def test_a_refusal_says_which_status_it_has() -> None:
    with ProcessPool(1) as pool, pytest.raises(CircletError) as refused:
        pool.submit("nul\0:name")
    assert refused.value.status == "CIRCLET_INVALID"
    assert json.dumps(pool.snapshot()["pool"]["max"]) == "1"
