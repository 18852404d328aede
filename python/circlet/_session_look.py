# What an editor asks a session between runs: completions, whether code is complete, and what a name stands for.
#
# A session loads it when it is asked first, under the name circlet_look, so that the package circlet is not imported
# along (`_session_late.py`). Nothing here calls what the code has defined, but for `__dir__` of the object whose names
# are asked for, which is there for this. Positions count characters.
import builtins
import keyword
import re
import sys
from codeop import CommandCompiler
from collections.abc import Callable
from contextlib import suppress
from inspect import cleandoc, getattr_static, signature
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

# The names of the session that has this loaded.
session: dict[str, Any] = {"namespace": {}}

# Completions beyond that help nobody.
MATCHES_MAX = 1000
INDENT = "    "
# Of compile(): take `await` outside of functions.
AWAIT = 0x2000
NAME = r"[^\W\d]\w*"
DOTTED = re.compile(rf"((?:{NAME}\s*\.\s*)*)((?:{NAME})?)$")
IMPORT = re.compile(rf"^\s*(?:import|from)\s+(?:.*,\s*)?((?:{NAME}\.)*)({NAME})?$")
FROM = re.compile(rf"^\s*from\s+((?:{NAME}\.)*{NAME})\s+import\s+(?:.*,\s*)?\(?\s*({NAME})?$")
# After these a block is over.
ENDS = ("return", "pass", "break", "continue", "raise")
# What C code gives for an object without a call of Python.
FIELDS = (GetSetDescriptorType, MemberDescriptorType)
METHODS = (FunctionType, MethodDescriptorType, WrapperDescriptorType, BuiltinFunctionType)


class NotFoundError(Exception):
    """What a name stands for is not to be had without running code."""


def complete(code: str, position: int) -> dict[str, Any]:
    """Returns what the name before a position may become: `matches`, each for the characters from `start` to `end`."""
    line = code[:position].rpartition("\n")[2]
    if found := FROM.match(line):
        part = found[2] or ""
        names = [*module_names(found[1] + "."), *members_of_module(found[1])]
    elif found := IMPORT.match(line):
        part = found[2] or ""
        names = module_names(found[1])
    elif (found := DOTTED.search(line)) and is_code(code[:position]):
        part = found[2]
        if found[1]:
            try:
                names = names_of(resolve(re.sub(r"\s", "", found[1])[:-1]))
            except NotFoundError:
                names = []
        elif not part or line[: found.start()].rstrip().endswith(".") or line[: found.start()][-1:].isalnum():
            # Of what a call or an index gives, or a number.
            names = []
        else:
            names = [*session["namespace"], *dir(builtins), *keyword.kwlist, *keyword.softkwlist]
    else:
        part, names = "", []
    fitting = {name for name in names if isinstance(name, str) and name.startswith(part)}
    if not part.startswith("_"):
        fitting = {name for name in fitting if not name.startswith("_")}
    return {"matches": sorted(fitting)[:MATCHES_MAX], "start": position - len(part), "end": position}


def is_code(before: str) -> bool:
    """Tells whether what follows is code: not the inside of a string or a comment."""
    pieces = re.sub(r"\\.", "", before)
    place = 0
    while found := re.search(r"#|'''|\"\"\"|'|\"", pieces[place:]):
        mark = found[0]
        begin = place + found.end()
        end = pieces.find("\n" if mark == "#" else mark, begin)
        if end < 0 or (len(mark) == 1 and mark != "#" and "\n" in pieces[begin:end]):
            # A quote that is not closed in its line is one that is being written, if this is its line.
            if "\n" not in pieces[begin:] or len(mark) == 3 or (end < 0 and mark != "#"):
                return False
            end = pieces.find("\n", begin)
        place = end + len(mark)
    return True


def resolve(path: str) -> Any:
    """Returns what a dotted name stands for, by plain lookups."""
    first, *rest = path.split(".")
    names = session["namespace"]
    if first in names:
        value = names[first]
    elif hasattr(builtins, first):
        value = getattr(builtins, first)
    else:
        raise NotFoundError(path)
    for name in rest:
        value = attribute(value, name)
    return value


def attribute(value: Any, name: str) -> Any:
    """Returns an attribute without running code of its object's."""
    try:
        found = getattr_static(value, name)
    except AttributeError:
        raise NotFoundError(name) from None
    if isinstance(found, FIELDS) and not isinstance(value, type):
        return found.__get__(value)
    if isinstance(found, staticmethod):
        return found.__func__
    if isinstance(found, classmethod):
        return found.__func__
    if isinstance(found, METHODS):
        is_own = isinstance(value, (type, ModuleType)) or not isinstance(found, FunctionType)
        return found if is_own else MethodType(found, value)
    if hasattr(type(found), "__get__") and not isinstance(found, type):
        # A property, or another descriptor of the code's.
        raise NotFoundError(name)
    return found


def names_of(value: Any) -> list[str]:
    """Returns the names of an object's attributes."""
    try:
        return dir(value)
    except Exception:
        return dir(type(value))


def module_names(package: str) -> list[str]:
    """Returns the names of the modules of a package, `a.b.`, or of all where it is empty. None is imported."""
    from importlib.machinery import PathFinder
    from pkgutil import iter_modules

    if not package:
        return [*sys.builtin_module_names, *(found.name for found in iter_modules())]
    places = None
    at = ""
    for name in package[:-1].split("."):
        at = f"{at}.{name}" if at else name
        known = sys.modules.get(at)
        if known is not None:
            places = getattr(known, "__path__", None)
        else:
            spec = PathFinder.find_spec(at, places)
            places = spec and spec.submodule_search_locations
        if not places:
            return []
    return [found.name for found in iter_modules(places)]


def members_of_module(path: str) -> list[str]:
    """Returns the names in a module that is imported already."""
    known = sys.modules.get(path)
    return [] if known is None else names_of(known)


def is_complete(code: str) -> dict[str, str]:
    """Tells whether code can be run: `status` is complete, incomplete or invalid.

    A block is complete once an empty line follows it. The next line of what is incomplete begins with `indent`.
    """
    import warnings

    compiler = CommandCompiler()
    compiler.compiler.flags |= AWAIT
    lines = code.split("\n")
    if not lines[-1].strip():
        # What an editor has indented is no part of the code.
        lines[-1] = ""
        code = "\n".join(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            is_whole = compiler(code, "<input>", "exec") is not None
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return {"status": "invalid", "indent": ""}
    if is_whole and lines[-1][:1] not in (" ", "\t"):
        return {"status": "complete", "indent": ""}
    return {"status": "incomplete", "indent": indent_after(lines)}


def indent_after(lines: list[str]) -> str:
    """Returns what the line after these begins with."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    indent = last[: len(last) - len(last.lstrip())]
    words = last.split("#")[0].split()
    if words and words[-1].endswith(":"):
        return indent + INDENT
    return indent.removesuffix(INDENT) if words and words[0] in ENDS else indent


def inspect(code: str, position: int, detail: int = 0) -> dict[str, Any]:
    """Says what the name at a position stands for, or the function whose arguments are written there.

    `found` tells whether it is known, and `text` what it is, for people; with its source for a `detail` of 1.
    """
    for path in paths_at(code, position):
        try:
            value = resolve(path)
        except NotFoundError:
            continue
        return {"found": True, "text": described(path, value, detail)}
    return {"found": False, "text": ""}


def paths_at(code: str, position: int) -> list[str]:
    """Returns the dotted names that may be meant: at the position, and before the brackets around it."""
    after = re.match(r"\w*", code[position:])
    end = position + (after.end() if after else 0)
    paths = []
    depth = 0
    name = re.compile(rf"({NAME}(?:\.{NAME})*)\s*$")
    if found := name.search(code[:end]):
        paths.append(found[1])
    for at in range(min(position, len(code)) - 1, -1, -1):
        if code[at] in ")]}":
            depth += 1
        elif code[at] in "([{":
            depth -= 1
            if depth < 0:
                depth = 0
                if code[at] == "(" and (found := name.search(code[:at])):
                    paths.append(found[1])
    return paths


def described(path: str, value: Any, detail: int) -> str:
    """Describes an object in lines for people."""
    lines = []
    if callable(value):
        with suppress(TypeError, ValueError):
            lines.append(f"Signature: {path}{signature(value)}")
    lines.append(f"Type: {type(value).__name__}")
    if type(value) in (bool, int, float, complex, str, bytes, type(None)):
        shown = repr(value)
        lines.append(f"Value: {shown if len(shown) <= 200 else shown[:200] + '...'}")
    if detail and (found := source_of(value)):
        lines.append(f"Source:\n{found}")
    else:
        documented = getattr_static(value, "__doc__", None)
        if not isinstance(documented, str):
            documented = getattr(value, "__doc__", None) if isinstance(value, (type, *METHODS, MethodType)) else None
        if documented:
            lines.append(f"Documentation:\n{cleandoc(documented)}")
    return "\n".join(lines)


def source_of(value: Any) -> str:
    """Returns the source of a function, a class or a module; nothing where there is none."""
    from inspect import getsource

    try:
        return getsource(value)
    except (OSError, TypeError):
        return ""


def evaluate(expression: str) -> dict[str, Any]:
    """Returns what an expression gives: `data` by MIME type, or `error`, a type and a message. This runs its code.

    Values are told as people want to see them from then on, as after `show_values`.
    """
    from json import loads

    try:
        show_values()
        told = loads(session["rich"](eval(expression, session["namespace"])))
        return {"data": {"text/plain": told["repr"]} | told.get("data", {})}
    except Exception as raised:
        error = raised
        return {"error": [type(error).__name__, session["said"](lambda: str(error))]}


def version() -> str:
    """Returns the interpreter's version."""
    return sys.version.split()[0]


def answer(what: str, *arguments: Any) -> None:
    """Sends, as JSON, what one of these functions returns. The run that asks leaves no trace."""
    from json import dumps

    asked = sys._getframe(1).f_code.co_filename
    session["sources"].pop(asked, None)
    if (known := sys.modules.get("linecache")) is not None:
        known.cache.pop(asked, None)
    functions: dict[str, Callable[..., Any]] = {
        "complete": complete,
        "evaluate": evaluate,
        "inspect": inspect,
        "is_complete": is_complete,
        "version": version,
    }
    session["give"](dumps(functions[what](*arguments)).encode())


def show_values() -> None:
    """Has every later run tell its value as `repr` and by MIME types, as people want to see it, and not as data."""
    from json import dumps

    def shown(value: Any) -> bytes:
        body = {"repr": session["text_of"](value)}
        if data := session["late"]("shown")["mime_of"](value):
            body["data"] = data
        return dumps(body).encode()

    session["plain"] = lambda value: b"{}" if value is None else None
    session["rich"] = shown
