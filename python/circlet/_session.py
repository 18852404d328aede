# A session: runs code strings that its supervisor sends, in one namespace, and sends back what came of them.
#
# It is started as `python3 -c SHELL LIBRARY DESCRIPTORS RINGS`, where SHELL is `_shell.py`, this, and a call of
# `begin`; the rest (`_session_late.py`) is loaded when a run needs it. See docs/protocol.md.
from io import TextIOBase

RUN, DATA, LINE = 1, 2, 3
OUTCOME, DISPLAY, SENT, BYTES, ASK = 2, 5, 6, 7, 8
# Flags of a run: whether somebody answers questions.
ASKS = 1
# Of compile(): give the tree, and take `await` outside of functions.
TREE, AWAIT = 0x400, 0x2000
COROUTINE = 0x80
# What `from __future__ import` sets in the flags of code, which the runs after it have too.
FUTURE = 0x1FF0000
LEAST, GREATEST = -(1 << 63), (1 << 64) - 1
# How many runs' sources are kept for tracebacks: functions of older runs appear in them without their lines.
SOURCES = 100
# Code of one line that is shorter is tried as an expression first.
SHORT = 200


class Request(Array):
    _type_, _length_ = uint64, 4


new = function(Quick, "shell_new", int32, int32, int32, int32, pointer)
ready = function(Quick, "shell_ready", pointer)
take = function(Waiting, "shell_next", pointer, Request)
send = function(Waiting, "shell_answer", pointer, int32, string, uint64)
stopped = function(Quick, "shell_stopped", pointer)
writer = function(Object, "shell_writer", pointer, int32)


class Output(TextIOBase):
    """Sends what is printed, at once."""

    encoding, errors, newlines, mode = "utf-8", "backslashreplace", None, "w"

    def __init__(self, number, name):
        # Found before the method of the class, and called without a step of Python's.
        self.write = writer(shell, number)
        self.number, self.name = number, name

    def fileno(self):
        """Returns the descriptor: what C code and programs write there is put in order with this."""
        return self.number

    def writable(self):
        """Tells that it can be written to."""
        return True

    @property
    def buffer(self):
        """Takes bytes."""
        return late()["Binary"](self)


def late():
    """Loads what few runs need, and returns all names."""
    names = globals()
    if "rich" not in names:
        text = source(b"circlet._session_late").decode()
        exec(compile(text, "<supervisor>/circlet/_session_late.py", "exec"), names)
    return names


class Late:
    # Before all others: the package circlet as the library knows it.
    @staticmethod
    def find_spec(name, path=None, target=None):
        return late()["packaged"](name) if name.startswith("circlet") else None


def plain(value):
    """Returns what few bytes of JSON say of a value, `None` for the other kinds."""
    kind = type(value)
    if value is None:
        return b"{}"
    if kind is int and LEAST <= value <= GREATEST:
        return b'{"value":%d}' % value
    if kind is bool:
        return b'{"value":true}' if value else b'{"value":false}'
    return None


flags = AWAIT


def one(code, name):
    """Compiles one short expression, which most runs are; `None` for what is none. It costs a fifth of a tree."""
    try:
        return [compile(code, name, "eval", flags, True)]
    except (SyntaxError, ValueError):
        return None


def execute(code, name):
    """Runs the code; the value of its last expression is the value of all. It is parsed once."""
    global flags
    steps = one(code, name) if len(code) < SHORT and "\n" not in code else None
    if steps is None:
        tree = compile(code, name, "exec", flags | TREE, True)
        last = tree.body.pop() if tree.body and type(tree.body[-1]).__name__ == "Expr" else None
        steps = [compile(tree, name, "exec", flags, True)] if tree.body else []
        for step in steps:
            flags |= step.co_flags & FUTURE
        if last is not None:
            from _ast import Expression

            steps.append(compile(Expression(last.value), name, "eval", flags, True))
    if any(step.co_flags & COROUTINE for step in steps):
        value = late()["awaited"](steps)
    else:
        value = None
        for step in steps:
            value = eval(step, namespace)
    if value is not None:
        namespace["_"] = value
    return value


running = False


def interrupted(number, frame):
    # A signal that comes late, for a run that is over, is of no use to this one.
    if running and stopped(shell):
        raise KeyboardInterrupt


def outcome(number, code, asks):
    """Runs the code, and says what came of it."""
    global running
    name = f"<run-{number}>"
    try:
        running = True
        if stopped(shell):
            # The interrupt came while nothing ran, or is on its way.
            raise KeyboardInterrupt
        answered["asks"] = asks
        lines(name, code)
        value = execute(code, name)
        if getpid() != home:
            late()["end_child"](None)
        body = plain(value) or late()["rich"](value)
        running = False
        return body
    except BaseException as error:
        running = False
        if getpid() != home:
            late()["end_child"](error)
        return late()["raised"](error, name)


def lines(name, code):
    """Keeps the code for tracebacks."""
    sources[name] = code
    known = sys.modules.get("linecache")
    if len(sources) > SOURCES:
        oldest = next(iter(sources))
        del sources[oldest]
        if known is not None:
            known.cache.pop(oldest, None)
    if known is not None:
        known.cache[name] = (len(code), None, code.splitlines(True), name)


# What was sent before it was asked for, the code of the last runs, and whether somebody answers questions.
data, sources, answered = [], {}, {}


def serve():
    global running
    request = Request()
    while (kind := take(shell, request)) >= 0:
        at, length, number, bits = request
        text = bytes_at(at, length)
        if kind != RUN:
            data.append((kind, text))
            continue
        try:
            body = outcome(number, text.decode(), bits & ASKS)
        except BaseException as error:
            # An interrupt that came between two steps of what an interrupt did.
            running = False
            body = late()["raised"](error, f"<run-{number}>")
        text = None
        send(shell, OUTCOME, body, len(body))
        body = None


def begin(descriptors, rings):
    """Takes the descriptors of this session, and serves its supervisor until there is none."""
    global home, shell, namespace, own
    home = getpid()
    # 2: SIGINT, without the import of signal.
    _signal.signal(2, interrupted)
    handle = (pointer * 1)()
    if new(*descriptors[:4], handle) != 0:
        sys.exit("this session's descriptors are not its supervisor's")
    shell = handle[0]
    sys.argv[:] = [""]
    sys.path.insert(0, "")
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = Output(1, "<stdout>"), Output(2, "<stderr>")
    # What the code calls `__main__` has its names, and none of these.
    own, sys.modules["__main__"] = sys.modules["__main__"], type(sys)("__main__")
    namespace = sys.modules["__main__"].__dict__
    namespace["__builtins__"] = __builtins__
    sys.meta_path.insert(0, Late)
    if rings:
        late()["give_rings"](rings, descriptors)
    __builtins__.input = lambda prompt="": late()["ask"](prompt, False)
    ready(shell)
    serve()
