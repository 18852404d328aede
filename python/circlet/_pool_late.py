# What few calls of a pool's worker need: `_pool_worker.py` loads it with the names `source`, `main`, `worker_aborted`,
# `worker` and `used`.
import sys

PICKLE = 2
# So many characters of a message and of a traceback are told, those in the middle left out.
TOLD_MAX = 1 << 16
RAISED, ABORTED = 1, 2


class Sources:
    """Imports the package circlet as the library knows it, with sources that tracebacks can show."""

    def create_module(self, spec):
        return None

    def get_source(self, name):
        return source(name.encode()).decode()

    def exec_module(self, module):
        name = module.__name__
        module.__file__ = f"<supervisor>/{name.replace('.', '/')}.py"
        exec(compile(self.get_source(name), module.__file__, "exec"), module.__dict__)
        if name == "circlet.job":
            module._aborted, module._worker, module._used = worker_aborted, worker, used


class Main:
    """Runs the main module as multiprocessing does: under a name that is not `__main__`."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        if main[:3] == "-m ":
            from runpy import run_module

            names = run_module(main[3:], {"__circlet_is_loading__": True}, "__mp_main__", alter_sys=True)
            module.__dict__.update(names)
            del module.__circlet_is_loading__
        else:
            module.__file__, module.__cached__, module.__spec__ = main, None, None
            module.__circlet_is_loading__ = True
            with open(main, "rb") as script:
                exec(compile(script.read(), main, "exec"), module.__dict__)
            del module.__circlet_is_loading__
        sys.modules["__main__"] = module


def packaged(name):
    from importlib.util import spec_from_loader

    if name == "__mp_main__" and main:
        return spec_from_loader(name, Main())
    if name.partition(".")[0] != "circlet" or source(name.encode()) is None:
        return None
    return spec_from_loader(name, Sources(), is_package=name == "circlet")


def beyond(name):
    import site
    from importlib.machinery import PathFinder

    site.main()
    return PathFinder.find_spec(name)


def plain_json():
    from json import dumps, loads

    return loads, lambda value: dumps(value, allow_nan=False).encode()


def refuse_json(text):
    """Says where text ends to be JSON."""
    from json import loads

    try:
        loads(text)
    except ValueError as error:
        raise ValueError(f"the arguments are no JSON: {error}") from None
    raise ValueError("the arguments are no JSON")


def own(name):
    """Returns what the supervisor calls between two calls of its user."""
    if name == "executable":
        return lambda: sys.executable
    if name != "heap_snapshot":
        raise ValueError(f":{name} names no function: give module:function")
    if not heap:
        text = source(b"circlet._pool_heap").decode()
        exec(compile(text, "<supervisor>/circlet/_pool_heap.py", "exec"), heap)
    return heap["snapshot"]


heap = {}


def give_back():
    """Gives back the ports that the call has left."""
    from contextlib import suppress

    for port in used[:]:
        # One that a thread of the call is in stays in use until the worker ends.
        with suppress(Exception):
            port.close()
    used.clear()


def of_main(name):
    """Finds a name in the main module, which is run for the first of them."""
    if not main or (name[:2] == name[-2:] == "__"):
        what = (
            "has no name"
            if main
            else "is empty here: put into a module what is called, or give the pool its main module;"
        )
        raise AttributeError(f"the main module {what} {name!r}")
    __import__("__mp_main__")
    return getattr(sys.modules["__mp_main__"], name)


def end_child(error):
    """Ends a process that a call has forked, where it comes back from the call: the rings are its parent's."""
    from os import _exit

    code = 0
    try:
        if isinstance(error, SystemExit):
            code = error.code if type(error.code) is int else int(error.code is not None)
        elif error is not None:
            code = 1
            sys.stderr.write(traceback_of(error))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        _exit(code)


def encoded(error, number):
    """Returns the end of what is said of an exception: itself, where pickle can say it."""
    if number != PICKLE:
        return b"}"
    from _pickle import dumps
    from binascii import b2a_base64

    try:
        # It needs no escapes, and may be long.
        return b', "encoded": "%b"}' % b2a_base64(dumps(error, 5), newline=False)
    except Exception:
        return b"}"


def raised(error, number):
    """Returns the status and the body of an answer that says what was raised."""
    job = sys.modules.get("circlet.job")
    gives_in = (KeyboardInterrupt, job.AbortedError) if job else KeyboardInterrupt
    if worker_aborted() and isinstance(error, gives_in):
        return ABORTED, b""
    from json import dumps

    message, trace = said(lambda: str(error)), said(lambda: traceback_of(error))
    said_of = {"type": type(error).__name__, "message": message, "traceback": trace}
    return RAISED, dumps(said_of).encode()[:-1] + encoded(error, number)


def said(say):
    try:
        text = say()
        if len(text) > TOLD_MAX:
            left_out = f"\n... {len(text) - TOLD_MAX} of {len(text)} characters are left out here ...\n"
            text = text[: TOLD_MAX // 2] + left_out + text[-TOLD_MAX // 2 :]
        return str.encode(text, "utf-8", "backslashreplace").decode()
    except BaseException as other:
        return f"<what it says of itself raised {type(other).__name__}>"


def traceback_of(error):
    """Begins with the called function's own lines."""
    from traceback import format_exception

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == "<string>":
        trace = trace.tb_next
    return "".join(format_exception(type(error), error, trace))
