# What few runs of a session need: `_session.py` loads it among its own names.
import math

# The longest `repr` that is sent, and what a buffer may have for items: numbers, and no references.
REPR_MAX = 1 << 24
ITEMS = frozenset("?cbBhHiIlLqQnNefdg<>=@!Zx0123456789")
# What the supervisor's JSON parser reads: values nested less than 128 deep, of which some are ours.
DEPTH = 100
PNG = "image/png"


def packages():
    """Returns what a pool's worker finds the package circlet with."""
    names = dict(source=source, main="", worker_aborted=lambda: bool(stopped(shell)), used=[])
    exec(compile(source(b"circlet._pool_late").decode(), "<supervisor>/circlet/_pool_late.py", "exec"), names)
    return names


def packaged(name):
    """Finds a module of the package as the library knows it."""
    if name == "circlet_look":
        from importlib.util import spec_from_loader

        return spec_from_loader(name, Look())
    loaded["worker"] = shell
    found = loaded["packaged"](name)
    if found is not None and name == "circlet.session":

        class Loader(type(found.loader)):
            def exec_module(self, module):
                super().exec_module(module)
                module._send, module._receive, module._show = give, receive, display

        found.loader = Loader()
    return found


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
    raise InexactError


def text_of(value):
    """Returns the `repr` of a value, with lone surrogates escaped and without the middle of a very long one."""
    text = repr(value)
    if len(text) > REPR_MAX:
        half = REPR_MAX // 2
        text = f"{text[:half]}\n[circlet: {len(text) - REPR_MAX} characters are left out]\n{text[-half:]}"
    return str.encode(text, "utf-8", "backslashreplace").decode()


def buffer_of(value):
    """Returns a view of the bytes of a value that is a buffer of numbers, `None` for others."""
    try:
        view = memoryview(value)
    except TypeError:
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
        content = view.tobytes() if not view.contiguous else view.cast("B") if view.nbytes else b""
        send_buffer(BYTES, content)
    if view is None or view.nbytes < 1 << 16 or type(value).__module__ == "numpy":
        body["repr"] = text_of(value)
    if data := mime_of(value):
        body["data"] = data
    return dumps(body).encode()


def send_buffer(kind, content):
    """Sends bytes without a copy of them here."""
    if not len(content):
        send(shell, kind, b"", 0)
        return
    if isinstance(content, bytes):
        send(shell, kind, content, len(content))
        return
    import ctypes

    view = memoryview(content).cast("B")
    if view.readonly:
        content = view.tobytes()
        send(shell, kind, content, len(content))
        return
    held = (ctypes.c_char * view.nbytes).from_buffer(view)
    send_at(shell, kind, ctypes.addressof(held), view.nbytes)


send_at = function(Waiting, "shell_answer", pointer, int32, pointer, uint64)

METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
    PNG: "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}


def mime_of(value):
    """Returns how a value shows itself, by MIME type: the convention of IPython's display."""
    kind = type(value)
    if isinstance(value, type):
        return {}
    found = {}
    bundle = first(attempt(getattr(kind, "_repr_mimebundle_", None), value))
    if isinstance(bundle, dict):
        found.update((str(mime), content) for mime, content in bundle.items() if content is not None)
    for mime, name in METHODS.items():
        shown = None if mime in found else first(attempt(getattr(kind, name, None), value))
        if shown is not None:
            found[mime] = shown
    if PNG not in found and kind.__module__.startswith("matplotlib.") and hasattr(value, "savefig"):
        picture = attempt(png_of, value)
        if picture is not None:
            found[PNG] = picture
    return {mime: sayable(content) for mime, content in found.items()}


def first(shown):
    """Returns what is shown, without what some give beside it: a tuple with a dict of remarks."""
    return shown[0] if isinstance(shown, tuple) and shown else shown


def attempt(show, value):
    """Calls code of the value's, whose exceptions are of no use here; an interrupt is."""
    if show is None:
        return None
    try:
        return show(value)
    except Exception:
        return None


def sayable(content):
    if isinstance(content, (bytes, bytearray, memoryview)):
        from binascii import b2a_base64

        return b2a_base64(content, newline=False).decode()
    try:
        return exact(content)
    except (InexactError, RecursionError):
        return str.encode(str(content), "utf-8", "backslashreplace").decode()


def png_of(figure):
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def display(value):
    """Shows a value in the midst of a run."""
    from json import dumps

    data = {"text/plain": text_of(value)} | mime_of(value)
    body = dumps(data).encode()
    send(shell, DISPLAY, body, len(body))


def raised(error, name):
    """Says what was raised, from the first line of the code that was run."""
    import linecache
    from json import dumps

    for known, code in sources.items():
        if known not in linecache.cache:
            linecache.cache[known] = (len(code), None, code.splitlines(True), known)

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
    return dumps({"error": words}).encode()


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

    if not loops:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[0])
    loop = loops[0]
    task = loop.create_task(run())
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        raise


loops = []


# What goes between the caller and the code.


def request_of(kind):
    """Waits for a request of a kind while a run is under way."""
    for at, (known, body) in enumerate(data):
        if known == kind:
            del data[at]
            return body
    request = Request()
    while (known := take(shell, request)) >= 0:
        body = bytes_at(request[0], request[1])
        if known == kind:
            return body
        data.append((known, body))
    raise EOFError("the supervisor has gone")


def give(content):
    """Sends bytes to whoever runs the code."""
    send_buffer(SENT, content)


def receive():
    """Waits for bytes of whoever runs the code."""
    return request_of(DATA)


def ask(prompt, is_secret):
    """Asks whoever runs the code for a line."""
    from json import dumps

    if not answered.get("asks"):
        raise EOFError("nobody answers questions here: run the code with somebody who does")
    body = dumps((str(prompt), is_secret)).encode()
    send(shell, ASK, body, len(body))
    line = request_of(LINE).decode()
    if not line:
        raise EOFError
    return line.rstrip("\n")


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
