"""Executors: what comes of code, how it is read, stopped and awaited, with real sessions."""

from __future__ import annotations

import array
import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from circlet import (
    AbortedError,
    CircletError,
    ClosedError,
    Executor,
    InvalidError,
    Question,
    Run,
    SharedRingBuffer,
    TimedOutError,
    TooLargeError,
    WorkerDiedError,
)

LONG = 60
ENDLESS = "while True: pass"
BLOCKED = "import time; time.sleep(600)"


def until(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def program(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as a program of its own."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script))
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=LONG, check=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[Executor]:
    with Executor() as python:
        yield python


@pytest.fixture
def python(shared: Executor) -> Executor:
    shared.run("globals().clear(); __name__ = '__main__'").result()
    return shared


def begun(python: Executor, code: str, **options: object) -> Run:
    """Begins code that does not end by itself, and returns once it runs."""
    stream = python.stream(f"print('begun', flush=True)\n{code}", **options)  # type: ignore[arg-type]
    assert next(stream).text.startswith("begun")
    return stream


def test_a_run_gives_its_value_its_output_and_what_it_used(python: Executor) -> None:
    outcome = python.run("import sys; print('out'); print('err', file=sys.stderr); {'a': [1, 2.5, None, 'ü']}").result()
    assert outcome.value == {"a": [1, 2.5, None, "ü"]}
    assert (outcome.stdout, outcome.stderr) == ("out\n", "err\n")
    assert outcome.error is outcome.stopped is outcome.repr is None
    assert outcome.elapsed > 0 and outcome.usage.memory_peak > 1 << 20 and outcome.usage.user >= 0


def test_names_stay_from_run_to_run_and_what_json_cannot_say_has_a_repr(python: Executor) -> None:
    python.run("class Point: pass\nx = 7").result()
    assert python.run("x").result().value == 7
    assert "Point object" in (python.run("Point()").result().repr or "")


def test_an_exception_is_a_value_with_its_traceback(python: Executor) -> None:
    error = python.run("def f(): return 1 / 0\nf()").result().error
    assert error is not None
    assert (error.type, error.message) == ("ZeroDivisionError", "division by zero")
    assert "return 1 / 0" in error.traceback


def test_buffers_come_with_their_format_and_shape(python: Executor) -> None:
    outcome = python.run("import array; array.array('d', [1.5, 2.5])").result()
    assert (outcome.format, outcome.shape, list(outcome.value)) == ("d", (2,), [1.5, 2.5])
    assert python.run("b'\\0x'").result().value == b"\0x"
    assert python.run("b''").result().value == b""
    long = python.run("memoryview(bytes(range(256)) * 400).cast('H', (200, 256))").result()
    assert long.value.shape == (200, 256) and long.value.tobytes() == bytes(range(256)) * 400
    kept = long.value[0, 1]
    del long
    gc.collect()
    assert kept == int.from_bytes(b"\2\3", "little")


def test_arrays_of_numpy_come_in_place(python: Executor) -> None:
    numpy = pytest.importorskip("numpy")
    outcome = python.run("import numpy; numpy.arange(60000, dtype='>i4').reshape(3, 4, 5000)").result()
    assert outcome.shape == (3, 4, 5000) and outcome.format == ">i"
    assert (outcome.array() == numpy.arange(60000).reshape(3, 4, 5000)).all()
    assert python.run("numpy.zeros((0, 3))").result().array().shape == (0, 3)
    assert numpy.asarray(python.run("numpy.eye(2)").result().value).tolist() == [[1, 0], [0, 1]]


def test_only_a_buffer_is_an_array(python: Executor) -> None:
    pytest.importorskip("numpy")
    with pytest.raises(ValueError, match="no buffer"):
        python.run("5").result().array()


def test_what_is_shown_and_sent_is_part_of_the_outcome(python: Executor) -> None:
    outcome = python.run("from circlet.session import display, send\ndisplay('x'); send(b'123')").result()
    assert outcome.shown == [{"text/plain": "'x'"}]
    assert [bytes(part) for part in outcome.sent] == [b"123"]


def test_bytes_are_sent_as_they_are_and_before_or_during_the_run(python: Executor) -> None:
    python.send(array.array("d", [1.0, 2.0]))
    run = python.run("from circlet.session import receive\n[len(receive()), len(receive()), receive()[:2].hex()]")
    python.send(b"")
    python.send(memoryview(bytes(5_000_000))[::2])
    assert run.result(LONG).value == [16, 0, "0000"]


def test_a_large_message_goes_and_comes_while_the_code_prints(python: Executor) -> None:
    stream = python.stream(
        "from circlet.session import receive, send\n"
        "for _ in range(20_000): print('x' * 80)\n"
        "got = receive(); send(got); len(got)"
    )
    python.send(bytes(20_000_000))
    chunks = list(stream)
    assert sum(len(chunk.text) for chunk in chunks) == 20_000 * 81
    assert sum(len(chunk.data) for chunk in chunks if chunk.stream == "data") == 20_000_000
    assert stream.result().value == 20_000_000


def test_a_stream_comes_in_order_as_the_code_runs(python: Executor) -> None:
    stream = python.stream(
        "import sys, os\nfrom circlet.session import display, send\n"
        "print('one'); print('two', file=sys.stderr)\n"
        "os.write(1, 'drü'.encode()[:3]); os.write(1, 'drü'.encode()[3:])\n"
        "display(3); send(b'4'); 5"
    )
    texts: list[tuple[str, str]] = []
    for chunk in stream:
        if texts and texts[-1][0] == chunk.stream:
            texts[-1] = (chunk.stream, texts[-1][1] + chunk.text)
        else:
            texts.append((chunk.stream, chunk.text))
        if chunk.stream == "data":
            assert bytes(chunk.data) == b"4"
    assert texts == [("stdout", "one\n"), ("stderr", "two\n"), ("stdout", "drü"), ("display", "3"), ("data", "")]
    outcome = stream.result()
    assert (outcome.value, outcome.stdout, outcome.sent) == (5, "", [])
    assert list(stream) == []


def test_runs_come_one_after_the_other_whoever_waits_first(python: Executor) -> None:
    runs = [python.run(f"print({number}); {number}") for number in range(20)]
    assert runs[-1].result(LONG).value == 19
    assert all(run.done() for run in runs)
    assert [run.result().stdout for run in runs] == [f"{number}\n" for number in range(20)]


def test_threads_share_an_executor(python: Executor) -> None:
    found: list[int] = []

    def work(first: int) -> None:
        for number in range(first, first + 100):
            assert python.run(f"{number}").result(LONG).value == number
            found.append(number)

    threads = [threading.Thread(target=work, args=(1000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400


def test_input_is_answered_by_whoever_is_asked(python: Executor) -> None:
    asked: list[Question] = []

    def ask(question: Question) -> str | None:
        asked.append(question)
        return None if question == "last? " else f"<{question}>"

    outcome = python.run("[input('a'), input('b')]", ask=ask).result(LONG)
    assert outcome.value == ["<a>", "<b>"]
    assert [question.is_secret for question in asked] == [False, False]
    error = python.run("input('last? ')", ask=ask).result(LONG).error
    assert error is not None and error.type == "EOFError"
    error = python.run("input()").result(LONG).error
    assert error is not None and error.type == "EOFError"


def test_what_ask_raises_ends_the_input_and_is_raised(python: Executor) -> None:
    def ask(_: Question) -> str:
        raise LookupError("no answer")

    run = python.run("try: input()\nexcept EOFError: x = 'ended'", ask=ask)
    with pytest.raises(LookupError, match="no answer"):
        run.result(LONG)
    assert python.run("x").result().value == "ended"
    run = python.run("input()", ask=lambda _: 5)  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidError, match="ask returned int"):
        run.result(LONG)


def test_a_run_is_interrupted_by_its_timeout_and_by_any_thread(python: Executor) -> None:
    outcome = python.run(ENDLESS, timeout=0.01).result(LONG)
    assert outcome.error is not None and outcome.error.type == "KeyboardInterrupt"
    assert outcome.stopped == "interrupted"
    run = begun(python, BLOCKED)
    threading.Thread(target=run.interrupt).start()
    assert run.result(LONG).stopped == "interrupted"
    assert not run.interrupt() and not python.interrupt()
    assert python.run("1").result().stopped is None


def test_an_interrupt_is_for_its_own_run(python: Executor) -> None:
    first, second, third = begun(python, BLOCKED), python.run("2"), python.run("3")
    assert second.interrupt()
    assert first.interrupt()
    assert third.result(LONG).value == 3
    assert first.done() and second.done()
    with pytest.raises(AbortedError, match="before it began"):
        second.result()


def test_a_wait_that_is_over_leaves_the_run_as_it_is(python: Executor) -> None:
    run = begun(python, "x = 5; input()", ask=lambda _: "")
    with pytest.raises(TimedOutError, match="goes on"):
        python.run("x").result(0)
    assert run.result(LONG).error is None


def test_the_end_of_a_session_is_told_with_its_last_words() -> None:
    with Executor() as python:
        run = python.run("import os, sys; x = 1; print('last words', file=sys.stderr); os.write(2, b'!'); os._exit(3)")
        waiting = python.run("'x' in globals()")
        with pytest.raises(WorkerDiedError) as found:
            run.result(LONG)
        assert (found.value.exit_code, found.value.signal, found.value.stderr) == (3, None, "last words\n!")
        assert waiting.result(LONG).value is False
        with pytest.raises(WorkerDiedError) as found:
            python.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").result(LONG)
        assert (found.value.exit_code, found.value.signal) == (None, signal.SIGKILL)
        assert found.value.out_of_memory in {False, None}
        first = python.process_id()
        assert python.run("1").result(LONG).value == 1
        assert python.process_id() != first


def test_code_that_does_not_stop_loses_its_session() -> None:
    with Executor(grace=0.02, kill_after=0.02) as python:
        code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
        with pytest.raises(TimedOutError, match="killed"):
            python.run(code, timeout=0.05).result(LONG)
        assert python.run("1").result(LONG).value == 1


def test_a_restart_forgets_the_names_and_ends_what_runs(python: Executor) -> None:
    python.run("x = 1").result()
    first, run, waiting = python.process_id(), begun(python, BLOCKED), python.run("'x' in globals()")
    python.restart()
    with pytest.raises(AbortedError, match="restarted"):
        run.result(LONG)
    assert waiting.result(LONG).value is False
    until(lambda: not is_alive(first))


def test_a_closed_executor_refuses_and_leaves_nothing() -> None:
    python = Executor()
    pid, run, waiting = python.process_id(), begun(python, BLOCKED), python.run("1")
    thread = threading.Thread(target=python.close)
    thread.start()
    for over in (run, waiting):
        with pytest.raises(ClosedError):
            over.result(LONG)
    thread.join()
    assert not is_alive(pid)
    python.close()
    assert not python.interrupt() and not run.interrupt()
    for call in (lambda: python.run("1"), lambda: python.send(b""), python.restart, python.process_id):
        with pytest.raises(ClosedError):
            call()


def test_an_executor_that_nobody_has_any_more_ends_its_session() -> None:
    python = Executor()
    pid = python.process_id()
    del python
    gc.collect()
    assert not is_alive(pid)
    assert Executor().run("7").result(LONG).value == 7
    python = Executor()
    pid, run = python.process_id(), begun(python, BLOCKED)
    del python, run
    gc.collect()
    assert not is_alive(pid)


def test_an_executor_that_was_closed_has_no_part_in_the_next() -> None:
    for _ in range(20):
        closed = Executor()
        closed.close()
        with Executor() as python:
            del closed
            gc.collect()
            assert python.run("1").result(LONG).value == 1


def test_nothing_is_left_of_a_hundred_executors() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    def once() -> None:
        with Executor() as python:
            assert asyncio.run(answer_of(python)) == 1

    async def answer_of(python: Executor) -> object:
        return (await python.run("1")).value

    once()
    before = descriptors(), threading.active_count()
    for _ in range(100):
        once()
    assert (descriptors(), threading.active_count()) == before


def test_rings_are_there_under_their_names() -> None:
    with SharedRingBuffer.anonymous() as ring, Executor(rings={"points": ring}) as python:
        ring.send(b"frame")
        assert python.run("bytes(rings['points'].recv())").result(LONG).value == b"frame"


def test_sessions_are_kept_ready_with_modules_loaded_and_replaced_when_worn() -> None:
    with Executor(ready=2, preload=["decimal"], recycle_after=2) as python:
        pids = []
        for _ in range(3):
            assert python.run("import sys; x = 1; 'decimal' in sys.modules").result(LONG).value is True
            pids.append(python.process_id())
            assert python.run("x").result(LONG).value == 1
            assert asyncio.run(pid_of(python)) != pids[-1]
            assert python.run("1").result(LONG).value == 1
        assert len(set(pids)) == 3
        with pytest.raises(WorkerDiedError):
            python.run("import os; os._exit(0)").result(LONG)
        assert python.run("1").result(LONG).value == 1


async def pid_of(python: Executor) -> object:
    return (await python.run("import os; os.getpid()")).value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"python": "/no/such/python"}, "no/such/python"),
        ({"python": 5}, "python is 5"),
        ({"rings": {"a": 5}}, "a ring is 5"),
        ({"output_max": 0}, "output_max is 0"),
        ({"grace": -1}, "grace is -1"),
        ({"kill_after": float("nan")}, "kill_after is nan"),
        ({"spin": "long"}, "spin is 'long'"),
        ({"ready_within": 0}, "ready_within is 0"),
        ({"ready": -1}, "ready is -1"),
        ({"preload": "json"}, "preload is 'json'"),
        ({"preload": ["no_such_module"]}, "no_such_module"),
        ({"recycle_after": 0}, "recycle_after is 0"),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(CircletError, match=words):
        Executor(**options)  # type: ignore[arg-type]


def test_runs_that_are_none_are_refused(python: Executor) -> None:
    for code, options, words in [
        (5, {}, "code is 5"),
        ("'\ud800'", {}, "surrogate"),
        ("1", {"timeout": 0}, "timeout is 0"),
        ("1", {"ask": 5}, "ask is 5"),
    ]:
        with pytest.raises(InvalidError, match=words):
            python.run(code, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        python.send(5)
    with pytest.raises(InvalidError, match="timeout"):
        python.run("1").result(float("nan"))


def test_a_message_above_a_gibibyte_is_refused(python: Executor) -> None:
    import mmap  # noqa: PLC0415

    with mmap.mmap(-1, 1 << 30) as huge, pytest.raises(TooLargeError, match="1073741824 bytes"):
        python.send(huge)


def test_ctrl_c_interrupts_the_run_and_is_raised(tmp_path: Path) -> None:
    result = program(
        tmp_path,
        """
        import os, signal, threading
        from circlet import Executor
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Executor() as python:
            stream = python.stream("print('begun')\\nwhile True: pass")
            next(stream)
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                stream.result()
            except KeyboardInterrupt:
                print("interrupted", stream.result(60).stopped, python.run("1").result(60).value)
        """,
    )
    assert result.stdout == "interrupted interrupted 1\n", result.stderr


def test_a_forked_child_is_told_whose_the_executor_is(tmp_path: Path) -> None:
    result = program(
        tmp_path,
        """
        import os, gc
        from circlet import CircletError, Executor
        python = Executor()
        run = python.run("7")
        child = os.fork()
        if child == 0:
            said = []
            for use in (lambda: python.run("1"), run.result, python.interrupt, lambda: python.send(b"")):
                try:
                    use()
                except CircletError as error:
                    said.append(str(error))
            words = said[0].replace(str(os.getppid()), "P").replace(str(os.getpid()), "C")
            print(len(said), len(set(said)), words, flush=True)
            del python, run
            gc.collect()
            raise SystemExit
        os.waitpid(child, 0)
        print(run.result(60).value, python.run("8").result(60).value)
        """,
    )
    words = "4 1 this executor belongs to process P, and this is its forked child C: make one here"
    assert result.stdout == f"{words}\n7 8\n", result.stderr


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)", "raise ValueError"])
def test_a_session_ends_with_its_owner(tmp_path: Path, end: str) -> None:
    result = program(
        tmp_path,
        f"""
        import os
        from circlet import Executor
        python = Executor()
        run = python.stream("import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid); time.sleep(600)")
        print(next(run).text, python.process_id(), flush=True)
        {end}
        """,
    )
    child, session = map(int, result.stdout.split())
    until(lambda: not is_alive(session))
    if "kill" not in end and "_exit" not in end:
        until(lambda: not is_alive(child))
    else:
        os.kill(child, signal.SIGKILL)


def test_a_log_has_what_became_of_a_run() -> None:
    with Executor() as python:
        outcome = python.run("raise ValueError('no')", states=True).result()
        assert [state["state"] for state in outcome.states] == ["code_received", "exec_start", "exception", "exec_end"]
        assert (outcome.states[2]["type"], outcome.states[2]["message"]) == ("ValueError", "no")
        times = [state["monotonic_ms"] for state in outcome.states]
        assert times == sorted(times)
        chunks = list(python.stream("print('said')", states=True))
        assert [chunk.data["state"] if chunk.stream == "state" else chunk.text for chunk in chunks] == [
            "code_received",
            "exec_start",
            "said\n",
            "exec_end",
        ]
        assert python.run("1").result().states == []


def test_a_heap_snapshot_takes_its_turn_among_the_runs(tmp_path: Path) -> None:
    with Executor() as python:
        assert python.heap_snapshot().result().value["is_first"]
        kept = python.run("kept = [bytes(1000) for _ in range(1000)]")
        heap = python.heap_snapshot(top=1, stop=True, file=tmp_path / "heap").result().value
        assert kept.done()
        assert heap["lines"][0]["bytes"] > 1_000_000
        assert (tmp_path / "heap").stat().st_size > 1000
        error = python.heap_snapshot(file=tmp_path / "nowhere" / "heap").result().error
        assert error is not None
        assert error.type == "FileNotFoundError"
        assert python.run("len(kept)").result().value == 1000


def test_typescript_runs_as_python_does() -> None:
    with Executor(bun=os.environ.get("CIRCLET_BUN", "bun")) as bun:
        outcome = bun.run("const x: number = await Promise.resolve(6 * 7); console.log('hello'); x").result()
        assert (outcome.value, outcome.stdout) == (42, "hello\n")
        stopped = bun.run("while (true) {}", timeout=0.1).result()
        assert stopped.error is not None
        assert (stopped.error.type, stopped.stopped) == ("AbortError", "interrupted")
        assert bun.run("x").result().value == 42
    with pytest.raises(InvalidError, match="both given"):
        Executor(bun="bun", python="python3")
