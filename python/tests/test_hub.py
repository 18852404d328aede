"""Hubs, as a viewer of another implementation sees them."""

from __future__ import annotations

import copy
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from array import array
from collections.abc import Callable, Iterator
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_process_pool import run
from viewer import SOON, Closed, Viewer

from circlet import (
    BusyError,
    CircletError,
    ClosedError,
    FullError,
    Hub,
    InvalidError,
    SessionTracker,
    SharedRingBuffer,
)
from circlet._hub_options import HubSettings
from circlet._native import check, library


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(port=0) as hub:
        yield hub


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def test_a_viewer_is_told_the_state_what_changes_and_what_happens(hub: Hub) -> None:
    hub.set("game", "player", {"x": 1, "y": [2.5, None, "ä"]})
    viewer = Viewer(hub.addr)
    assert viewer.join("game") == {"player": {"x": 1, "y": [2.5, None, "ä"]}}
    hub.update("game", {"score": 7, "level": "a"}, removed=["player"])
    event, changed, about = viewer.event()
    assert (event, changed, about["removed"]) == ("game-state-update", {"score": 7, "level": "a"}, ["player"])
    assert hub.emit("game", "agent-action", {"action": "edit"}) == 1
    assert hub.emit("game", "agent-action", {"action": "run"}) == 2
    told = [viewer.event() for _ in range(2)]
    assert told == [
        ["agent-action", {"action": "edit"}, {"room": "game", "n": 1}],
        ["agent-action", {"action": "run"}, {"room": "game", "n": 2}],
    ]
    assert hub.remove("game", "level") and not hub.remove("game", "level")
    assert viewer.event()[2]["removed"] == ["level"]
    viewer.close()


@pytest.mark.parametrize(
    ("numbers", "kind", "bytes"),
    [
        (array("f", [1, -2]), "f32", struct.pack("<2f", 1, -2)),
        (array("d", [0.1]), "f64", struct.pack("<d", 0.1)),
        (array("i", [-1, 7]), "i32", struct.pack("<2i", -1, 7)),
        (b"\0\1", "u8", b"\0\1"),
        (memoryview(array("f", [1, 2, 3]))[1:], "f32", struct.pack("<2f", 2, 3)),
        (memoryview(array("f", [1, 2, 3, 4]))[::2], "f32", struct.pack("<2f", 1, 3)),
        (memoryview(array("d", [1, 2])).toreadonly(), "f64", struct.pack("<2d", 1, 2)),
        (np.array([1, 2], np.float32), "f32", struct.pack("<2f", 1, 2)),
        (np.array([[1, 2], [3, 4]], np.float64)[:, 1], "f64", struct.pack("<2d", 2, 4)),
        (np.array([-5], np.int32), "i32", struct.pack("<i", -5)),
        (array("f"), "f32", b""),
    ],
)
def test_columns_come_as_the_bytes_of_their_numbers(hub: Hub, numbers: Any, kind: str, bytes: bytes) -> None:
    hub.set_columns("curves", "path", numbers=numbers, room=b"x")
    viewer = Viewer(hub.addr)
    assert viewer.join("curves") == {"path": {"numbers": {kind: bytes}, "room": {"u8": b"x"}}}
    viewer.close()


def test_columns_are_copied_when_they_are_set(hub: Hub) -> None:
    numbers = array("f", [1])
    hub.set_columns("curves", "path", x=numbers)
    numbers[0] = 2
    numbers.append(3)
    assert Viewer(hub.addr).join("curves") == {"path": {"x": {"f32": struct.pack("<f", 1)}}}


@pytest.mark.parametrize(
    "numbers",
    [[1.0, 2.0], 7, array("q", [1]), np.zeros((2, 2), np.float32), np.zeros(2, ">f4"), np.zeros(2, np.float16), None],
)
def test_what_is_no_column_is_refused_with_what_is_one(hub: Hub, numbers: Any) -> None:
    with pytest.raises(InvalidError, match=r"numbers (is|has) .*: give "):
        hub.set_columns("curves", "path", numbers=numbers)
    assert hub.stats()["rooms"] == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"hz": 61}, "`hz` is 61; allowed is 1 to 60"),
        ({"hz": "often"}, "hz: invalid type"),
        ({"threads": 0}, "allowed is 1 to 64"),
        ({"port": 65536}, "give 0 to 65535"),
        ({"port": "a"}, "give 0 to 65535"),
        ({"addr": "nowhere"}, "invalid socket address"),
        ({"addr": "127.0.0.1:0", "port": 0}, "both given"),
        ({"idle_room": -1}, "give seconds"),
        ({"ping_interval": 1e9}, "10 ms to a day"),
        ({"origins": "https://a"}, "give a list"),
        ({"origins": [1]}, "origins.*invalid type"),
        ({"allow": ["10.0.0.0/33"]}, "10.0.0.0/8"),
        ({"emit_token": ""}, "a secret, or none at all"),
        ({"viewer_limits": {"room": 1}}, "expected one of `messages_per_s`"),
        ({"viewer_limits": {"rooms": 0}}, "1 or more of each"),
        ({"log": 0}, "`log` is 0; allowed is 1 or more"),
        ({"max_connections_per_address": 0}, "allowed is 1 or more"),
        ({"websocket_only": 1}, "expected a boolean"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_what_can(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidError, match=says):
        Hub(**settings)  # type: ignore[typeddict-item]


def test_a_name_that_is_no_option_is_refused_with_those_that_are() -> None:
    with pytest.raises(TypeError, match="'colour': give one of addr, port, hz,"):
        Hub(colour=1)  # type: ignore[call-arg]


def test_every_option_of_the_library_is_one_here() -> None:
    with pytest.raises(CircletError) as refused:
        check(library.circlet_hub_start(b'{"colour": 1}', byref(c_void_p())))
    named = str(refused.value).partition("expected one of ")[2].partition(" at line")[0]
    theirs = {name.strip("`").removesuffix("_ms") for name in named.split(", ")}
    assert theirs == set(HubSettings.__annotations__) - {"port"}


def test_options_are_taken() -> None:
    settings = dict.fromkeys(HubSettings.__annotations__)
    with Hub(**settings | {"addr": "127.0.0.1:0"}):  # type: ignore[typeddict-item]
        pass
    with Hub(
        addr="127.0.0.1:0",
        hz=60,
        stalled_after=0.5,
        view_token="seen",
        max_keys=1,
        viewer_limits={"rooms": 1},
        hosts=["hub.example"],
        allow=["127.0.0.0/8"],
    ) as hub:
        hub.set("game", "a", 1)
        with pytest.raises(FullError, match="it would hold 2 keys, and may hold 1"):
            hub.set("game", "b", 1)
        with pytest.raises(AssertionError):
            Viewer(hub.addr)
        assert Viewer(hub.addr, auth={"token": "seen"}).join("game") == {"a": 1}


def test_what_viewers_are_told_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "told.jsonl"
    with Hub(port=0, record=path) as hub:
        hub.set("game", "a", 1)
        hub.set_columns("game", "path", x=array("f", [1]))
        assert hub.emit("game", "agent-action", "edit") == 1
        assert hub.troubles() == []
    head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert head["recording"] == 1
    told = {key: value for line in lines for key, value in (line.get("set", {}) | line.get("columns", {})).items()}
    assert told == {"a": 1, "path": {"x": {"f32": "AACAPw=="}}}
    with pytest.raises(CircletError, match="nowhere"):
        Hub(port=0, record="/nowhere/at/all")
    with pytest.raises(CircletError, match=r"redis://127\.0\.0\.1:6379/0"):
        Hub(port=0, redis="nowhere")
    # One that does not answer is tried again.
    with Hub(port=0, redis="redis://127.0.0.1:1") as hub:
        assert "127.0.0.1:1: " in hub.troubles()[0]


def test_a_port_that_is_taken_is_said_so(hub: Hub) -> None:
    with pytest.raises(BusyError, match="Address already in use"):
        Hub(addr=hub.addr)


def test_names_and_values_that_cannot_be_are_refused(hub: Hub) -> None:
    for room, key in [("", "k"), ("r" * 201, "k"), ("r", ""), ("r", "k" * 201)]:
        with pytest.raises(InvalidError, match="a name has 1 to 200"):
            hub.set(room, key, 1)
    with pytest.raises(InvalidError, match="NUL"):
        hub.set("a\0b", "k", 1)
    for value in (float("nan"), object(), {1, 2}):
        with pytest.raises(InvalidError, match="JSON cannot hold"):
            hub.set("r", "k", value)
    with pytest.raises(InvalidError, match="in a list"):
        hub.update("r", removed="key")
    assert hub.stats()["state_bytes"] == 0


def test_once_it_is_stopped_it_says_so_and_nothing_listens() -> None:
    hub = Hub(port=0)
    viewer = Viewer(hub.addr)
    viewer.join("game")
    hub.set("game", "last", 1)
    hub.stop(5)
    assert viewer.event()[1] == {"last": 1}
    with pytest.raises(Closed) as closed:
        viewer.event()
    assert closed.value.code == 1013
    uses: list[Callable[[], object]] = [
        lambda: hub.set("r", "k", 1),
        lambda: hub.set_columns("r", "k", x=b""),
        lambda: hub.update("r", {}),
        lambda: hub.remove("r", "k"),
        lambda: hub.emit("r", "agent-action", 1),
        lambda: hub.follow_ring("ring"),
        lambda: hub.follow_session("page"),
        hub.stats,
        hub.troubles,
    ]
    for use in uses:
        with pytest.raises(ClosedError, match="has been stopped"):
            use()
    hub.stop()
    hub.close()
    assert hub.addr in hub.url
    with pytest.raises(OSError):
        urllib.request.urlopen(hub.url + "/healthz")
    with Hub(addr=hub.addr):
        pass


def test_any_number_of_threads_publish_and_one_stops_it_meanwhile() -> None:
    hub, refused = Hub(port=0), list[type[BaseException]]()

    def publish(number: int) -> None:
        try:
            while True:
                hub.set(f"room-{number % 3}", str(number), time.monotonic())
                hub.stats()
        except CircletError as error:
            refused.append(type(error))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: hub.stats()["published"] > 1000)
    hub.stop()
    for thread in threads:
        thread.join()
    assert refused == [ClosedError] * 8


def test_it_stops_when_nothing_has_it_any_more(hub: Hub) -> None:
    del hub
    one = Hub(port=0)
    viewer = Viewer(one.addr)
    viewer.join("game")
    del one
    gc.collect()
    with pytest.raises(Closed) as closed:
        viewer.event()
    assert closed.value.code == 1013
    with pytest.raises(TypeError), Hub(port=0) as other:
        copy.copy(other)


def test_it_counts_what_it_does(hub: Hub) -> None:
    viewer = Viewer(hub.addr)
    viewer.join("game")
    hub.set("game", "a", 1)
    viewer.event()
    until(lambda: hub.stats()["told"] == 1)
    stats = hub.stats()
    assert (stats["viewers"], stats["rooms"], stats["published"], stats["connections"]) == (1, 1, 1, 1)
    assert set(stats) == {
        line.split()[2].removeprefix("circlet_hub_").removesuffix("_total")
        for line in urllib.request.urlopen(hub.url + "/metrics").read().decode().splitlines()
        if line.startswith("# TYPE")
    }


def test_it_shows_rings_and_sessions(hub: Hub) -> None:
    name, page = f"circlet-hub-{os.getpid()}", f"circlet-hub-page-{os.getpid()}"
    with (
        SharedRingBuffer.create(name) as ring,
        SessionTracker.start(project=False, page=page, interval=0.01) as tracker,
    ):
        tracker.patch({"goal": "draw a curve"})
        hub.follow_ring(name)
        hub.follow_session(page, "app")
        ring.send(json.dumps({"x": 1}).encode())
        until(lambda: hub.stats()["rooms"] >= 3)
        viewer = Viewer(hub.addr)
        until(lambda: viewer.join(f"ring:{name}") == {"x": 1})
        viewer.close()
        until(lambda: Viewer(hub.addr).join("app").get("goal") == "draw a curve")


def test_a_tracker_watches_it_until_it_is_stopped(hub: Hub) -> None:
    with SessionTracker.start(project=False) as tracker:
        tracker.watch("live", hub)
        viewer = Viewer(hub.addr)
        viewer.join("game")
        hub.set("game", "a", 1)
        viewer.event()
        until(lambda: hub.stats()["told"] == 1)
        seen = {"address": hub.addr, "viewers": 1, "rooms": 1, "updates_sent": 1}
        assert tracker.snapshot()["hub"] == seen
        assert tracker.patch({"hub": {"viewers": 7}}) == ["hub.viewers"]
        with Hub(port=0) as other:
            tracker.watch("other", other)
            other.set("r", "k", 1)
            assert tracker.snapshot()["hub"] == {"viewers": 1, "rooms": 2, "updates_sent": 1}
        assert tracker.snapshot()["hub"] == seen
        hub.stop()
        assert "hub" not in tracker.snapshot()


FORKS = """
    import gc, os, signal, sys, time
    from circlet import CircletError, Hub, SessionTracker
    sys.path.insert(0, {tests!r})
    from viewer import Viewer
    hub = Hub(port=0)
    viewer = Viewer(hub.addr)
    viewer.join("game")
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        uses = [
            lambda: hub.set("game", "child", 1),
            lambda: hub.set_columns("game", "child", x=b"1"),
            lambda: hub.update("game", dict(child=1)),
            lambda: hub.remove("game", "a"),
            lambda: hub.emit("game", "agent-action", 1),
            lambda: hub.follow_ring("r"),
            lambda: hub.follow_session("p"),
            lambda: hub.stop(),
            hub.stats,
            hub.troubles,
        ]
        for use in uses:
            try:
                use()
            except CircletError as error:
                assert "start another here" in str(error), error
            else:
                print("was no error", use, flush=True)
        with hub:
            pass
        with Hub(port=0) as own:
            assert own.addr != hub.addr
            own.set("game", "own", 1)
            assert Viewer(own.addr).join("game") == {{"own": 1}}
        del hub, uses, use
        gc.collect()
        os.write(tell, b"x")
        # It has the parent's sockets for as long as it lives.
        signal.pause()
    assert os.read(told, 1) == b"x"
    another = os.fork()
    if another == 0:
        signal.alarm(60)
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(another, 0)[1]) == 7
    for number in range(20):
        hub.set("game", "number", number)
        assert viewer.event()[1] == {{"number": number}}
    hub.stop()
    try:
        viewer.event()
    except Exception as closed:
        print(closed.code, flush=True)
    with Hub(addr=hub.addr) as again:
        print(Viewer(again.addr).join("game"), flush=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_a_forked_child_leaves_its_parents_hub_alone_and_makes_its_own(tmp_path: Path) -> None:
    script = FORKS.format(tests=str(Path(__file__).parent))
    assert run(tmp_path, script) == "1013\n{}\n"


def test_a_process_that_ends_with_an_open_hub_ends_at_once_and_tells_its_viewers() -> None:
    script = (
        "import sys, threading, time, circlet\n"
        "hub = circlet.Hub(port=0)\n"
        "def publish():\n"
        "    while True: hub.set('game', 'time', time.monotonic())\n"
        "threading.Thread(target=publish, daemon=True).start()\n"
        "hub.follow_ring('circlet-hub-none')\n"
        "print(hub.addr, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        viewer = Viewer(process.stdout.readline().strip())
        viewer.join("game")
        process.stdin.close()
        started = time.monotonic()
        with pytest.raises(Closed) as closed:
            while True:
                viewer.event()
        assert process.wait(SOON) == 0
        assert closed.value.code == 1013 and time.monotonic() - started < 10


def test_nothing_of_it_runs_before_one_is_made() -> None:
    script = "import circlet, circlet.hub, os; print(len(os.listdir('/proc/self/task')))"
    assert subprocess.check_output([sys.executable, "-c", script]) == b"1\n"


def test_a_signal_ends_a_process_that_waits_with_a_hub() -> None:
    script = "import circlet, time\nhub = circlet.Hub(port=0)\nprint(hub.addr, flush=True)\ntime.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().decode().strip().split(":")
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) != 0
        with pytest.raises(OSError):
            socket.create_connection((host, int(port)))
