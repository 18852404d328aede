# Replaces what the session's shell is made of, and every builtin function. ends: killed
import builtins
import sys

outcome = "did it: nothing is as it was"
for name in list(sys.modules):
    if name.startswith("circlet"):
        sys.modules[name] = None
for frame in sys._current_frames().values():
    while frame is not None:
        if frame.f_globals is not globals():
            frame.f_globals.clear()
        frame = frame.f_back
for name in ("print", "compile", "exec", "eval", "open", "repr", "isinstance", "getattr"):
    setattr(builtins, name, None)
