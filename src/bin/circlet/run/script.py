# Runs a program in a session as `python3 FILE` does, and leaves `result`: its exit code, and what it raised.
#
# Given are `main`, the names of `__main__`, and `given`: "file" or "code", the path or the code, what tracebacks call
# it, the words of sys.argv and what the file has, if that is sent (both in hex, as they may be no UTF-8), and whether
# standard output and error are terminals.
import sys
from os import _exit, fsdecode, getpid
from os.path import abspath, dirname, isdir, realpath


def prepare():
    """Makes the interpreter what the program expects; returns what runs it."""
    import _signal

    # Some ask who handles SIGINT: asyncio does.
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    for stream, is_terminal in zip((sys.stdout, sys.stderr), terminals):
        if is_terminal:
            stream.isatty = lambda: True
    sys.argv[:] = [fsdecode(bytes.fromhex(word)) for word in words]
    if sys.version_info < (3, 14):
        main["__annotations__"] = {}
    if kind == "code":
        from importlib.machinery import BuiltinImporter

        main["__loader__"] = BuiltinImporter
        return lambda: exec(compile(what, name, "exec", dont_inherit=True), main)
    place = sys.argv[0]
    if isdir(place) or not is_text(place):
        from runpy import _run_module_as_main

        sys.path[0] = abspath(place)
        return lambda: _run_module_as_main("__main__", False)
    from importlib.machinery import SourceFileLoader

    sys.path[0] = dirname(realpath(place))
    path = abspath(place)
    main.update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    return lambda: exec(compile(read(path), path, "exec", dont_inherit=True), main)


def read(path):
    """Returns what the file has: as it was sent, where the session may not read it."""
    if source:
        return bytes.fromhex(source[0])
    with open(path, "rb") as file:
        return file.read()


def is_text(place):
    """Tells a source from an archive with a __main__.py in it, which importers know."""
    from pkgutil import get_importer

    return get_importer(place) is None or not hasattr(get_importer(place), "archive")


def failed(error):
    """Says what was raised, as the interpreter does at its end; returns the exit code."""
    global told
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return (code or 0) & 0xFF
        print(code, file=sys.stderr)
        return 1
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is names:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if is_told:
        from traceback import format_exception

        try:
            told = [type(error).__name__, str(error), "".join(format_exception(type(error), error, trace))]
        except Exception:
            told = [type(error).__name__, "", ""]
    try:
        sys.excepthook(type(error), error, trace)
    except SystemExit as other:
        return failed(other)
    except BaseException as other:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(other), other, other.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, trace)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def finish():
    """Does what the interpreter does at its end, while there is somebody who reads what is printed then."""
    import atexit

    threading = sys.modules.get("threading")
    for end in (getattr(threading, "_shutdown", None), atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):
        try:
            if end is not None:
                end()
        except BaseException as error:
            failed(error)


names, home, told = globals(), getpid(), None
kind, what, name, words, source, terminals, is_told = given
try:
    prepare()()
    code = 0
except BaseException as error:
    code = failed(error)
finish()
if getpid() != home:
    _exit(code)
result = [code, told]
