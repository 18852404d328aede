# A worker of a pool of processes: takes calls from its supervisor's rings, one at a time, and answers them.
#
# It is started as `python3 -S -c SOURCE LIBRARY REQUESTS ANSWERS CLAIMS PORTS MAIN FOLDER...`, and boots before all
# else: it imports only what the interpreter has built in, and loads the rest (`_pool_late.py`, site-packages, json,
# pickle, traceback, the package circlet) when a call needs it: to compile this is a sixth of the boot. Hence the C
# library through `_ctypes` and not through ctypes, which takes longer to import than all of this.
JSON, PICKLE = 1, 2
VALUE = 0


class Call(Array):
    _type_, _length_ = uint64, 5


new = function(Quick, "worker_new", int32, int32, int32, int32, pointer)
ready = function(Quick, "worker_ready", pointer)
take = function(Waiting, "worker_next", pointer, int32, Call)
answer = function(Waiting, "worker_answer", pointer, int32, string, uint64)
aborted = function(Quick, "worker_aborted", pointer)


def late():
    """Loads what few calls need, and returns its names."""
    if not rest:
        text = source(b"circlet._pool_late").decode()
        rest.update(source=source, main=main, worker_aborted=lambda: bool(aborted(worker)), worker=worker, used=used)
        exec(compile(text, "<supervisor>/circlet/_pool_late.py", "exec"), rest)
    return rest


rest = {}


def of_main(name):
    return late()["of_main"](name)


class Packaged:
    # Before all others: the package circlet as the library knows it, and the main module.
    @staticmethod
    def find_spec(name, path=None, target=None):
        return late()["packaged"](name) if name.startswith(("circlet", "__mp_main__")) else None


class Beyond:
    # After all others: the site-packages, once.
    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None:
            sys.meta_path.remove(Beyond)
            return late()["beyond"](name)


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

        scan = make_scanner(Scanner)
        encode = make_encoder(None, refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
        if scan('[1, "a"]', 0) != ([1, "a"], 8) or "".join(encode([1, "a"], 0)) != '[1,"a"]':
            raise TypeError
    except Exception:
        return late()["plain_json"]()

    def read(data):
        text = data.decode().strip(" \t\n\r")
        try:
            value, end = scan(text, 0)
        except (StopIteration, SystemError, ValueError):
            end = None
        if end != len(text):
            late()["refuse_json"](text)
        return value

    def write(value):
        return b"null" if value is None else "".join(encode(value, 0)).encode()

    return read, write


def refuse(value):
    raise TypeError(f"a {type(value).__name__} is no JSON: return what JSON can say")


def pickle_codec():
    """Returns what reads and writes pickles: the C part of pickle, which needs `partial` alone of functools."""
    __import__("copyreg")

    if "functools" not in sys.modules:
        sys.modules["functools"] = functools = type(sys)("functools")
        try:
            from _functools import partial

            functools.partial = partial
            __import__("_pickle")
        except Exception:
            pass
        del sys.modules["functools"]
    from _pickle import dumps, loads

    return loads, lambda value: dumps(value, 5)


def codec_of(number):
    if number == JSON:
        codecs[number] = json_codec()
    elif number == PICKLE:
        codecs[number] = pickle_codec()
    else:
        raise ValueError(f"codec {number} is not known to Python: {JSON} (JSON) and {PICKLE} (pickle) are")
    return codecs[number]


codecs = {}


def function_of(name):
    """Finds `package.module:name.of.function`."""
    module, _, path = name.decode().partition(":")
    if not path:
        raise ValueError(f"{name.decode()!r} names no function: give module:function")
    if not module:
        # The supervisor's own.
        return late()["own"](path)
    __import__(module)
    found = sys.modules[module]
    for part in path.split("."):
        found = getattr(found, part)
    functions[name] = found
    return found


def apply(function, /, *arguments, **named):
    return function(*arguments, **named)


def each(function, /, *given):
    return [function(*arguments) for arguments in given]


# What a name with no module is: a function that comes with its arguments.
functions = {b":apply": apply, b":each": each}


# The ports that the call has.
used = []


# An interrupt reaches the code of the call that it is for, once, and nothing else.

running = False


def interrupted(number, frame):
    global running
    if running and aborted(worker):
        running = False
        raise KeyboardInterrupt


def serve():
    global running
    call = Call()
    flush_out, flush_err = sys.stdout.flush, sys.stderr.flush
    while take(worker, 1, call) == 1:
        function_at, arguments_at, function_len, arguments_len, number = call
        try:
            running = True
            if aborted(worker):
                # The interrupt came while nothing ran, or is on its way.
                raise KeyboardInterrupt
            name = bytes_at(function_at, function_len)
            read, write = codecs.get(number) or codec_of(number)
            function = functions.get(name) or function_of(name)
            arguments = read(bytes_at(arguments_at, arguments_len))
            if number == PICKLE:
                value = function(*arguments[0], **arguments[1])
            elif type(arguments) is dict:
                value = function(**arguments)
            elif type(arguments) is list:
                value = function(*arguments)
            else:
                raise ValueError("the arguments are neither a list nor an object of JSON: give one")
            if getpid() != home:
                late()["end_child"](None)
            body = write(value)
            running, status = False, VALUE
        except BaseException as error:
            running = False
            if getpid() != home:
                late()["end_child"](error)
            status, body = late()["raised"](error, number)
        if used:
            late()["give_back"]()
        try:
            flush_out()
            flush_err()
        except Exception:
            pass
        answer(worker, status, body, len(body))
        arguments = value = body = None


home = getpid()
# 2: SIGINT, without the import of signal.
_signal.signal(2, interrupted)
handle = (pointer * 1)()
if new(*map(int, sys.argv[2:6]), handle) != 0:
    sys.exit("this worker's descriptors are not its supervisor's")
worker = handle[0]
main = sys.argv[6]
sys.path[:0] = sys.argv[7:]
sys.argv[1:] = []
# What is called finds the caller's names in `__main__`, and none of these.
shell, sys.modules["__main__"] = sys.modules["__main__"], type(sys)("__main__")
sys.modules["__main__"].__getattr__ = of_main
sys.modules["__main__"].__circlet_main__ = main
sys.meta_path.insert(0, Packaged)
sys.meta_path.append(Beyond)
ready(worker)
serve()
