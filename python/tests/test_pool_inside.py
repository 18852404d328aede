"""What calls do to the worker that they are in: pools of their own, and children."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from circlet import ProcessPool

LONG = 60


def run(folder: Path, script: str, *words: str) -> list[str]:
    """Runs a script as a program of its own, and returns the lines that it printed."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script))
    result = subprocess.run(
        [sys.executable, *(words or [str(path)])], cwd=folder, capture_output=True, text=True, timeout=LONG, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


NESTED = """
    from circlet import ProcessPool
    from elsewhere import powers

    class Thing:
        def __init__(self, size): self.size = size

    def grow(thing): return Thing(thing.size + 1)

    def inside():
        with ProcessPool(1) as pool:
            return pool.submit(grow, Thing(5)).result()

    if __name__ == "__main__":
        with ProcessPool(1) as pool:
            for call in (powers, powers, inside, inside, powers):
                value = pool.submit(call).result()
                print(getattr(value, "size", value))
            print(pool.submit(grow, Thing(1)).result().size, pool.snapshot()["pool"]["terminated"])
"""
ELSEWHERE = """
    from circlet import ProcessPool

    def powers():
        with ProcessPool(1) as pool:
            return pool.submit(pow, 5, 2).result()
"""


@pytest.mark.parametrize("words", [(), ("-m", "script")], ids=["script", "module"])
def test_a_call_may_have_a_pool_of_its_own_for_functions_of_any_module_and_of_the_main_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "elsewhere.py").write_text(textwrap.dedent(ELSEWHERE))
    assert run(tmp_path, NESTED, *words) == ["25", "25", "6", "6", "25", "2 0"]


def test_a_pool_inside_a_worker_leaves_a_main_module_alone_that_nothing_is_called_of(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(textwrap.dedent(ELSEWHERE))
    script = """
        from circlet import ProcessPool
        from elsewhere import powers
        with ProcessPool(1) as pool:
            print(pool.submit(powers).result(), pool.submit(powers).result())
    """
    assert run(tmp_path, script) == ["25 25"]


def test_a_main_module_that_makes_a_pool_as_it_is_run_is_refused_as_a_module_too(tmp_path: Path) -> None:
    script = """
        from circlet import ProcessPool
        def call(): return 1
        with ProcessPool(1) as pool:
            error = pool.submit(call).exception()
            print(type(error).__name__, 'if __name__ == "__main__"' in str(error))
    """
    assert run(tmp_path, script, "-m", "script") == ["RuntimeError True"]


def test_a_child_that_a_call_forks_ends_where_it_comes_back_from_the_call(tmp_path: Path) -> None:
    script = """
        import os, sys
        from circlet import ProcessPool

        def fork(how):
            child = os.fork()
            if child == 0:
                if how == "raise":
                    raise ValueError("in the child")
                if how == "exit":
                    sys.exit(3)
                return "child"
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        if __name__ == "__main__":
            with ProcessPool(1, output="drop") as pool:
                print([pool.submit(fork, how).result(20) for how in ("return", "raise", "exit")])
                print(list(pool.map(abs, range(-20, 0), timeout=20)) == list(range(20, 0, -1)))
                print(pool.snapshot()["pool"]["terminated"])
    """
    assert run(tmp_path, script) == ["[0, 1, 3]", "True", "0"]


class Verbatim:
    """Sends arguments as JSON whatever they are, as C can."""

    codec = 1

    @staticmethod
    def request(function: str, arguments: tuple[bytes], named: dict[str, Any]) -> tuple[bytes, bytes]:
        """Returns a call."""
        return function.encode(), arguments[0]


def test_arguments_that_are_no_json_fail_with_where_it_ends() -> None:
    with ProcessPool(1) as pool:
        pool._called, pool._line._decode = Verbatim(), json.loads  # type: ignore[assignment]
        assert pool.submit("builtins:divmod", b" [7, 2]\n").result(LONG) == [3, 1]
        for given in (b"", b"7 2", b"[7, 2", b"[7, 2] 3", b'["a', b"[7,]", b"[nan]", b"{7: 2}", b"\xff"):
            error = pool.submit("builtins:divmod", given).exception(LONG)
            assert str(error).startswith(("ValueError: the arguments are no JSON: ", "UnicodeDecodeError: ")), given
        for given in (b'"ab"', b"7", b"null"):
            error = pool.submit("builtins:divmod", given).exception(LONG)
            assert str(error).startswith("ValueError: the arguments are neither a list nor an object"), given
        assert pool.submit("builtins:divmod", b"[7, 2]").result(LONG) == [3, 1]
