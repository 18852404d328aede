"""A Jupyter kernel whose code runs in a session: `python -m circlet.jupyter install --user` tells Jupyter of it.

The kernel is one process and its session another: code that crashes, or that is killed for want of memory, costs its
names, and the kernel says so and goes on. It needs the extra `circlet[jupyter]`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from fnmatch import fnmatchcase
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
from traitlets import Unicode

from . import CircletError, Executor, InvalidError, Question, TimedOutError, WorkerDiedError
from ._native import library

__all__ = ["SessionKernel", "main"]

#: Seconds from an interrupt to one for all that the code has started, and from there to the end of the session: as good
#: as never, as nobody who interrupts a cell wants to lose its names. Restarting does that.
_GRACE, _KILL_AFTER = 2.0, 1e6
#: Seconds that code which is asked for completions has (`__dir__`).
_PATIENCE = 2.0
#: How often it is looked whether somebody has answered, in seconds.
_LOOK_EVERY = 0.01
#: How long the thread that was told to stop may take, in seconds.
_LAST_WORDS = 1.0
#: What a frontend sends for the end of the input.
_END = "\x04"
#: The functions of `_session_look.py`.
_LOOK = "__import__('circlet_look')"


class SessionKernel(Kernel):
    """Runs the cells of one notebook in one session."""

    implementation = "circlet"
    implementation_version = library.circlet_version().decode()

    python = Unicode(sys.executable, help="The interpreter of the session.").tag(config=True)
    policy = Unicode(
        "", help="What cells may do: a template's name, a file's path, or JSON; what POLICY_FILE names else."
    ).tag(config=True)

    def __init__(self, **arguments: Any) -> None:
        """Starts the session."""
        super().__init__(**arguments)  # type: ignore[no-untyped-call]
        policy = self.policy or _policy_of_environment()
        self._executor = Executor(python=self.python, policy=policy, grace=_GRACE, kill_after=_KILL_AFTER)
        self._prepared = 0
        self._interrupts = 0
        #: Number, code, and the value as text.
        self._entries: list[tuple[int, str, str | None]] = []
        self._executor.run(f"{_LOOK}.show_values()").result()
        self._prepared = self._executor.process_id()
        sent = self._executor.run(f"{_LOOK}.answer('version')").result().sent
        version = json.loads(bytes(sent[0]))
        self.banner = f"circlet {self.implementation_version}, Python {version} in a session of its own"
        self.language_info = {
            "name": "python",
            "version": version,
            "mimetype": "text/x-python",
            "file_extension": ".py",
            "codemirror_mode": {"name": "ipython", "version": 3},
            "pygments_lexer": "ipython3",
            "nbconvert_exporter": "python",
        }

    # Cells.

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        *,
        cell_meta: Any = None,
        cell_id: Any = None,
    ) -> dict[str, Any]:
        """Runs a cell, and publishes what it prints, shows and gives as it comes."""
        count = self.execution_count
        entry = (count, code, None)
        if store_history and not silent:
            self._entries.append(entry)
        try:
            await self._prepare()
            stream = self._executor.stream(code, ask=self._ask if allow_stdin else None)
            async for chunk in stream:
                if not silent:
                    self._publish(chunk)
            outcome = await stream
        except (WorkerDiedError, TimedOutError) as error:
            words = f"{error}\nThe names of this notebook are gone: the next cell has a new session."
            return self._failed(type(error).__name__, words, words.splitlines(), silent)
        except CircletError as error:
            return self._failed(type(error).__name__, str(error), str(error).splitlines(), silent)
        if outcome.error is not None:
            kind, message, trace = outcome.error
            return self._failed(kind, message, trace.splitlines(), silent)
        text = outcome.repr
        if text is None and outcome.value is not None:
            # Of a session that was replaced unseen.
            text = repr(outcome.value)
        if text is not None and not silent:
            if self._entries and self._entries[-1] is entry:
                self._entries[-1] = (count, code, text)
            if not code.rstrip().endswith(";"):
                data = {"text/plain": text} | outcome.data
                content = {"execution_count": count, "data": data, "metadata": {}}
                self._say("execute_result", content)
        expressions = {name: await self._evaluate(text) for name, text in (user_expressions or {}).items()}
        return {"status": "ok", "execution_count": count, "payload": [], "user_expressions": expressions}

    async def _prepare(self) -> None:
        """Has a session that has taken the place of another tell values as they are to be shown."""
        if self._executor.process_id() != self._prepared:
            await self._executor.run(f"{_LOOK}.show_values()")
            self._prepared = self._executor.process_id()

    def _publish(self, chunk: Any) -> None:
        if chunk.stream in ("stdout", "stderr"):
            self._say("stream", {"name": chunk.stream, "text": chunk.text})
        elif chunk.stream == "display":
            content = {"data": chunk.data, "metadata": {}, "transient": {}}
            self._say("display_data", content)

    def _say(self, kind: str, content: dict[str, Any]) -> None:
        self.send_response(self.iopub_socket, kind, content)  # type: ignore[no-untyped-call]

    def _failed(self, kind: str, message: str, trace: list[str], silent: bool) -> dict[str, Any]:
        error = {"ename": kind, "evalue": message, "traceback": trace}
        if not silent:
            self._say("error", error)
        return {"status": "error", "execution_count": self.execution_count, **error}

    async def _evaluate(self, expression: str) -> dict[str, Any]:
        found = await self._look("evaluate", expression)
        if found is not None and "data" in found:
            return {"status": "ok", "data": found["data"], "metadata": {}}
        kind, message = (found or {}).get("error", ("CircletError", "the session did not answer"))
        return {"status": "error", "ename": kind, "evalue": message, "traceback": []}

    async def _ask(self, question: Question) -> str | None:
        """Asks whoever runs the cell for a line, until the cell is interrupted."""
        messages: Any = self.session
        interrupts = self._interrupts
        while messages.recv(self.stdin_socket)[1] is not None:
            # An answer to a question that was given up.
            pass
        ident = self._get_shell_context_var(self._shell_parent_ident)
        parent = self.get_parent("shell")  # type: ignore[no-untyped-call]
        content = {"prompt": str(question), "password": question.is_secret}
        messages.send(self.stdin_socket, "input_request", content, parent, ident=ident)
        while interrupts == self._interrupts:
            reply = messages.recv(self.stdin_socket)[1]
            if reply is not None:
                line = str(reply["content"].get("value", ""))
                return None if line == _END else line
            await asyncio.sleep(_LOOK_EVERY)
        return None

    # Stops.

    def _interrupt(self) -> None:
        self._interrupts += 1
        self._executor.interrupt()

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Interrupts the cell that runs."""
        self._interrupt()
        messages: Any = self.session
        messages.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    def pre_handler_hook(self) -> None:
        """Takes SIGINT, which some frontends send instead of a message."""
        self.saved_sigint_handler = signal.signal(signal.SIGINT, lambda *_: self._interrupt())

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Ends the session."""
        self._executor.close()
        return {"status": "ok", "restart": restart}

    # What is asked while a cell is written.

    async def _look(self, what: str, *arguments: Any) -> Any:
        """Asks the session; `None` where it does not answer."""
        try:
            # What `repr` says of lists, strings and numbers, Python reads.
            code = f"{_LOOK}.answer({what!r}, *{arguments!r})"
            sent = (await self._executor.run(code, timeout=_PATIENCE)).sent
        except CircletError:
            return None
        return json.loads(bytes(sent[0])) if sent else None

    async def do_complete(self, code: str, cursor_pos: int | None) -> dict[str, Any]:
        """Completes the name before the cursor."""
        position = len(code) if cursor_pos is None else cursor_pos
        found = await self._look("complete", code, position) or {"matches": [], "start": position, "end": position}
        return {
            "status": "ok",
            "matches": found["matches"],
            "cursor_start": found["start"],
            "cursor_end": found["end"],
            "metadata": {},
        }

    async def do_inspect(
        self, code: str, cursor_pos: int | None, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """Says what the name at the cursor stands for."""
        position = len(code) if cursor_pos is None else cursor_pos
        found = await self._look("inspect", code, position, detail_level) or {"found": False, "text": ""}
        data = {"text/plain": found["text"]} if found["found"] else {}
        return {"status": "ok", "found": found["found"], "data": data, "metadata": {}}

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        """Tells whether code can be run."""
        found = await self._look("is_complete", code) or {"status": "unknown", "indent": ""}
        if found["status"] != "incomplete":
            del found["indent"]
        return dict(found)

    async def do_history(  # noqa: PLR0917
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        """Gives the cells of this kernel, which are session 1, or 0."""
        entries = self._entries
        if hist_access_type == "range":
            entries = [] if session not in (None, 0, 1) else entries
            first, end = start or 0, sys.maxsize if stop is None else stop
            entries = [entry for entry in entries if first <= entry[0] < end]
        elif hist_access_type == "search":
            entries = [entry for entry in entries if fnmatchcase(entry[1], pattern or "*")]
            if unique:
                entries = list({entry[1]: entry for entry in entries}.values())
        if hist_access_type != "range" and n is not None:
            entries = entries[-n:] if n > 0 else []
        history = [(1, number, (code, text) if output else code) for number, code, text in entries]
        return {"status": "ok", "history": history}


def _policy_of_environment() -> str | None:
    """Returns what POLICY_FILE names: a template, a file, or JSON."""
    named = os.environ.get("POLICY_FILE")
    if named == "":
        # Whoever sets it does not mean that nothing holds.
        raise InvalidError("POLICY_FILE is set and empty: have it name a template or a file, or unset it")
    return named


class KernelApp(IPKernelApp):
    """The kernel's process."""

    def close(self) -> None:
        """Ends the threads, the one that was told to stop first: what it says last goes through the others."""
        if self.control_thread and self.control_thread.is_alive():
            self.control_thread.join(_LAST_WORDS)
        super().close()  # type: ignore[no-untyped-call]


def main(words: list[str] | None = None) -> None:
    """Installs the kernel, uninstalls it, or is it, as `python -m circlet.jupyter` with these words."""
    given = sys.argv[1:] if words is None else words
    if given and given[0] in ("install", "uninstall"):
        from ._jupyter_install import command  # noqa: PLC0415

        command(given)
    else:
        KernelApp.launch_instance(given, kernel_class=SessionKernel)


if __name__ == "__main__":
    main()
