"""What a pool of processes sends of a call: the function's name, and its arguments as bytes."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ._arguments import shown
from ._native import InvalidError

#: CIRCLET_JSON and CIRCLET_PICKLE.
JSON, PICKLE = 1, 2
# Functions of the worker's shell, which get what they call as their first argument: once, and for each of the rest.
_APPLY, _EACH = b":apply", b":each"

#: A name, and the arguments.
Request = tuple[bytes, bytes]


class Pickled:
    """Calls in pickle: functions by their names where they have one, and with their arguments else."""

    codec = PICKLE
    decode = staticmethod(pickle.loads)

    def __init__(self) -> None:
        """Knows no name."""
        self._names: dict[Any, bytes] = {}

    def request(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Request:
        """Returns a call."""
        try:
            name = self._names[function]
        except (KeyError, TypeError):
            name = self._name_of(function)
        if not name:
            return _APPLY, _pickled(function, ((function, *arguments), named))
        try:
            return name, pickle.dumps((arguments, named), 5)
        except Exception:
            return name, _pickled(function, (arguments, named))

    def chunk(self, function: Any, chunk: list[tuple[Any, ...]]) -> Request:
        """Returns one call that calls a function with each of several lists of arguments."""
        if isinstance(function, str):
            raise InvalidError(f"{function!r} is a name: give the function itself, or a chunksize of 1")
        return _EACH, _pickled(function, ((function, *chunk), {}))

    def _name_of(self, function: Any) -> bytes:
        """Returns `module:name` of what a worker finds by it, and nothing for anything else."""
        if isinstance(function, str):
            return _spelled(function)
        if not callable(function):
            raise InvalidError(f"the function is {shown(function)}: give one, or the name of one as module:function")
        module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
        if not isinstance(function, (FunctionType, BuiltinFunctionType, type)) or not module or not path:
            return b""
        if module == "__main__" and not main_of(sys.modules["__main__"]):
            return b""
        found: Any = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is not function:
            return b""
        name = self._names[function] = f"{module}:{path}".encode()
        return name


class Named:
    """Calls in JSON, of functions by their names."""

    codec = JSON

    @staticmethod
    def decode(answer: Any) -> Any:
        """Reads an answer."""
        return json.loads(bytes(answer))

    def request(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Request:
        """Returns a call."""
        if not isinstance(function, str) or not function:
            raise InvalidError(f"the function is {shown(function)}: give the name of what the script exports")
        if named:
            raise InvalidError(
                f"{', '.join(named)} goes by name, which JavaScript has not: give all arguments in order"
            )
        try:
            return _spelled(function), json.dumps(arguments, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise InvalidError(f"the arguments of {function} are no JSON: {error}") from error

    def chunk(self, function: Any, chunk: list[tuple[Any, ...]]) -> Request:
        """Refuses: a script has no function that calls others."""
        raise InvalidError("chunksize is for workers of Python: leave it at 1")


def _spelled(name: str) -> bytes:
    if not name:
        raise InvalidError("the function is '': give the name of one as module:function")
    if "\0" in name:
        raise InvalidError(f"the function is {shown(name)}: no name has a NUL in it")
    return name.encode()


def _pickled(function: object, what: object) -> bytes:
    """Pickles what goes by name, and by value where cloudpickle is there for it."""
    try:
        return pickle.dumps(what, 5)
    except Exception as error:
        try:
            import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
        except ImportError:
            raise InvalidError(
                f"{function!r} with its arguments cannot go to another process: {error}. Define what is called, and "
                "the classes of its arguments, at the top level of a module; or install cloudpickle, which takes "
                "lambdas and closures along"
            ) from error
        by_value: Callable[[object, int], bytes] = cloudpickle.dumps
        return by_value(what, 5)


def main_of(main: Any) -> str:
    """Returns what a worker runs in the place of the main module: a path, `-m` and a module's name, or nothing."""
    # In a worker that has not run it yet.
    given = getattr(main, "__circlet_main__", None)
    if given is not None:
        return str(given)
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if name is not None:
        return f"-m {name}"
    path = getattr(main, "__file__", None)
    return os.path.abspath(path) if path else ""


def folders_of(program: str | None) -> list[str]:
    """Returns where workers look for modules: as this process does; for another interpreter, without its library."""
    here = os.getcwd()
    folders = [folder or here for folder in sys.path]
    if program is None:
        return folders
    library = os.path.dirname(os.__file__)
    parts = next((index for index, folder in enumerate(folders) if folder.startswith(library[:-1])), len(folders))
    ours = [folder for folder in folders[:parts] if not folder.endswith(".zip")]
    return ours
