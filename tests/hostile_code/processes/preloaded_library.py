# Has an allowed program load a library of the allowed folder by LD_PRELOAD.
import os
import shutil


def attempt():
    with open("/proc/self/maps") as maps:
        libraries = sorted({line.split()[-1] for line in maps if ".so" in line and "/lib" in line})
    source = next((path for path in libraries if "libm" in path), libraries[0] if libraries else None)
    if source is None:
        raise Absent("no library was found")
    shutil.copyfile(source, in_work("preloaded.so"))
    variables = {"LD_PRELOAD": in_work("preloaded.so")}
    words = ["cat", "/proc/self/maps"]
    printed = output_of(lambda: os.execve(given["allowed_program"], words, variables))
    if b"preloaded.so" not in printed:
        raise Nothing("the program did not load it")
    return "the program has it in its memory"


outcome = tried(attempt)
