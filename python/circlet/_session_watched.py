# What a session does whose supervisor writes down what the code asks: it says which line that is. `_session.py` loads
# it among its own names.

report = function(Quick, "shell_report", pointer, string, string, int32)
# The first words of Python's audit events that may come before a call of which the supervisor hears.
WATCHED = frozenset(("_thread", "ctypes", "open", "os", "pty", "socket", "sqlite3", "subprocess"))
# So many callers are looked at for one that is not Python's own.
CALLERS = 64


def place_of(frame):
    """Returns the innermost frame of code that is not of the standard library, or the innermost of all."""
    at = frame
    for _ in range(CALLERS):
        if at is None:
            break
        file = at.f_code.co_filename
        if "-packages" in file or not file.startswith(standard):
            return at
        at = at.f_back
    return frame


def watched(event, given):
    """Says where the code is. Nothing that goes wrong here is the code's concern, but for interrupts."""
    if event.partition(".")[0] not in WATCHED:
        return
    try:
        frame = place_of(sys._getframe(1))
        file = str.encode(frame.f_code.co_filename, "utf-8", "backslashreplace")
        report(shell, event.encode(), file, frame.f_lineno or 0)
    except Exception:
        pass


def watch():
    """Begins to say where the code is."""
    global standard
    import os

    standard = (os.path.dirname(os.__file__) + "/", "<frozen ", "<supervisor>")
    sys.addaudithook(watched)
