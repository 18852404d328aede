"""Sessions that a policy confines, from Python: what is refused, what goes on working, and what is said of a policy."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from circlet import CircletError, Executor, InvalidError, SessionPool

STRICT: dict[str, Any] = {"version": 1, "fs": {"private_tmp": True}}

# What is raised for a file in /tmp: a session's own /tmp is in its place, unless something there is allowed.
REFUSED = ("PermissionError", "FileNotFoundError")


def value(python: Executor, code: str) -> Any:
    outcome = python.run(code).result()
    assert outcome.error is None, outcome.error
    return outcome.value


def raised(python: Executor, code: str) -> str:
    error = python.run(code).result().error
    assert error is not None
    return error.type


def test_confined_code_reads_no_files_outside_and_has_no_network(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the supervisor")
    with Executor(policy=STRICT) as python:
        assert raised(python, f"open({str(secret)!r})") in REFUSED
        assert raised(python, "open('/etc/passwd')") == "PermissionError"
        assert raised(python, "import socket; socket.create_connection(('127.0.0.1', 9))") == "PermissionError"
        assert raised(python, "import subprocess; subprocess.run(['true'])") == "PermissionError"
        assert value(python, "import decimal, json; json.dumps([1])") == "[1]"


def test_temporary_files_are_the_sessions_own_and_go_with_it() -> None:
    listed = "import os, tempfile; os.listdir(tempfile.gettempdir())"
    with tempfile.NamedTemporaryFile(), Executor(policy=STRICT) as python:
        assert value(python, listed) == []
        assert value(python, "file = tempfile.NamedTemporaryFile(); file.write(b'abc')") == 3
        assert len(value(python, listed)) == 1
        python.restart()
        assert value(python, listed) == []


def test_only_variables_that_a_policy_names_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    monkeypatch.setenv("KEPT", "kept")
    env = {"allow": ["KEPT"], "set": {"ADDED": "added"}}
    with Executor(policy=STRICT | {"env": env}) as python:
        names = ["SECRET_TOKEN", "KEPT", "ADDED", "HOME"]
        assert value(python, f"import os; [os.environ.get(name) for name in {names}]") == [None, "kept", "added", None]


def test_limits_of_a_policy_hold_for_runs() -> None:
    limits = {"wall_ms": 300, "output_bytes": 1000}
    with Executor(policy=STRICT | {"limits": limits}) as python:
        outcome = python.run("while True: pass").result()
        assert outcome.stopped == "interrupted"
        stdout = python.run("print('x' * 100_000)").result().stdout
        assert stdout.startswith("x" * 1000) and len(stdout) < 2000


def test_sessions_of_a_pool_are_confined_and_so_is_what_takes_their_place() -> None:
    with SessionPool(policy=STRICT, ready=1) as pool, pool.open() as python:
        for _ in range(2):
            assert raised(python, "open('/etc/passwd')") == "PermissionError"
            python.restart()
    with Executor(policy=STRICT, ready=1, recycle_after=1) as python:
        for _ in range(3):
            assert raised(python, "open('/etc/passwd')") == "PermissionError"


def reads(tmp_path: Path) -> dict[str, Any]:
    rule = {"action": "allow", "paths": [str(tmp_path)], "access": ["read", "list"]}
    return {"version": 1, "fs": {"rules": [rule]}}


def test_a_policy_is_a_dict_its_json_a_file_or_a_template(tmp_path: Path) -> None:
    document = reads(tmp_path)
    file = tmp_path / "own.json"
    file.write_text(json.dumps(document))
    code = f"open({str(file)!r}).read(1)"
    for policy in (document, json.dumps(document), str(file), file):
        with Executor(policy=policy) as python:
            assert value(python, code) == "{", policy
            assert raised(python, "open('/etc/passwd')") == "PermissionError"
    with Executor(policy="strict") as python:
        assert raised(python, code) in REFUSED


def test_a_relative_path_is_a_file_even_where_a_template_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("strict").write_text(json.dumps(reads(tmp_path)))
    with Executor(policy=Path("strict")) as python:
        assert value(python, "open('strict').read(1)") == "{"


def test_of_several_policies_all_hold(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    both = [reads(tmp_path), "strict"]
    with Executor(policy=both) as python:
        assert raised(python, f"open({str(tmp_path / 'file')!r})") == "PermissionError"
    shared = [reads(tmp_path), {**reads(tmp_path), "limits": {"wall_ms": 200}}]
    for policy in (shared, json.dumps(shared)):
        with Executor(policy=policy) as python:
            assert value(python, f"open({str(tmp_path / 'file')!r}).read()") == "text"
            assert python.run("while True: pass").result().stopped == "interrupted"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"version": 1, "fs": {"default": "permit"}}, "fs.default: unknown variant `permit`"),
        ({"version": 1, "limits": {"wall_ms": 0}}, "limits.wall_ms: 0: give a number above 0"),
        ({"version": 2}, "version: 2 is not known here"),
        ({"version": 1, "files": {}}, "unknown field `files`"),
        (["strict", {"version": 1, "net": {"default": 7}}], r"\[1\].net.default"),
        (["strict", "strikt"], r"\[1\]: `strikt` is no file and no template"),
        ("strikt", "the templates are strict, no-network"),
        ("none.json", "none.json cannot be read"),
        (Path("none"), "/none cannot be read"),
        ("{", "EOF"),
        ("a\0b", "NUL"),
        ([], "give at least one policy"),
        (7, "policy is 7: give a dict"),
        ([None], "policy is None: give a dict"),
        ({"version": {1}}, "the policy is no JSON"),
        ({"version": float("nan")}, "the policy is no JSON"),
    ],
)
def test_a_policy_that_is_none_is_refused_with_the_place_in_it(policy: Any, words: str) -> None:
    for make in (Executor, SessionPool):
        with pytest.raises(InvalidError, match=words):
            make(policy=policy)


def test_a_policy_that_cannot_be_enforced_starts_no_session() -> None:
    rules = [
        {"action": "allow", "paths": ["/usr"], "access": ["read", "list"]},
        {"action": "deny", "paths": ["/usr/share"], "access": ["read"]},
    ]
    with pytest.raises(CircletError, match=r"the policy cannot be enforced: fs.rules\[1\]: ") as caught:
        Executor(policy={"version": 1, "fs": {"rules": rules}})
    assert caught.value.status == "CIRCLET_UNSUPPORTED"
