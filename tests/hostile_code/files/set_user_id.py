# Leaves programs in the allowed folder that run as the supervisor's user for whoever starts them, by every call that gives a mode.
import ctypes
import os
import stat


def changed_when_open(mode):
    with open(in_work("open"), "w") as file:
        os.fchmod(file.fileno(), mode)
        return os.fstat(file.fileno())


def changed(mode):
    with open(in_work("changed"), "w") as file:
        os.chmod(file.name, mode)
    return os.stat(file.name)


def changed_by_number(mode):
    with open(in_work("numbered"), "w") as file:
        call("fchmodat2", HERE, file.name.encode(), mode, 0)
    return os.stat(file.name)


def born(mode):
    return os.fstat(os.open(in_work("born"), os.O_CREAT | os.O_WRONLY, mode))


def unnamed(mode):
    return os.fstat(os.open(in_work("."), os.O_TMPFILE | os.O_WRONLY, mode))


def node(mode):
    os.mknod(in_work("node"), stat.S_IFREG | mode)
    return os.stat(in_work("node"))


def by_struct(mode):
    how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, mode, 0)
    return os.fstat(call("openat2", HERE, in_work("struct").encode(), ctypes.byref(how), 24))


def attempt():
    ways, errors = [], []
    for way in (changed, changed_when_open, changed_by_number, born, unnamed, node, by_struct):
        for bit in (stat.S_ISUID, stat.S_ISGID):
            try:
                status = way(bit | 0o755)
            except OSError as error:
                errors.append(error)
                continue
            ways += [way.__name__] if status.st_mode & bit else []
            for name in os.listdir(in_work(".")):
                os.unlink(in_work(name))
    if errors and not (ways and given["confined"]):
        raise errors[0]
    return " ".join(ways)


outcome = tried(attempt, lacking=("ENOSYS",))
