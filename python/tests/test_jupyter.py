"""The Jupyter kernel, by the public suite `jupyter_kernel_test` and by a client as notebooks use it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupyter_kernel_test
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

NAME = "circlet-under-test"
PATIENCE = 60


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Installs the kernel in a folder of the tests' own, which Jupyter looks at."""
    prefix = tmp_path_factory.mktemp("jupyter")
    words = ["install", "--prefix", str(prefix), "--name", NAME, "--display-name", "Circlet"]
    subprocess.run([sys.executable, "-m", "circlet.jupyter", *words], check=True, env=environment())
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(prefix / "share" / "jupyter")
    yield prefix
    if before is None:
        del os.environ["JUPYTER_PATH"]
    else:
        os.environ["JUPYTER_PATH"] = before


def environment() -> dict[str, str]:
    """Returns an environment in which the package is found."""
    package = str(Path(__file__).parents[1])
    return os.environ | {"PYTHONPATH": package}


class TestKernel(jupyter_kernel_test.KernelTests):
    """The public suite."""

    kernel_name = NAME
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('oops', file=sys.stderr)"
    completion_samples = [  # noqa: RUF012
        {"text": "isinst", "matches": {"isinstance"}},
        {"text": "import subproc", "matches": {"subprocess"}},
        {"text": "str.isal", "matches": {"isalnum", "isalpha"}},
    ]
    complete_code_samples = ["1", "print('hello')", "def f(x):\n  return x * 2\n", "await f()"]  # noqa: RUF012
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x * 2", "(1,"]  # noqa: RUF012
    invalid_code_samples = ["import = 7q", "1 1"]  # noqa: RUF012
    code_generate_error = "1 / 0"
    code_execute_result = [  # noqa: RUF012
        {"code": "6 * 7", "result": "42"},
        {"code": "(1, 'two')", "result": "(1, 'two')"},
        {"code": "7 * 6", "result": "42"},
    ]
    code_display_data = [  # noqa: RUF012
        {"code": "from circlet.session import display; display('shown')", "mime": "text/plain"},
        {
            "code": "class Page:\n    def _repr_html_(self): return '<b>page</b>'\ndisplay(Page())",
            "mime": "text/html",
        },
    ]
    code_history_pattern = "6*7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "isinstance"


@pytest.fixture
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel of the test's own, and a client of it."""
    manager, client = start_new_kernel(kernel_name=NAME, startup_timeout=PATIENCE)
    yield manager, client
    client.stop_channels()
    if manager.has_kernel:
        manager.shutdown_kernel()


class Cell:
    """A cell that was run to its end: its reply, and what was published meanwhile."""

    def __init__(self, client: BlockingKernelClient, code: str, **how: Any) -> None:
        """Runs it."""
        self.messages: list[dict[str, Any]] = []
        reply = client.execute_interactive(
            code, timeout=PATIENCE, output_hook=self.messages.append, allow_stdin="stdin_hook" in how, **how
        )
        self.reply: dict[str, Any] = reply["content"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Returns the contents of the messages of a kind."""
        return [message["content"] for message in self.messages if message["msg_type"] == kind]

    def text(self, stream: str = "stdout") -> str:
        """Returns what was printed."""
        return "".join(part["text"] for part in self.of("stream") if part["name"] == stream)


def test_a_cell_streams_gives_its_value_and_counts(kernel):
    _, client = kernel
    cell = Cell(client, "import sys, subprocess\nprint('é'); subprocess.run(['echo', 'child'])\nNone")
    assert cell.text() == "é\nchild\n"
    assert not cell.of("execute_result")
    first = Cell(client, "x = {1: (2, 3)}; x")
    (result,) = first.of("execute_result")
    assert result["data"] == {"text/plain": "{1: (2, 3)}"}
    assert result["execution_count"] == first.reply["execution_count"]
    assert Cell(client, "_[1]").of("execute_result")[0]["data"]["text/plain"] == "(2, 3)"
    assert not Cell(client, "x;").of("execute_result")
    html = "class H:\n    def _repr_html_(self): return '<i>h</i>'\n    def __repr__(self): return 'H'\nH()"
    assert Cell(client, html).of("execute_result")[0]["data"] == {"text/plain": "H", "text/html": "<i>h</i>"}


def test_an_exception_is_told_with_the_lines_of_its_cell(kernel):
    _, client = kernel
    Cell(client, "def f(x):\n    return 1 / x")
    cell = Cell(client, "f(0)")
    assert (cell.reply["status"], cell.reply["ename"]) == ("error", "ZeroDivisionError")
    (error,) = cell.of("error")
    trace = "\n".join(error["traceback"])
    assert "return 1 / x" in trace and trace.endswith("ZeroDivisionError: division by zero")


def test_silent_cells_publish_nothing_and_do_not_count(kernel):
    _, client = kernel
    before = Cell(client, "y = 1").reply["execution_count"]
    cell = Cell(client, "print('quiet'); y = 2; y", silent=True)
    assert [message["msg_type"] for message in cell.messages] == ["status", "status"]
    after = Cell(client, "y", store_history=False)
    assert after.of("execute_result")[0]["data"]["text/plain"] == "2"
    assert after.reply["execution_count"] == before + 1
    client.history(hist_access_type="tail", n=10)
    history = client.get_shell_msg(timeout=PATIENCE)["content"]["history"]
    assert [code for _, _, code in history] == ["y = 1"]


def test_expressions_of_the_frontend_come_with_the_reply(kernel):
    _, client = kernel
    cell = Cell(client, "z = 5", user_expressions={"good": "z + 1", "bad": "nothing"})
    given = cell.reply["user_expressions"]
    assert given["good"] == {"status": "ok", "data": {"text/plain": "6"}, "metadata": {}}
    assert (given["bad"]["status"], given["bad"]["ename"]) == ("error", "NameError")


def test_input_is_asked_of_the_frontend(kernel):
    _, client = kernel
    asked = []

    def answer(message: dict[str, Any]) -> None:
        asked.append(message["content"])
        client.input("me")

    cell = Cell(client, "name = input('who? '); name", stdin_hook=answer)
    assert cell.of("execute_result")[0]["data"]["text/plain"] == "'me'"
    assert asked == [{"prompt": "who? ", "password": False}]
    assert Cell(client, "input()").reply["ename"] == "EOFError"


def begun(client: BlockingKernelClient, code: str, **how: Any) -> str:
    """Begins a cell, and waits until it prints. What fails takes none of the cells along that are sent just then."""
    number = client.execute(code, stop_on_error=False, **how)
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE)
        if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == number:
            return number


def reply_to(client: BlockingKernelClient, number: str) -> dict[str, Any]:
    while True:
        message = client.get_shell_msg(timeout=PATIENCE)
        if message["parent_header"].get("msg_id") == number:
            return message["content"]


def test_an_interrupt_ends_the_cell_and_keeps_the_names(kernel):
    manager, client = kernel
    Cell(client, "kept = 3")
    number = begun(client, "import time\nprint('begun')\ntime.sleep(600)")
    manager.interrupt_kernel()
    assert reply_to(client, number)["ename"] == "KeyboardInterrupt"
    # Code that takes the first for something else gets the next one.
    code = "try:\n    print('begun'); time.sleep(600)\nexcept KeyboardInterrupt:\n    print('go on'); time.sleep(600)"
    number = begun(client, code)
    manager.interrupt_kernel()
    while client.get_iopub_msg(timeout=PATIENCE)["content"].get("text") != "go on\n":
        pass
    manager.interrupt_kernel()
    assert reply_to(client, number)["ename"] == "KeyboardInterrupt"
    assert Cell(client, "kept").of("execute_result")[0]["data"]["text/plain"] == "3"


def test_an_interrupt_ends_a_question(kernel):
    manager, client = kernel
    number = client.execute("input('who? ')", allow_stdin=True, stop_on_error=False)
    client.get_stdin_msg(timeout=PATIENCE)
    manager.interrupt_kernel()
    assert reply_to(client, number)["ename"] == "KeyboardInterrupt"
    assert Cell(client, "1").reply["status"] == "ok"


def test_a_session_that_dies_costs_its_names_and_not_the_kernel(kernel):
    _, client = kernel
    Cell(client, "kept = 3")
    cell = Cell(client, "import os; os.kill(os.getpid(), 9)")
    assert cell.reply["ename"] == "WorkerDiedError"
    assert "killed by signal 9" in cell.reply["evalue"] and "names of this notebook are gone" in cell.reply["evalue"]
    assert Cell(client, "kept").reply["ename"] == "NameError"
    assert Cell(client, "(1,)").of("execute_result")[0]["data"]["text/plain"] == "(1,)"


def test_a_restart_begins_anew_and_a_shutdown_leaves_no_process(kernel):
    manager, client = kernel
    process = Cell(client, "import os; kept = 3; os.getpid()").of("execute_result")[0]["data"]["text/plain"]
    manager.restart_kernel(now=False)
    client.wait_for_ready(timeout=PATIENCE)
    assert Cell(client, "kept").reply["ename"] == "NameError"
    other = Cell(client, "import os; os.getpid()").of("execute_result")[0]["data"]["text/plain"]
    assert other != process
    manager.shutdown_kernel()
    until = time.monotonic() + PATIENCE
    while any(Path("/proc", number).exists() for number in (process, other)):
        assert time.monotonic() < until, "a session is still there"


def test_names_that_are_looked_at_are_not_run(kernel):
    _, client = kernel
    Cell(client, "class C:\n    @property\n    def loud(self): print('run'); return 'x'\nc = C()")
    client.complete("c.loud.")
    assert client.get_shell_msg(timeout=PATIENCE)["content"]["matches"] == []
    client.complete("c.lo")
    reply = client.get_shell_msg(timeout=PATIENCE)["content"]
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["loud"], 2, 4)
    client.inspect("c.loud")
    assert not client.get_shell_msg(timeout=PATIENCE)["content"]["found"]
    with pytest.raises(queue.Empty):
        while client.get_iopub_msg(timeout=0.2)["msg_type"] != "stream":
            pass


def test_the_console_runs_cells(installed):
    words = [sys.executable, "-m", "jupyter_console", "--kernel", NAME, "--simple-prompt"]
    done = subprocess.run(words, input="6 * 7\nexit\n", capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "42" in done.stdout, done


@pytest.mark.parametrize("is_named_by", ["specification", "environment"])
def test_cells_are_confined_by_the_policy_of_the_specification_or_of_the_environment(installed, tmp_path, is_named_by):
    name, file = f"circlet-{is_named_by}", tmp_path / "own.json"
    file.write_text(json.dumps({"version": 1, "fs": {"private_tmp": True}}))
    words = [sys.executable, "-m", "circlet.jupyter", "install", "--prefix", str(installed), "--name", name]
    by_specification = is_named_by == "specification"
    # The kernel runs in another folder than this.
    words += ["--policy", "./own.json"] if by_specification else []
    subprocess.run(words, check=True, cwd=tmp_path, env=environment())
    variables = {} if by_specification else {"POLICY_FILE": str(file)}
    manager, client = start_new_kernel(kernel_name=name, startup_timeout=PATIENCE, env=os.environ | variables)
    try:
        assert Cell(client, "open('/etc/passwd')").reply["ename"] == "PermissionError"
        assert Cell(client, "import tempfile; print(tempfile.TemporaryFile().write(b'abc'))").text() == "3\n"
        client.complete("isinst", 6)
        assert client.get_shell_msg(timeout=PATIENCE)["content"]["matches"] == ["isinstance"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


@pytest.mark.parametrize(("named", "words"), [("", "POLICY_FILE is set and empty"), ("strikt", "no template")])
def test_no_kernel_starts_where_the_environment_names_no_policy(named, words):
    start = "from circlet.jupyter import SessionKernel; SessionKernel()"
    variables = environment() | {"POLICY_FILE": named}
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, env=variables, check=False)
    assert done.returncode != 0 and words in done.stderr, done


def test_a_kernel_is_uninstalled_where_it_was_installed(installed):
    words = [sys.executable, "-m", "circlet.jupyter"]
    there = ["--prefix", str(installed), "--name", "circlet-again"]
    subprocess.run([*words, "install", *there], check=True, env=environment())
    place = installed / "share/jupyter/kernels/circlet-again"
    assert (place / "kernel.json").exists()
    subprocess.run([*words, "uninstall", *there], check=True, env=environment())
    assert not place.exists()
    words += ["uninstall", *there]
    again = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert again.returncode == 1 and "there is no kernel circlet-again" in again.stderr
