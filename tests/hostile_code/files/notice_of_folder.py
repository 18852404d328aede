# Has the kernel say when others change what is in a folder, by the older way.
import fcntl


def attempt():
    folder = os.open("/usr/lib", os.O_RDONLY)
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_MODIFY)
    os.close(folder)
    return "the kernel will say so"


outcome = tried(attempt)
