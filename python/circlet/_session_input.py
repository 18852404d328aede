# How the code of a session asks whoever runs it for lines: `_session.py` loads it among its own names.
from _thread import _local

NOBODY = (
    "nobody answers questions in this run: give the code its input in another way, or run it with somebody who answers"
)

# What `input` shows with the question that the stream asks, for each thread.
question = _local()
# What of a line is still to be read.
left = b""


def is_answered():
    return running and wishes & ASKS and getpid() == home


def line_of(prompt, is_secret):
    """Asks for a line, and returns it with its newline; nothing at the end of the input."""
    from json import dumps

    asked_in = current
    body = dumps((plain_text(str(prompt)), is_secret)).encode()
    return request_of(LINE, asked_in) if send(shell, ASK, body, len(body)) >= 0 else b""


def read_into(room):
    """Reads for `sys.stdin`, a line at a time."""
    global left
    if not left and is_answered():
        prompt, question.prompt = getattr(question, "prompt", None) or "", None
        left = line_of(prompt, False)
    count = min(len(room), len(left))
    room[:count], left = left[:count], left[count:]
    return count


def ask(prompt):
    """Stands for `input`: the prompt goes with the question."""
    if sys.stdin is not sys.__stdin__:
        return given_input(prompt)
    if not is_answered():
        raise EOFError(NOBODY)
    question.prompt = str(prompt)
    try:
        line = sys.stdin.readline()
    finally:
        unasked, question.prompt = question.prompt, None
    if unasked:
        # The line was there already.
        sys.stdout.write(unasked)
    if not line:
        raise EOFError("the input is at its end")
    return line.removesuffix("\n")


def ask_secret(prompt="Password: ", stream=None, **_):
    """Stands for `getpass.getpass`: nobody is to see what is written."""
    if not is_answered():
        raise EOFError(NOBODY)
    line = line_of(prompt, True).decode()
    if not line:
        raise EOFError("the input is at its end")
    return line.removesuffix("\n")


def with_secrets(module, load):
    load(module)
    module.getpass = ask_secret


CHANGES = globals().get("CHANGES", {}) | {"getpass": with_secrets}
