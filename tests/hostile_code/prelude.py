# What every script has beside `given`. It is run once in a session, before the script.
import ctypes
import errno
import os
import platform
import select
import signal
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
MACHINE = platform.machine()
HERE = -100  # AT_FDCWD

# Numbers of system calls on x86-64 and on aarch64, 0 where there is none. From 424 on all machines have the same.
CALLS = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "capget": (125, 90),
    "capset": (126, 91),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "clone3": (435, 435),
    "copy_file_range": (326, 285),
    "delete_module": (176, 106),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "fchmodat2": (452, 452),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "inotify_add_watch": (254, 27),
    "inotify_init1": (294, 26),
    "io_uring_enter": (426, 426),
    "io_uring_setup": (425, 425),
    "ioperm": (173, 0),
    "iopl": (172, 0),
    "ioprio_get": (252, 31),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "modify_ldt": (154, 0),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "openat": (257, 56),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "renameat2": (316, 276),
    "semctl": (66, 191),
    "semget": (64, 190),
    "sendmmsg": (307, 269),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "statx": (332, 291),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}

# Capabilities by their bit.
CHOWN, DAC_READ_SEARCH, SETUID, NET_ADMIN, NET_RAW, SYS_MODULE, SYS_RAWIO, SYS_CHROOT = 0, 2, 7, 12, 13, 16, 17, 18
SYS_PTRACE, SYS_PACCT, SYS_ADMIN, SYS_BOOT, SYS_NICE, SYS_RESOURCE, SYS_TIME, MKNOD = 19, 20, 21, 22, 23, 24, 25, 27
SYSLOG, PERFMON, BPF = 34, 38, 39

NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000


class Absent(Exception):
    """This machine lacks what the attempt needs, whoever makes it."""


class Nothing(Exception):
    """No error came, and the attempt did not work all the same."""


def tried(attempt, lacking=(), needs=None):
    """Makes an attempt and says what came of it.

    `attempt` returns its evidence. `lacking` names the errors by which a machine says that it lacks the thing: where
    nothing confines the code they mean "not here". `needs` is a capability: without it EPERM and EACCES mean that too.
    """
    try:
        evidence = attempt()
        return f"did it: {evidence}" if evidence else "refused: nothing came of it"
    except Absent as error:
        return f"refused: {error}" if given["confined"] else f"not here: {error}"
    except OSError as error:
        name = errno.errorcode.get(error.errno) or type(error).__name__
        if not given["confined"]:
            if name in lacking:
                return f"not here: {name}"
            if needs is not None and name in ("EPERM", "EACCES") and not capable(needs):
                return f"not here: {name}, without capability {needs}"
        return f"refused: {name} ({error})"
    except Exception as error:
        return f"refused: {type(error).__name__} ({error})"


def call(name, *arguments):
    """Makes a system call, past everything that Python and the C library do before it."""
    numbers = dict(zip(("x86_64", "aarch64"), CALLS[name], strict=True))
    if not numbers.get(MACHINE):
        raise Absent(f"no number of {name} on {MACHINE}")
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in (numbers[MACHINE], *arguments)]
    return checked(LIBC.syscall(*words), name)


def checked(result, name):
    """Returns what a C function returned, or raises what it left in errno."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def reached(name, *arguments, errors=("EINVAL",)):
    """Makes a call that cannot be carried out: by these errors the kernel shows that it looked at what it was given."""
    try:
        return f"{name} gave {call(name, *arguments)}"
    except OSError as error:
        if errno.errorcode.get(error.errno) not in errors:
            raise
        return f"{name} got to its arguments: {errno.errorcode[error.errno]}"


def capable(capability):
    with open("/proc/self/status") as status:
        effective = next(line for line in status if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> capability & 1)


def secret_in(content):
    """Returns the evidence that the secret was read."""
    if given["content"].encode() not in content:
        raise Nothing(f"it is something else: {content[:60]!r}")
    return given["content"]


def greeting_in(content):
    """Returns the evidence that somebody outside answered."""
    if given["greeting"].encode() not in content:
        raise Nothing(f"nobody answered: {content[:60]!r}")
    return given["greeting"]


def read(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)


def write(path, content, mode=0o600):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    return path


def in_work(name):
    return os.path.join(given["work"], name)


def supervisors():
    """The processes outside: the supervisor, and whoever is the parent."""
    return sorted({given["supervisor"], os.getppid()} - {0, 1})


def first_of(attempts):
    """Makes attempts one after the other until one works; the last error counts where none does."""
    last = Nothing("there was nothing to try")
    for attempt in attempts:
        try:
            return attempt()
        except (OSError, Nothing) as error:
            last = error
    raise last


def in_child(attempt, seconds=5):
    """Makes an attempt in a forked process, for what would change this one. Where there is no fork it is made here."""
    readable, writable = os.pipe()
    try:
        child = os.fork()
    except OSError:
        return attempt()
    if child == 0:
        try:
            said = b"0 " + str(attempt()).encode()
        except OSError as error:
            said = b"%d %s" % (error.errno or errno.EIO, str(error).encode())
        except Absent as error:
            said = b"-2 " + str(error).encode()
        except BaseException as error:
            said = b"-1 " + repr(error).encode()
        os.write(writable, said)
        os._exit(0)
    os.close(writable)
    try:
        is_ready = select.select([readable], [], [], seconds)[0]
        number, _, text = (
            os.read(readable, 1 << 16).decode().partition(" ") if is_ready else ("-1", "", "no answer in time")
        )
    finally:
        os.close(readable)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    number = int(number or -1)
    if number > 0:
        raise OSError(number, text)
    if number:
        raise (Absent if number == -2 else Nothing)(text or "the child ended")
    return text


def crowd(begin=lambda: None):
    """Forks children that begin so and sleep, up to `children_max`; ends them, and says how many there were."""
    children = []
    try:
        while len(children) < min(given["children_max"], 2000):
            child = os.fork()
            if child == 0:
                begin()
                time.sleep(10)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{len(children)} children"


def output_of(execute, seconds=5):
    """Forks a process that is to become another program by `execute`, and returns what that prints."""
    readable, writable = os.pipe()
    failed, failure = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writable, 1)
            execute()
            number = errno.ENOEXEC
        except OSError as error:
            number = error.errno or errno.EIO
        except BaseException:
            number = errno.EIO
        os.write(failure, b"%d" % number)
        os._exit(127)
    os.close(writable)
    os.close(failure)
    printed, until = b"", time.monotonic() + seconds
    try:
        while select.select([readable], [], [], max(0, until - time.monotonic()))[0]:
            part = os.read(readable, 1 << 16)
            printed += part
            if not part:
                break
        number = os.read(failed, 16) if select.select([failed], [], [], 0)[0] else b""
    finally:
        os.close(readable)
        os.close(failed)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if number:
        raise OSError(int(number), os.strerror(int(number)), "exec")
    return printed


def address_of(port, host="127.0.0.1"):
    """Returns a `struct sockaddr_in`."""
    parts = bytes(map(int, host.split(".")))
    return ctypes.create_string_buffer(struct.pack("=H", 2) + struct.pack(">H", port) + parts + bytes(8), 16)


def mapped(length, descriptor, offset, protection=3, flags=1):
    """Maps memory, and returns its address."""
    address = LIBC.mmap(None, length, protection, flags, descriptor, offset)
    if address == ctypes.c_void_p(-1).value:
        checked(-1, "mmap")
    return address


def io_uring(operation, descriptor, address, length=0, offset=0, flags=0):
    """Has an io_uring of its own do one thing, and returns the result."""
    parameters = (ctypes.c_uint32 * 30)()
    ring = call("io_uring_setup", 4, ctypes.byref(parameters))
    submission, completion = parameters[10:20], parameters[20:30]
    submissions = mapped(1 << 16, ring, 0)
    completions = mapped(1 << 16, ring, 0x8000000)
    entries = mapped(1 << 12, ring, 0x10000000)
    entry = struct.pack("=BBHiQQIIQ24x", operation, 0, 0, descriptor, offset, address, length, flags, 7)
    ctypes.memmove(entries, entry, 64)
    word = ctypes.c_uint32.from_address
    word(submissions + submission[6]).value = 0
    word(submissions + submission[1]).value += 1
    call("io_uring_enter", ring, 1, 1, 1, None, 0)
    os.close(ring)
    if not word(completions + completion[1]).value:
        raise Nothing("the ring has no result")
    result = ctypes.c_int32.from_address(completions + completion[5] + 8).value
    if result < 0:
        raise OSError(-result, os.strerror(-result), "io_uring")
    return result
