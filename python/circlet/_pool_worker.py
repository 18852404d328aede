# A worker of a pool of processes: takes calls from its supervisor's rings, one at a time, and answers them.
#
# It is started as `python3 -S -c SOURCE LIBRARY REQUESTS ANSWERS CLAIMS FOLDER...`, and boots before anything else: it
# imports only what the interpreter has built in, and loads the rest (site-packages, json, pickle, traceback, the package
# circlet) when a call needs it. Hence the C library through `_ctypes` and not through ctypes, which takes longer to import
# than all of this.
import sys

# With -c, the first folder is the current one, unless the interpreter was told otherwise.
if sys.path[0] == "":
    del sys.path[0]

import _signal
from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, Array, CFuncPtr, _SimpleCData, dlopen, dlsym

JSON, PICKLE = 1, 2
VALUE, RAISED, ABORTED = 0, 1, 2


class int32(_SimpleCData):
    _type_ = "i"


class uint64(_SimpleCData):
    _type_ = "Q"


class pointer(_SimpleCData):
    _type_ = "P"


class string(_SimpleCData):
    _type_ = "z"


class py_object(_SimpleCData):
    _type_ = "O"


class Call(Array):
    _type_, _length_ = uint64, 5


class Waiting(CFuncPtr):
    # Lets other threads run meanwhile.
    _flags_, _restype_ = FUNCFLAG_CDECL, int32


class Quick(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI, int32


class Source(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL, string


class Bytes(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI, py_object


library = dlopen(sys.argv[1], 0)


def function(kind, name, *arguments):
    found = kind(dlsym(library, "circlet_worker_" + name))
    found.argtypes = arguments
    return found


new = function(Quick, "new", int32, int32, int32, pointer)
ready = function(Quick, "ready", pointer)
take = function(Waiting, "next", pointer, int32, Call)
answer = function(Waiting, "answer", pointer, int32, string, uint64)
aborted = function(Quick, "aborted", pointer)
source = function(Source, "source", string)
bytes_at = Bytes(dlsym(dlopen(None, 0), "PyBytes_FromStringAndSize"))
bytes_at.argtypes = (uint64, uint64)

# Modules beside the caller's own.


class Packaged:
    """Imports the package circlet as the library knows it, with sources that tracebacks can show."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != "circlet" or source(name.encode()) is None:
            return None
        from importlib.util import spec_from_loader

        return spec_from_loader(name, Packaged, is_package=name == "circlet")

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def get_source(name):
        return source(name.encode()).decode()

    @staticmethod
    def exec_module(module):
        name = module.__name__
        module.__file__ = f"<supervisor>/{name.replace('.', '/')}.py"
        exec(compile(Packaged.get_source(name), module.__file__, "exec"), module.__dict__)
        if name == "circlet.job":
            module._aborted = lambda: bool(aborted(worker))


class Late:
    """Adds the site-packages when a module is asked for that is nowhere else."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is not None:
            return None
        sys.meta_path.remove(Late)
        import site

        site.main()
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name)


# What calls are made with, and what comes of them.


class Scanner:
    # What the C part of json asks of its caller.
    strict, object_hook, object_pairs_hook, parse_float, parse_int = True, None, None, float, int
    memo = None

    @staticmethod
    def parse_constant(name):
        raise ValueError(f"{name} is no JSON")


def json_codec():
    """Returns what reads and writes JSON: the C parts of json, whose import takes as long as all of the boot."""
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner

        def refuse(value):
            raise TypeError(f"a {type(value).__name__} is no JSON: return what JSON can say")

        scan = make_scanner(Scanner)
        encode = make_encoder(None, refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
        if scan('[1, "a"]', 0) != ([1, "a"], 8) or "".join(encode([1, "a"], 0)) != '[1,"a"]':
            raise TypeError("another json")
    except Exception:
        from json import dumps, loads

        return lambda data: loads(data), lambda value: dumps(value, allow_nan=False).encode()

    def read(data):
        try:
            return scan(data.decode(), 0)[0]
        except StopIteration:
            raise ValueError("the arguments are no JSON") from None

    def write(value):
        if value is None:
            return b"null"
        if type(value) is int:
            return b"%d" % value
        return "".join(encode(value, 0)).encode()

    return read, write


def pickle_codec():
    from _pickle import dumps, loads

    return loads, lambda value: dumps(value, 5)


codecs = {}


def codec_of(number):
    if number not in codecs:
        if number not in (JSON, PICKLE):
            raise ValueError(f"codec {number} is not known to Python: 1 (JSON) and 2 (pickle) are")
        codecs[number] = json_codec() if number == JSON else pickle_codec()
    return codecs[number]


def function_of(name):
    """Finds `package.module:name.of.function`."""
    module, _, path = name.decode().partition(":")
    if not path:
        raise ValueError(f"{name.decode()!r} names no function: give module:function")
    __import__(module)
    found = sys.modules[module]
    for part in path.split("."):
        found = getattr(found, part)
    functions[name] = found
    return found


functions = {}


def described(error):
    """Says what was raised, from the first line of the called function."""
    from json import dumps

    def said(say):
        try:
            return str.encode(say(), "utf-8", "backslashreplace").decode()
        except BaseException as other:
            return f"<what it says of itself raised {type(other).__name__}>"

    def trace():
        from traceback import format_exception

        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == "<string>":
            trace = trace.tb_next
        return "".join(format_exception(type(error), error, trace))

    text = {"type": type(error).__name__, "message": said(lambda: str(error)), "traceback": said(trace)}
    return dumps(text).encode()


# An interrupt reaches the code of the call that it is for, once, and nothing else.

running = False


def interrupted(number, frame):
    global running
    if running and aborted(worker):
        running = False
        raise KeyboardInterrupt


def gave_ins():
    """Returns what a function raises that gives in to an abort."""
    job = sys.modules.get("circlet.job")
    return (KeyboardInterrupt, job.AbortedError) if job else KeyboardInterrupt


def serve():
    global running
    call = Call()
    flush_out, flush_err = sys.stdout.flush, sys.stderr.flush
    while take(worker, 1, call) == 1:
        function_at, arguments_at, function_len, arguments_len, number = call
        try:
            running = True
            name = bytes_at(function_at, function_len)
            read, write = codecs.get(number) or codec_of(number)
            function = functions.get(name) or function_of(name)
            arguments = read(bytes_at(arguments_at, arguments_len))
            if number == PICKLE:
                value = function(*arguments[0], **arguments[1])
            elif type(arguments) is dict:
                value = function(**arguments)
            else:
                value = function(*arguments)
            body = write(value)
            running, status = False, VALUE
        except BaseException as error:
            running = False
            gave_in = aborted(worker) and isinstance(error, gave_ins())
            status, body = (ABORTED, b"") if gave_in else (RAISED, described(error))
        try:
            flush_out()
            flush_err()
        except Exception:
            pass
        answer(worker, status, body, len(body))
        arguments = value = body = None


# 2: SIGINT, without the import of signal.
_signal.signal(2, interrupted)
handle = (pointer * 1)()
if new(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), handle) != 0:
    sys.exit("this worker's descriptors are not its supervisor's")
worker = handle[0]
sys.path[:0] = sys.argv[5:]
sys.argv[1:] = []
sys.meta_path.insert(0, Packaged)
sys.meta_path.append(Late)
ready(worker)
serve()
