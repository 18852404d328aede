"""Texts and JSON, as they go into the C library and come out of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Any, cast

from ._arguments import shown
from ._native import InvalidError, check, library


def json_text(what: str, value: object) -> bytes:
    """Returns a value as JSON. Raises `InvalidError` for what JSON cannot hold."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidError(f"{what} is {shown(value)}, which JSON cannot hold: {error}") from None


def text_from(call: Callable[[Any], int]) -> tuple[bytes, int]:
    """Calls what writes a handle of a text; returns the text, and what the call returned."""
    handle = c_void_p()
    status = check(call(byref(handle)))
    try:
        return cast("bytes", library.circlet_text_data(handle)), status
    finally:
        library.circlet_text_free(handle)
