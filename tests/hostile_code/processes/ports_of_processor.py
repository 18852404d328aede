# Asks for the ports of the processor.


def attempt():
    return first_of([lambda: f"iopl gave {call('iopl', 3)}", lambda: f"ioperm gave {call('ioperm', 0x80, 1, 1)}"])


outcome = tried(lambda: in_child(attempt), lacking=("ENOSYS",), needs=SYS_RAWIO)
