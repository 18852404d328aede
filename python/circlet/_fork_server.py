# The fork server of sessions: it has everything imported, and is forked for each session.
#
# It is started as `python3 -c SHELL LIBRARY SOCKET MODULES...`, where SHELL is `_shell.py`, `_session.py` and this. It
# runs no code of the supervisor's but the imports, and has one thread: what a forked process has of others is gone, but
# for their locks. See docs/protocol.md.
class Hook(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL, None


class Forked(Array):
    _type_, _length_ = uint64, 4


serve_forks = function(Quick, "fork_server_next", int32, Hook, Hook, Hook, Forked)
server_ready = function(Quick, "fork_server_ready", int32)


def prepare(modules):
    """Imports what sessions need sooner or later, and the modules that were asked for."""
    import gc

    late("shown")
    for name in ("json", "linecache", "traceback", *modules):
        __import__(name)
    # What there is by now is not looked at any more, and so not written to: the forked processes go on sharing it.
    gc.collect()
    gc.freeze()


def main(socket):
    """Serves orders; returns in the forked processes, once their sessions are over, and in the server at its end."""
    prepare(sys.argv[3:])
    forked = Forked()
    hooks = [Hook(dlsym(dlopen(None, 0), name)) for name in FORK_HOOKS]
    if server_ready(socket) < 0:
        sys.exit("the fork server cannot count its threads: it needs /proc")
    if serve_forks(socket, *hooks, forked) == 1:
        at, count, body, length = forked
        numbers = memoryview(bytes_at(at, 4 * count)).cast("i").tolist()
        from os import environb

        rest = bytes_at(body, length)
        while not rest.startswith(b"\0"):
            variable, _, rest = rest.partition(b"\0")
            name, _, value = variable.partition(b"=")
            environb[name] = value
        begin(numbers, rest[1:].decode())


FORK_HOOKS = ("PyOS_BeforeFork", "PyOS_AfterFork_Parent", "PyOS_AfterFork_Child")
main(int(sys.argv[2]))
