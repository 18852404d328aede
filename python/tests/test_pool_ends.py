"""The end of an interpreter that has not closed its pools: what their calls have started ends with it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_process_pool import until

LONG = 60
SCRIPT = """
    import os, signal, subprocess, sys
    from pathlib import Path
    from circlet import ProcessPool

    def start(folder):
        child = subprocess.Popen(["sleep", "1000"])
        part = Path(folder, f"{child.pid}.part")
        part.write_text(f"{os.getpid()} {child.pid}")
        part.rename(part.with_suffix(".started"))
        return child

    def run(folder):
        start(folder).wait()

    def hang(folder):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        run(folder)

    def leave(folder):
        start(folder)

    def never(folder):
        Path(folder, "never").touch()

    if __name__ == "__main__":
        folder, how = sys.argv[1:]
        pool = ProcessPool(3, min=3, grace=0.2)
        pool.submit(leave, folder).result(60)
        calls = [pool.submit(call, folder) for call in (run, hang, hang)]
        while len(list(Path(folder).glob("*.started"))) < 4:
            pass
        waiting = [pool.submit(never, folder) for _ in range(100)]
        if how == "future":
            for call in (*calls, *waiting):
                call.add_done_callback(print)
        if how == "exit":
            sys.exit(3)
        if how == "raise":
            raise ValueError("for this reason")
"""


def is_running(pid: int) -> bool:
    """Tells whether a process has not ended, whether or not anybody has waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(("how", "code"), [("end", 0), ("future", 0), ("exit", 3), ("raise", 1)])
def test_what_calls_have_started_ends_with_an_interpreter_that_closes_no_pool(
    tmp_path: Path, how: str, code: int
) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "started"
    script.write_text(textwrap.dedent(SCRIPT))
    folder.mkdir()
    words = [sys.executable, str(script), str(folder), how]
    result = subprocess.run(words, capture_output=True, text=True, timeout=LONG, check=False)
    assert (result.returncode, result.stdout) == (code, "")
    assert ("for this reason" in result.stderr) == (how == "raise")
    assert how == "raise" or result.stderr == ""
    started = [int(pid) for file in folder.glob("*.started") for pid in file.read_text().split()]
    assert len(set(started)) >= 7
    until(lambda: not any(map(is_running, started)))
    assert not (folder / "never").exists()
