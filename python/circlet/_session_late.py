# What few runs of a session need: `_session.py` loads it among its own names.
import math

# The longest `repr` that is sent, and what a buffer may have for items: numbers, and no references.
REPR_MAX = 1 << 24
# The longest message, 1 GiB with its header.
MESSAGE_MAX = (1 << 30) - 16
ITEMS = frozenset("?cbBhHiIlLqQnNefdg<>=@!Zx0123456789")
# What the supervisor's JSON parser reads: values nested less than 128 deep, of which some are ours.
DEPTH = 100


def packages():
    """Returns what a pool's worker finds the package circlet with."""
    names = dict(source=source, main="", worker_aborted=lambda: bool(stopped(shell)), used=[])
    exec(compile(source(b"circlet._pool_late").decode(), "<supervisor>/circlet/_pool_late.py", "exec"), names)
    return names


def found(name, path, target):
    """Finds a module of the package as the library knows it, or one that is changed when it is loaded."""
    if name == "circlet_look":
        from importlib.util import spec_from_loader

        return spec_from_loader(name, Look())
    if name not in CHANGED:
        loaded["worker"] = shell
        spec = loaded["packaged"](name)
        change = in_session if name == "circlet.session" else None
    else:
        finders = (finder for finder in sys.meta_path if finder is not Late)
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        change = late("input" if name == "getpass" else "shown")["CHANGES"][name]
    if spec is not None and change is not None:
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: change(module, load)
    return spec


def in_session(module, load):
    load(module)
    module._send, module._receive, module._show = give, receive, late("shown")["display"]


class Look:
    """Loads what editors ask."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = "<supervisor>/circlet/_session_look.py"
        exec(compile(source(b"circlet._session_look").decode(), module.__file__, "exec"), module.__dict__)
        module.session = globals()


loaded = packages()
end_child, said = loaded["end_child"], loaded["said"]


# What comes of a run.


class InexactError(Exception):
    """A value that JSON cannot say exactly."""


def exact(value, depth=0):
    """Returns the value in plain types that every JSON parser reads back as they are; raises `InexactError`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return str.encode(value).decode()
        except UnicodeEncodeError:
            raise InexactError from None
    if isinstance(value, int) and LEAST <= (number := int.__int__(value)) <= GREATEST:
        return number
    if isinstance(value, float) and math.isfinite(real := float.__float__(value)):
        return real
    if isinstance(value, (list, tuple, dict)) and depth < DEPTH:
        # Copies of the items: other threads, and what a subclass overrides, cannot change them on the way.
        if not isinstance(value, dict):
            items = list.copy(value) if isinstance(value, list) else tuple.__getitem__(value, slice(None))
            return [exact(item, depth + 1) for item in items]
        entries = dict.copy(value)
        if all(isinstance(key, str) for key in entries):
            return {exact(key): exact(item, depth + 1) for key, item in entries.items()}
    numpy = sys.modules.get("numpy")
    if numpy is not None and depth < DEPTH and isinstance(value, numpy.generic):
        item = value.item()
        if not isinstance(item, numpy.generic):
            return exact(item, depth + 1)
    raise InexactError


def text_of(value):
    """Returns the `repr` of a value, with lone surrogates escaped and without the middle of a very long one."""
    text = repr(value)
    if len(text) > REPR_MAX:
        half = REPR_MAX // 2
        text = f"{text[:half]}\n[circlet: {len(text) - REPR_MAX} characters are left out]\n{text[-half:]}"
    return plain_text(text)


def plain_text(text):
    """Returns text with lone surrogates escaped: UTF-8 has none."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


def buffer_of(value):
    """Returns a view of the bytes of a value that is a buffer of numbers, `None` for others."""
    try:
        if str(type(value).__module__).startswith("numpy.ma"):
            # Its bytes are without its mask.
            return None
        view = memoryview(value)
    except Exception:
        return None
    return view if ITEMS.issuperset(view.format) else None


def rich(value):
    """Returns what JSON says of a value."""
    from json import dumps

    try:
        return dumps({"value": exact(value)}, allow_nan=False).encode()
    except (InexactError, RecursionError):
        pass
    body = {}
    view = buffer_of(value)
    if view is not None:
        body["bytes"] = (view.format, view.shape)
        send_buffer(BYTES, value)
    if view is None or view.nbytes < 1 << 16 or str(type(value).__module__) == "numpy":
        body["repr"] = text_of(value)
    try:
        data = late("shown")["mime_of"](value)
    except Exception:
        # Of a type that cannot even be looked at.
        data = None
    if data:
        body["data"] = data
    return dumps(body).encode()


class Buffer(Array):
    """A `Py_buffer`: its first word is where the bytes lie, its third how many there are."""

    _type_, _length_ = uint64, 10


python = dlopen(None, 0)
get_buffer, release_buffer = Quick(dlsym(python, "PyObject_GetBuffer")), Quick(dlsym(python, "PyBuffer_Release"))
get_buffer.argtypes, release_buffer.argtypes = (py_object, Buffer, int32), (Buffer,)
send_at = function(Waiting, "shell_answer", pointer, int32, pointer, uint64)


def send_buffer(kind, content):
    """Sends bytes in C order, from where they lie if that is their order; returns a status."""
    size = memoryview(content).nbytes
    if size > MESSAGE_MAX:
        raise ValueError(f"{size} bytes are too long to be sent at once: at most {MESSAGE_MAX} are allowed")
    if not memoryview(content).c_contiguous:
        content = memoryview(content).tobytes()
    held = Buffer()
    get_buffer(content, held, 0)
    try:
        return send_at(shell, kind, held[0], held[2])
    finally:
        release_buffer(held)


def raised(error, name):
    """Says what was raised, from the first line of the code that was run."""
    import linecache
    from contextlib import suppress
    from json import dumps

    for known, code in sources.items():
        if known not in linecache.cache:
            linecache.cache[known] = (len(code), None, rows(code), known)

    def trace():
        from traceback import format_exception

        begin = error.__traceback__
        while begin is not None and begin.tb_frame.f_code.co_filename != name:
            begin = begin.tb_next
        # Without the handler's own frame, from which an interrupt is raised.
        at = begin
        while at is not None and at.tb_next is not None:
            if at.tb_next.tb_frame.f_code is interrupted.__code__:
                at.tb_next = None
            at = at.tb_next
        return "".join(format_exception(type(error), error, begin))

    words = {"type": type(error).__name__, "message": said(lambda: str(error)), "traceback": said(trace)}
    if after is not None and not isinstance(error, KeyboardInterrupt):
        with suppress(BaseException):
            after(None)
    if wishes & STATES:
        tell("exception", type=words["type"], message=words["message"])
    return dumps({"error": words}).encode()


def heap(text):
    """Says what is on the heap, between two runs."""
    global running
    from json import dumps, loads

    running = True
    try:
        if stopped(shell):
            raise KeyboardInterrupt
        if not taken:
            names = {}
            exec(compile(source(b"circlet._pool_heap").decode(), "<supervisor>/circlet/_pool_heap.py", "exec"), names)
            taken.append(names["snapshot"])
        return dumps({"value": taken[0](*loads(text))}).encode()
    finally:
        running = False


taken = []


def tell(state, **more):
    """Says what becomes of the run, and when."""
    from json import dumps
    from time import monotonic_ns, time_ns

    words = {"state": state, "unix_ms": time_ns() / 1e6, "monotonic_ms": monotonic_ns() / 1e6}
    body = dumps(words | more).encode()
    send(shell, STATE, body, len(body))


# Top-level await.


def awaited(steps):
    """Runs code that awaits in the session's event loop, which stays from run to run; returns the last value."""
    import asyncio

    async def run():
        value = None
        for step in steps:
            value = eval(step, namespace)
            if step.co_flags & COROUTINE:
                value = await value
        return value

    global cancel
    if not loops:
        loops.append(new_loop())
    loop, is_cancelled, standard = loops[0], False, asyncio.__file__.rpartition("asyncio")[0]
    task = loop.create_task(run())

    def end(frame):
        # As asyncio.Runner does it: what is raised amid the loop's own work, or in what that calls of Python's, could
        # cost a task its next step, and hold up who waits for it. Code of a task's that is at it gets the interrupt
        # itself.
        nonlocal is_cancelled
        place = frame.f_code.co_filename
        is_pythons = place.startswith(standard) and "-packages" not in place
        is_amid = asyncio.current_task(loop) is None or is_pythons
        if is_cancelled or task.done() or not is_amid:
            return False
        is_cancelled = True
        task.cancel()
        loop.call_soon_threadsafe(id, None)
        return True

    cancel, given = end, _signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    try:
        return loop.run_until_complete(task)
    except asyncio.CancelledError:
        if is_cancelled:
            raise KeyboardInterrupt from None
        raise
    except BaseException:
        if not task.done():
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        raise
    finally:
        cancel = None
        _signal.set_wakeup_fd(given)


def new_loop():
    """Makes the session's event loop, which signals wake: one that comes just before it sleeps is not seen else."""
    global wake
    import asyncio
    from socket import socketpair

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    woken, wake = socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    loop.add_reader(woken, woken.recv, 4096)
    return loop


loops = []


# What goes between the caller and the code.


def request_of(kind, asked_in=None):
    """Waits for a request of a kind, in turns, so that an interrupt is seen; for a line until its run is over."""
    while True:
        got = received(shell, kind, TURN_MS)
        if type(got) is bytes:
            return got
        if got != TIMED_OUT:
            raise EOFError("the supervisor has gone")
        if asked_in is not None and not (running and current == asked_in):
            raise EOFError("the run that asked for a line is over")


received = function(Object, "shell_receive", pointer, int32, double)
TURN_MS, TIMED_OUT = 50.0, -18


def give(content):
    """Sends bytes to whoever runs the code."""
    if buffer_of(content) is None:
        kind = type(content).__name__
        raise TypeError(
            f"send() takes a buffer of numbers (bytes, a memoryview, an array), not {kind}: encode it first"
        )
    if send_buffer(SENT, content) < 0:
        raise RuntimeError("nobody takes what is sent here: no run is under way, or the supervisor has gone")


def receive():
    """Waits for bytes of whoever runs the code."""
    return request_of(DATA)


class Binary:
    """Takes bytes for a stream, as the `buffer` of a file does."""

    def __init__(self, stream):
        self.stream, self.raw, self.name, self.mode, self.closed = stream, self, stream.name, "wb", False

    def write(self, content):
        """Sends bytes; returns how many."""
        content = bytes(content)
        if printed(shell, self.stream.number, content, len(content)) < 0:
            raise BrokenPipeError("the supervisor has gone")
        return len(content)

    def flush(self):
        """Everything has been sent."""

    def fileno(self):
        """Returns the stream's descriptor."""
        return self.stream.number

    def writable(self):
        """Tells that it can be written to."""
        return True

    def readable(self):
        """Tells that it cannot be read from."""
        return False

    def isatty(self):
        """Tells that it is no terminal."""
        return False


printed = function(Waiting, "shell_print", pointer, int32, string, uint64)


def give_rings(given, descriptors):
    """Opens the caller's rings: pairs of a name for the code, and a descriptor's index or the name of a segment."""
    from json import loads

    from circlet.ring import SharedRingBuffer

    namespace["rings"] = {
        alias: SharedRingBuffer.open(place) if isinstance(place, str) else SharedRingBuffer.from_fd(descriptors[place])
        for alias, place in loads(given)
    }
