# Turns the random places of programs off, and has what is readable be executable, in a process of its own.


def attempt():
    call("personality", 0x0040000 | 0x0400000)
    return f"personality {call('personality', 0xFFFFFFFF):#x}"


outcome = tried(lambda: in_child(attempt))
