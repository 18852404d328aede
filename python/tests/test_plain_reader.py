"""A reader that knows the published layout alone, against rings that circlet fills."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from circlet import SharedRingBuffer

READER = Path(__file__).parents[2] / "examples" / "python" / "plain_reader.py"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="a plain reader is for x86-64 alone")


def _start(name: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "CIRCLET"))}
    command = [sys.executable, str(READER), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_a_plain_reader_gets_every_payload_for_many_laps() -> None:
    name = f"circlet-plain-{os.getpid()}"
    payloads = [bytes((number * 31 + at * 7) & 0xFF for at in range(number * 37 % 1500)) for number in range(250)]
    laps = sum(map(len, payloads)) // 4096
    assert laps > 20
    with SharedRingBuffer.create(name, capacity=4096) as ring:
        ring.send(payloads[0])  # There is something from the start, and it begins in the middle of a ring.
        reader = _start(name)
        for payload in payloads[1:]:
            ring.send(payload, timeout=60)
        while (stats := ring.stats()).frames_received < len(payloads) and reader.poll() is None:
            pass
        assert stats.used_bytes == 0 and stats.full_events > 0
        ring.close()
        output, errors = reader.communicate(timeout=60)
    assert (reader.returncode, errors) == (0, "")
    assert output.splitlines() == [f"{len(payload)} {zlib.crc32(payload)}" for payload in payloads]


def test_a_plain_reader_that_ends_leaves_the_segment_there() -> None:
    name = f"circlet-plain-end-{os.getpid()}"
    with SharedRingBuffer.create(name, capacity=4096) as ring:
        writer = f"import circlet; circlet.SharedRingBuffer.open({name!r}).send(b'one')"
        subprocess.run([sys.executable, "-c", writer], check=True)
        reader = _start(name)
        output, errors = reader.communicate(timeout=60)
        assert (reader.returncode, output, errors) == (0, f"3 {zlib.crc32(b'one')}\n", "")
        ring.send(b"two")
        with SharedRingBuffer.open(name) as other:
            assert other.recv_copy() == b"two"


@pytest.mark.parametrize("mode", ["mpsc", "broadcast"])
def test_a_plain_reader_refuses_what_it_cannot_read(mode: str) -> None:
    name = f"circlet-plain-{mode}-{os.getpid()}"
    with SharedRingBuffer.create(name, mode=mode) as ring:  # type: ignore[arg-type]
        ring.send(b"")
        reader = _start(name)
        _, errors = reader.communicate(timeout=60)
        assert reader.returncode == 1 and "not an spsc ring" in errors
        assert Path("/dev/shm", name).exists()
