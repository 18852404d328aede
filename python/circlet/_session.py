# A session: runs code strings that its supervisor sends, in one namespace, and sends back what came of them.
#
# It is started as `python3 -c SHELL LIBRARY DESCRIPTORS RINGS`, where SHELL is `_shell.py`, this, and a call of
# `begin`; the rest (`_session_late.py` and others) is loaded when a run needs it. See docs/protocol.md.
import _thread
from io import BufferedReader, RawIOBase, TextIOBase, TextIOWrapper

RUN, DATA, LINE, HEAP = 1, 2, 3, 4
OUTCOME, DISPLAY, SENT, BYTES, ASK, STATE = 2, 5, 6, 7, 8, 9
# Flags of a run: whether somebody answers questions, and whether somebody keeps a log.
ASKS, STATES = 1, 2
# Of compile(): give the tree, and take `await` outside of functions.
TREE, AWAIT = 0x400, 0x2000
COROUTINE = 0x80
# What `from __future__ import` sets in the flags of code, which the runs after it have too.
FUTURE = 0x1FF0000
LEAST, GREATEST = -(1 << 63), (1 << 64) - 1
# Modules of others that have another way to ask or to show here.
CHANGED = frozenset(("getpass", "matplotlib", "matplotlib.pyplot", "IPython.core.display_functions"))
# How many runs' sources are kept for tracebacks: functions of older runs appear in them without their lines.
SOURCES = 100
# Code of one line that is shorter is tried as an expression first.
SHORT = 200


class double(_SimpleCData):
    _type_ = "d"


class Request(Array):
    _type_, _length_ = uint64, 4


new = function(Quick, "shell_new", int32, int32, int32, int32, pointer)
ready = function(Quick, "shell_ready", pointer)
take = function(Waiting, "shell_begin", pointer, Request)
send = function(Waiting, "shell_answer", pointer, int32, string, uint64)
stopped = function(Quick, "shell_stopped", pointer)
writer = function(Object, "shell_writer", pointer, int32)


class Asked(RawIOBase):
    """Has the lines that whoever runs the code gives when they are asked for."""

    name, mode = "<stdin>", "rb"

    def readinto(self, room):
        """Asks for a line, and gives what has room of it; nothing where nobody answers."""
        return late("input")["read_into"](room)

    def readable(self):
        """Tells that it can be read from."""
        return True


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


def late(part="late"):
    """Loads what few runs need, one part or another, and returns all names."""
    if part not in parts:
        # Threads of the code may come at the same time.
        with loading:
            if part != "late":
                late()
            if part not in parts:
                load(part)
    return globals()


def load(part):
    # An interrupt, which comes in the first thread, comes before it or after it, and does not leave half of it.
    global is_held, is_missed
    is_first = _thread.get_ident() == first_thread
    if is_first:
        is_missed, is_held = False, True
    try:
        text = source(b"circlet._session_" + part.encode()).decode()
        exec(compile(text, f"<supervisor>/circlet/_session_{part}.py", "exec"), globals())
        parts.add(part)
    finally:
        if is_first:
            is_held = False
    if is_first and is_missed:
        raise KeyboardInterrupt


parts, loading, first_thread = set(), _thread.RLock(), _thread.get_ident()


class Late:
    # Before all others: the package circlet as the library knows it, and what is changed here.
    @staticmethod
    def find_spec(name, path=None, target=None):
        return late()["found"](name, path, target) if name in CHANGED or name.startswith("circlet") else None


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


# Whether a run is under way, whether interrupts are held back and one came then, and what ends code that awaits.
running, is_held, is_missed, cancel = False, False, False, None


def interrupted(number, frame):
    global is_missed
    # A signal that comes late, for a run that is over, is of no use to this one.
    if not (running and stopped(shell)):
        return
    if is_held:
        is_missed = True
    elif cancel is None or not cancel(frame):
        raise KeyboardInterrupt


def unraised(what):
    """Python drops what is raised in a finalizer: an interrupt comes again."""
    if what.exc_type is KeyboardInterrupt and running and stopped(shell):
        _thread.interrupt_main()
    else:
        sys.__unraisablehook__(what)


def outcome(number, code):
    """Runs the code, and says what came of it."""
    global running
    name = f"<run-{number}>"
    try:
        if wishes & STATES:
            late()["tell"]("exec_start")
        running = True
        if stopped(shell):
            # The interrupt came while nothing ran, or is on its way.
            raise KeyboardInterrupt
        lines(name, code)
        value = execute(code, name)
        if getpid() != home:
            late()["end_child"](None)
        if after is not None:
            after(value)
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
        known.cache[name] = (len(code), None, rows(code), name)


def rows(code):
    """Returns the lines of code, as Python has them, each with its end."""
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        del lines[-1]
    return [line + "\n" for line in lines]


# The code of the last runs, the number and the flags of the run, and what is to be done after each.
sources, current, wishes, after = {}, 0, 0, None


def serve():
    global running, current, wishes
    request = Request()
    while (kind := take(shell, request)) >= 0:
        at, length, current, wishes = request
        text = bytes_at(at, length)
        try:
            if wishes & STATES:
                late()["tell"]("code_received")
            body = outcome(current, text.decode()) if kind == RUN else late()["heap"](text)
        except BaseException as error:
            # An interrupt that came between two steps of what an interrupt did.
            running = False
            try:
                body = late()["raised"](error, f"<run-{current}>")
            except BaseException:
                # Nothing can be said any more, for example for want of memory.
                body = b'{"error":{"type":"%s","message":"","traceback":""}}' % type(error).__name__.encode()
        text = None
        if wishes & STATES:
            late()["tell"]("exec_end")
        send(shell, OUTCOME, body, len(body))
        body = None


def begin(descriptors, rings):
    """Takes the descriptors of this session, and serves its supervisor until there is none."""
    global home, shell, namespace, own, given_input
    home = getpid()
    # 2: SIGINT, without the import of signal.
    _signal.signal(2, interrupted)
    sys.unraisablehook = unraised
    handle = (pointer * 1)()
    if new(*descriptors[:4], handle) != 0:
        sys.exit("this session's descriptors are not its supervisor's")
    shell = handle[0]
    sys.argv[:] = [""]
    sys.path.insert(0, "")
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = Output(1, "<stdout>"), Output(2, "<stderr>")
    sys.stdin = sys.__stdin__ = TextIOWrapper(BufferedReader(Asked()), "utf-8")
    # What the code calls `__main__` has its names, and none of these.
    own, sys.modules["__main__"] = sys.modules["__main__"], type(sys)("__main__")
    namespace = sys.modules["__main__"].__dict__
    namespace["__builtins__"] = __builtins__
    sys.meta_path.insert(0, Late)
    if rings:
        late()["give_rings"](rings, descriptors)
    given_input, __builtins__.input = __builtins__.input, lambda prompt="": late("input")["ask"](prompt)
    __builtins__.display = lambda *values, **how: late("shown")["display"](*values, **how)
    for name in CHANGED.intersection(sys.modules):
        # The fork server has it already.
        late("input" if name == "getpass" else "shown")["CHANGES"][name](sys.modules[name], id)
    if ready(shell) == 1:
        late("watched")["watch"]()
    serve()
    # An interrupt is for nothing any more, and would kill an interpreter that is about to end. 1: to ignore it.
    _signal.signal(2, 1)
    if "threading" in sys.modules:
        # Threads of the code end with the session: Python would wait for them.
        sys.modules["threading"]._shutdown = lambda: None
