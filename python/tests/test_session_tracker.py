"""Trackers of sessions, against what Python and the system say of the same program."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from circlet import (
    BusyError,
    CircletError,
    ClosedError,
    Executor,
    InvalidError,
    NameTakenError,
    NotFoundError,
    Pool,
    SchemaError,
    SessionPool,
    SessionTracker,
    SharedPage,
    SharedRingBuffer,
    TooLargeError,
    read_session,
)
from circlet._session_probes import Longest, changes

SOON = 60.0
_numbers = count()


@pytest.fixture
def tracker() -> Iterator[SessionTracker]:
    with SessionTracker.start(project=False) as tracker:
        yield tracker


@pytest.fixture
def name() -> str:
    return f"circlet-tracker-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def program() -> str:
    built = Path(__file__).parents[2] / "target/debug/circlet"
    found = os.environ.get("CIRCLET_PROGRAM") or (str(built) if built.is_file() else shutil.which("circlet"))
    if found is None:
        pytest.skip("CIRCLET_PROGRAM names no program, and none is built")
    return found


def wait_for(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + SOON
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def run(code: str) -> str:
    """Runs a program of Python's to its end, and returns what it printed."""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SOON, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def block(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_it_says_which_python_this_is(tracker: SessionTracker) -> None:
    python = tracker.snapshot()["python"]
    assert python["version"] == sys.version.split()[0]
    assert python["implementation"].lower() == sys.implementation.name
    assert python["modules"] == len(sys.modules)
    assert python["threads"] == threading.active_count()
    assert python["features"]["asserts"] is True
    assert "event_loop" not in python


def test_the_heap_grows_as_python_says(tracker: SessionTracker) -> None:
    before, own_before = tracker.snapshot()["python"]["heap"]["blocks"], sys.getallocatedblocks()
    kept = [object() for _ in range(200_000)]
    after, own_after = tracker.snapshot()["python"]["heap"]["blocks"], sys.getallocatedblocks()
    assert abs((after - before) - (own_after - own_before)) < 20_000
    assert after - before > len(kept) * 0.9


def test_traced_bytes_are_said_while_they_are_traced(tracker: SessionTracker) -> None:
    assert "used_bytes" not in tracker.snapshot()["python"]["heap"]
    tracemalloc.start()
    try:
        kept = bytearray(8 << 20)
        used, own = tracker.snapshot()["python"]["heap"]["used_bytes"], tracemalloc.get_traced_memory()[0]
        assert len(kept) <= used
        assert abs(used - own) < 1 << 20
    finally:
        tracemalloc.stop()
    assert "used_bytes" not in tracker.snapshot()["python"]["heap"]


def test_collections_are_counted_and_timed(tracker: SessionTracker) -> None:
    gc.disable()
    try:
        before = tracker.snapshot()["python"]["gc"]
        for _ in range(300_000):
            cycle: list[object] = []
            cycle.append(cycle)
        began = time.perf_counter()
        gc.collect()
        took_us = (time.perf_counter() - began) * 1e6
        after = tracker.snapshot()["python"]["gc"]
    finally:
        gc.enable()
    assert after["collections"] == before["collections"] + 1
    assert after["collected"] - before["collected"] >= 300_000
    # It is looked at from within what was measured here.
    assert took_us / 2 <= after["total_us"] - before["total_us"] <= took_us + 1
    assert after["longest_us"] >= took_us / 2


def test_counts_and_times_of_collections_are_of_the_same_collections() -> None:
    for _ in range(10):
        gc.collect()
    with SessionTracker.start(project=False) as tracker:
        gc.disable()
        try:
            one = tracker.snapshot()["python"]["gc"]
            gc.collect()
            two = tracker.snapshot()["python"]["gc"]
        finally:
            gc.enable()
    # What was before it nobody has timed.
    assert one["collections"] < 10
    assert (one["collections"] == 0) == (one["total_us"] == 0 and one["longest_us"] == 0)
    assert two["collections"] == one["collections"] + 1
    assert two["total_us"] > one["total_us"]
    assert two["longest_us"] * two["collections"] >= two["total_us"] - two["collections"]


# A block is seen as shorter by what is left of a beat when it begins; a beat is late itself where the machine is busy.
SHORTER_US, LONGER_US = 15_000, 25_000


def blocked(seconds: float) -> float:
    """Blocks, and returns for how long it did, in microseconds."""
    began = time.perf_counter()
    block(seconds)
    return (time.perf_counter() - began) * 1e6


def test_a_block_of_the_event_loop_is_seen_by_its_length() -> None:
    async def main() -> tuple[float, list[Any]]:
        with SessionTracker.start(project=False) as tracker:
            await asyncio.sleep(0.05)
            length = blocked(0.12)
            # Before the loop has turned again, and after.
            lags = [tracker.snapshot()["python"]["event_loop"]]
            await asyncio.sleep(0.05)
            lags.append(tracker.snapshot()["python"]["event_loop"])
            return length, lags

    apart = []
    # Where the machine has more to do than cores, another may come between.
    for _ in range(10):
        length, lags = asyncio.run(main())
        # Never less: whatever holds it up comes on top.
        assert all(lag["lag_longest_us"] >= length - SHORTER_US for lag in lags), (length, lags)
        assert lags[1]["lag_us"] <= lags[1]["lag_longest_us"], lags
        apart.append(max(lag["lag_longest_us"] for lag in lags) - length)
        if apart[-1] <= LONGER_US and lags[1]["lag_us"] < lags[1]["lag_longest_us"]:
            return
    raise AssertionError(apart)


def test_a_loop_of_another_thread_is_watched_until_it_is_closed(tracker: SessionTracker) -> None:
    with pytest.raises(InvalidError, match="no event loop runs"):
        tracker.watch_loop()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    tracker.watch_loop(loop)
    lengths: list[float] = []
    loop.call_soon_threadsafe(lambda: lengths.append(blocked(0.12)))
    wait_for(lambda: lengths)
    longest = wait_for(
        lambda: (late := tracker.snapshot()["python"]["event_loop"]["lag_longest_us"]) >= 100_000 and late
    )
    assert lengths[0] - SHORTER_US <= longest <= lengths[0] + 10 * LONGER_US
    loop.call_soon_threadsafe(loop.stop)
    thread.join(SOON)
    loop.close()
    assert "event_loop" not in tracker.snapshot()["python"]


def test_a_minute_has_passed_when_it_has() -> None:
    longest = Longest()
    assert longest.within(0.5) == 0
    longest.note(0.5, 7)
    longest.note(0.9, 3)
    longest.note(30.0, 5)
    assert [longest.within(now) for now in (1.0, 59.9, 61.0, 89.9, 91.0)] == [7, 7, 5, 5, 0]
    longest.note(60.2, 1)
    assert longest.within(60.3) == 5


def test_a_patch_says_what_changed_and_no_more() -> None:
    old = {"a": 1, "b": {"c": 1, "d": 2}, "e": {"f": 1}, "g": [1]}
    new = {"a": 1, "b": {"c": 3, "d": 2}, "g": [1, 2], "h": {}}
    assert changes(old, new) == {"b": {"c": 3}, "e": None, "g": [1, 2], "h": {}}
    assert changes(new, new) == {}


def test_what_the_program_says_is_kept_and_what_is_measured_refused(tracker: SessionTracker) -> None:
    for api in ("sqlite3", "ctypes", "sqlite3"):
        tracker.log_api_usage(api)
    refused = tracker.patch({"goal": "draw", "process": {"rss_bytes": 1}, "metadata": {"env": {"process_id": 1}}})
    assert sorted(refused) == ["metadata.env.process_id", "process"]
    payload = tracker.snapshot()
    assert payload["goal"] == "draw"
    said = [name for name in payload["python"]["apis"] if name in {"sqlite3", "ctypes"}]
    assert said == ["sqlite3", "ctypes"]
    assert payload["metadata"]["env"]["process_id"] == os.getpid()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert abs(payload["process"]["rss_bytes"] - resident) < 4 << 20


def test_what_the_program_overwrites_is_said_anew(tracker: SessionTracker) -> None:
    tracker.patch({"python": {"version": "2.7", "heap": None, "mine": 1}})
    python = tracker.snapshot()["python"]
    assert (python["version"], python["mine"]) == (sys.version.split()[0], 1)
    assert python["heap"]["blocks"] > 0


def test_workers_are_registered_updated_and_forgotten(tracker: SessionTracker) -> None:
    tracker.register_worker("w_1")
    with pytest.raises(NameTakenError):
        tracker.register_worker("w_1")
    tracker.update_worker("w_1", {"state": "idle", "messages_processed": 3})
    worker = tracker.snapshot()["worker_threads"]["registry"]["w_1"]
    assert (worker["state"], worker["messages_processed"], worker["errors"]) == ("idle", 3, 0)
    tracker.update_worker("w_1", None)
    with pytest.raises(NotFoundError):
        tracker.update_worker("w_1", {})


def test_snapshots_are_remembered_and_compared() -> None:
    with SessionTracker.start(project=False, history=3, session="sess-mine") as tracker:
        first = tracker.snapshot()
        assert first["metadata"]["env"]["session"] == "sess-mine"
        tracker.patch({"last": "compared"})
        assert tracker.diff(first["seq"])["last"] == "compared"
        for _ in range(4):
            newest = tracker.snapshot()
        assert [payload["seq"] for payload in tracker.history()] == [
            newest["seq"] - 2,
            newest["seq"] - 1,
            newest["seq"],
        ]
        with pytest.raises(NotFoundError):
            tracker.diff(first["seq"])
        assert "compared" in tracker.summary()
        assert "compared" in tracker.summary(100)
        assert len(tracker.summary(100)) <= len(tracker.summary())
        for tokens in (-1, "many"):
            with pytest.raises(InvalidError):
                tracker.summary(tokens)  # type: ignore[arg-type]


def test_what_should_not_leave_is_taken_out() -> None:
    secrets = [f"ghp_{'a1B2' * 9}", f"{Path.home()}/hidden", "https://ada:hunter2@example.org"]
    with SessionTracker.start(project=False) as tracker:
        tracker.patch({"context": secrets, "python": {"note": secrets[0]}})
        said = json.dumps(tracker.snapshot())
        assert not any(secret in said for secret in (secrets[0], secrets[1], "hunter2"))
    with SessionTracker.start(project=False, redact=False) as tracker:
        tracker.patch({"context": secrets})
        assert tracker.snapshot()["context"] == secrets


def test_the_page_is_read_by_another_process_and_ends_with_the_tracker(name: str, program: str) -> None:
    code = f"""
import sys
from circlet import SessionTracker
with SessionTracker.start(project=False, page={name!r}, interval=0.02, sample_every=0.02) as tracker:
    tracker.log_api_usage("sys")
    kept = [object() for _ in range(100_000)]
    tracker.patch({{"goal": "be seen"}})
    print(sys.getallocatedblocks(), flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        blocks = int(child.stdout.readline())

        def watch() -> Any:
            watched = subprocess.run(
                [program, "session", "watch", name, "--count", "1"], capture_output=True, check=True, timeout=SOON
            )
            payload = json.loads(watched.stdout)
            # The first is written before the program has said anything.
            return payload if "goal" in payload and payload["python"]["heap"]["blocks"] > 100_000 else None

        payload = wait_for(watch)
        assert payload["goal"] == "be seen"
        assert "sys" in payload["python"]["apis"]
        assert abs(payload["python"]["heap"]["blocks"] - blocks) < 10_000
        assert payload["metadata"]["env"]["process_id"] == child.pid
        child.communicate()
        assert child.returncode == 0
    with pytest.raises(NotFoundError):
        SharedPage.open(name, schema="circlet.session/1")


def test_the_thread_says_what_changes_without_being_asked(name: str) -> None:
    options: dict[str, Any] = {"project": False, "page": name, "interval": 0.01, "sample_every": 0.01}
    with SessionTracker.start(**options), SharedPage.open(name, schema="circlet.session/1") as page:
        kept = [object() for _ in range(200_000)]
        own = sys.getallocatedblocks()
        wait_for(lambda: abs(json.loads(page.wait(SOON).bytes)["python"]["heap"]["blocks"] - own) < 20_000)
        assert kept


def test_after_the_close_nothing_of_it_is_left(name: str) -> None:
    callbacks, threads = list(gc.callbacks), threading.active_count()
    tracker = SessionTracker.start(project=False, page=name)
    assert threading.active_count() == threads + 1
    with pytest.raises(BusyError), SessionTracker.start(project=False, page=name):
        pass
    tracker.close()
    tracker.close()
    assert (gc.callbacks, threading.active_count()) == (callbacks, threads)
    assert not Path(f"/dev/shm/{name}").exists()
    for call in (tracker.snapshot, tracker.history, tracker.summary, lambda: tracker.patch({}), tracker.watch_loop):
        with pytest.raises((ClosedError, InvalidError)):
            call()


def test_a_tracker_that_nobody_has_ends_also_in_a_cycle_and_as_the_interpreter_does(name: str) -> None:
    callbacks = list(gc.callbacks)
    tracker = SessionTracker.start(project=False, page=name)
    cycle: list[object] = [tracker]
    cycle.append(cycle)
    del tracker, cycle
    gc.collect()
    wait_for(lambda: not Path(f"/dev/shm/{name}").exists())
    assert gc.callbacks == callbacks
    run(f"from circlet import SessionTracker; kept = SessionTracker.start(page={name!r}, sample_every=0.001)")
    assert not Path(f"/dev/shm/{name}").exists()


def test_threads_use_it_at_once_while_it_is_closed() -> None:
    tracker = SessionTracker.start(project=False, sample_every=0.001)
    wrong: list[object] = []

    def use(number: int) -> None:
        try:
            for index in count():
                tracker.patch({"last": str(index)})
                tracker.log_api_usage(f"api_{number}")
                tracker.snapshot()
        except ClosedError:
            return
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    apis = {f"api_{number}" for number in range(4)}
    wait_for(lambda: apis <= set(tracker.snapshot()["python"].get("apis", [])))
    tracker.close()
    for thread in threads:
        thread.join(SOON)
    assert not wrong


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_no_part_in_it(name: str) -> None:
    said = run(f"""
import gc, os, threading
from circlet import CircletError, SessionTracker
tracker = SessionTracker.start(project=False, page={name!r}, sample_every=0.001)
for _ in range(20):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            tracker.snapshot()
        except CircletError as error:
            status = 0 if "forked child" in str(error) and not gc.callbacks else 2
        tracker.close()
        with SessionTracker.start(project=False) as own:
            status += own.snapshot()["metadata"]["env"]["process_id"] != os.getpid()
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
print(tracker.snapshot()["metadata"]["env"]["process_id"] == os.getpid(), os.path.exists("/dev/shm/{name}"))
""")
    assert said == "True True\n"


def test_what_does_not_fit_is_refused_and_changes_nothing(tracker: SessionTracker) -> None:
    tracker.patch({"goal": "stay"})
    for wrong in ({"goal": "x", "critical": 5}, {"goal": "x", "context": ["y" * (1 << 20)]}, {"goal": {1, 2}}, [1], 5):
        with pytest.raises(CircletError):
            tracker.patch(wrong)  # type: ignore[arg-type]
    with pytest.raises(TooLargeError):
        tracker.patch({"last": "y" * (1 << 20)})
    with pytest.raises(InvalidError, match="cannot hold"):
        tracker.patch({"last": float("nan")})
    assert tracker.snapshot()["goal"] == "stay"
    for name in ("", "x" * 257, "a\0b", 5):
        with pytest.raises(InvalidError):
            tracker.log_api_usage(name)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        copy.copy(tracker)


def test_it_goes_on_where_the_payload_has_no_more_room(tracker: SessionTracker) -> None:
    room = 256 << 10
    for number in count():
        try:
            tracker.patch({f"filler_{number}": "y" * room})
        except TooLargeError:
            room //= 2
        if room < 16:
            break
    assert tracker.snapshot()["process"]["rss_bytes"] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"sample_every": 0},
        {"interval": "soon"},
        {"history": 0},
        {"project": "no"},
        {"folder": ""},
        {"page": "a/b"},
        {"session": 5},
        {"redact": None},
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        SessionTracker.start(**options)


def test_a_ring_is_watched_until_it_is_closed(tracker: SessionTracker, name: str) -> None:
    with SharedRingBuffer.create(name) as ring:
        tracker.watch("jobs", ring)
        with pytest.raises(NameTakenError, match="unwatch"):
            tracker.watch("jobs", ring)
        ring.send(b"x" * 96)
        state, stats = tracker.snapshot()["rings"]["jobs"], ring.stats()
        assert (state["frames_sent"], state["used_bytes"]) == (1, stats.used_bytes)
        assert state["high_water_bytes"] >= state["used_bytes"] >= 96
        assert tracker.patch({"rings": {"jobs": {"dropped": 7}}}) == ["rings.jobs"]
        bytes(ring.recv())
        ring.release()
        assert tracker.snapshot()["rings"]["jobs"]["frames_received"] == 1
        kept = ring._memory
    assert "rings" not in tracker.snapshot()
    assert not Path(f"/dev/shm/{name}").exists()
    assert len(kept)
    with SharedRingBuffer.create(name) as ring:
        tracker.watch("jobs", ring)
        assert tracker.snapshot()["rings"]["jobs"]["frames_sent"] == 0
        tracker.unwatch("jobs")
        assert "rings" not in tracker.snapshot()
        with pytest.raises(NotFoundError):
            tracker.unwatch("jobs")
        tracker.watch("jobs", ring)
    del ring
    with SharedRingBuffer.anonymous() as other:
        tracker.watch("jobs", other)
    for wrong in (5, None, "ring", SharedRingBuffer):
        with pytest.raises(InvalidError, match="SharedRingBuffer"):
            tracker.watch("x", wrong)  # type: ignore[arg-type]


def test_pools_executors_and_sessions_are_watched_until_they_are_closed(tracker: SessionTracker) -> None:
    policy = {"version": 1, "name": "open", "fs": {"default": "allow"}, "net": {"default": "warn"}}
    policy |= {"audit": {"payload": True}}
    tracker.register_worker("w_own")
    with Pool(2) as pool, Executor() as executor, SessionPool(ready=1, policy=policy) as sessions:
        tracker.watch("pool", pool)
        tracker.watch("python", executor)
        tracker.watch("sessions", sessions)
        executor.run("1 + 1").result()
        with sessions.open() as session:
            session.run("2 + 2").result()
            payload = tracker.snapshot()
            assert payload["worker_threads"]["pool"]["max"] == 2
            assert "w_own" in payload["worker_threads"]["registry"]
            own = payload["executors"].pop("python")
            assert (own["language"], own["pid"], own["calls"]) == ("python", executor.process_id(), 1)
            calls = {name.partition("/")[0]: state for name, state in payload["executors"].items() if state["calls"]}
            assert calls["sessions"]["policy"] == "open"
            assert payload["policies"]["open"]["network"] == "warn"
            assert payload["audit"] == {"denied": 0, "warned": 0, "omitted": 0, "last": []}
            session.run("import socket; socket.socket().connect_ex(('127.0.0.1', 9))").result()
            audit = tracker.snapshot()["audit"]
            assert (audit["denied"], audit["warned"]) == (0, 1)
            asked = audit["last"][0]
            assert (asked["action"], asked["request"]) == ("warn", "connect 127.0.0.1:9 tcp")
            assert (asked["rule"], asked["session"]) == ("net.default of open", session.process_id())
        # While code runs too.
        running = executor.run("import time; time.sleep(60)")
        assert wait_for(lambda: tracker.snapshot()["executors"]["python"]["state"] == "processing")
        executor.interrupt()
        running.result()
    payload = tracker.snapshot()
    assert not {"executors", "policies", "audit"} & payload.keys()
    assert payload["worker_threads"].keys() == {"registry"}
    assert payload["worker_threads"]["registry"].keys() == {"w_own"}


def test_what_is_used_of_this_package_and_of_others_is_noted_by_itself() -> None:
    said = run("""
from circlet import SessionTracker, SharedRingBuffer
with SharedRingBuffer.anonymous(), SessionTracker.start(project=False) as tracker:
    print(tracker.snapshot()["python"]["apis"])
    import pytest
    noted = tracker.snapshot()["python"]["apis"]
    print({"pytest", "pluggy"} <= set(noted), {"json", "asyncio", "circlet", "_pytest"} & set(noted))
    tracker.patch({"python": {"apis": ["only"]}})
    tracker.log_api_usage("pytest")
    print(tracker.snapshot()["python"]["apis"])
""")
    first, second, third = said.splitlines()
    assert "circlet.SharedRingBuffer" in first
    assert "circlet.Executor" not in first
    assert second == "True set()"
    assert third == "['only', 'pytest']"


def test_a_session_is_read_by_its_page_and_says_whether_its_writer_lives(name: str) -> None:
    with pytest.raises(NotFoundError):
        read_session(name)
    code = f"""
import time
from circlet import SessionTracker
tracker = SessionTracker.start(project=False, page={name!r}, interval=0.02)
tracker.patch({{"goal": "be read"}})
print("there", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        child.stdout.readline()
        read = wait_for(lambda: (there := read_session(name)) and there.payload.get("goal") and there)
        assert read.is_live
        assert 0 <= read.age < SOON
        assert read.payload["metadata"]["env"]["process_id"] == child.pid
        child.kill()
        child.wait()
        time.sleep(0.1)
        read = read_session(name)
        assert not read.is_live
        assert read.age >= 0.1
        assert read.payload["goal"] == "be read"
    Path(f"/dev/shm/{name}").unlink()
    with SharedPage.create(name), pytest.raises(SchemaError):
        read_session(name)


def test_folders_that_cannot_be_are_refused_in_words_and_no_project_is_waited_for(tracker: SessionTracker) -> None:
    with pytest.raises(InvalidError, match="give a folder that is there"):
        SessionTracker.start(folder="/nowhere/at/all")
    with pytest.raises(InvalidError, match="not UTF-8"):
        SessionTracker.start(folder=b"/tmp/\xff")  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="looks at no project"):
        tracker.wait_for_project()


def test_what_is_said_may_be_as_long_as_it_was_started_with() -> None:
    with SessionTracker.start(project=False, max_bytes=1 << 20) as tracker:
        tracker.patch({"last": "y" * (1 << 19)})
        with pytest.raises(TooLargeError, match="max_bytes"):
            tracker.patch({"goal": "y" * (1 << 20)})
    with pytest.raises(InvalidError):
        SessionTracker.start(max_bytes=0)
