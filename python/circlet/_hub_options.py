"""What a hub is given, as the library takes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from ._arguments import integer, path_of, shown
from ._native import InvalidError
from ._pool_options import milliseconds


class HubSettings(TypedDict, total=False):
    """What a hub may be given: the names of `HubOptions` in the library, `None` for the default of each."""

    addr: str | None
    port: int | None
    hz: int | None
    ping_interval: float | None
    ping_timeout: float | None
    connect_timeout: float | None
    stalled_after: float | None
    idle_room: float | None
    max_rooms: int | None
    max_keys: int | None
    max_room_bytes: int | None
    log: int | None
    max_connections: int | None
    max_connections_per_address: int | None
    websocket_only: bool | None
    origins: Iterable[str] | None
    hosts: Iterable[str] | None
    allow: Iterable[str] | None
    deny: Iterable[str] | None
    emit_token: str | None
    view_token: str | None
    viewer_limits: Mapping[str, int] | None
    emitter_limits: Mapping[str, int] | None
    record: str | os.PathLike[str] | None
    redis: str | None
    redis_prefix: str | None
    threads: int | None


# What is given in seconds, which the library takes in milliseconds.
_TIMES = frozenset(("ping_interval", "ping_timeout", "connect_timeout", "stalled_after", "idle_room"))
_LISTS = frozenset(("origins", "hosts", "allow", "deny"))


def hub_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is given and is no default; which values there may be is the library's to say."""
    options: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in HubSettings.__annotations__:
            known = ", ".join(HubSettings.__annotations__)
            raise TypeError(f"Hub() got an unexpected keyword argument {name!r}: give one of {known}")
        if value is None:
            continue
        if name in _TIMES:
            options[f"{name}_ms"] = milliseconds(name, value)
        elif name in _LISTS:
            if isinstance(value, str) or not isinstance(value, Iterable):
                raise InvalidError(f"{name} is {shown(value)}: give a list of strings")
            options[name] = list(value)
        elif name == "record":
            options[name] = path_of(name, value)
        elif name == "port":
            options["addr"] = f"127.0.0.1:{_port(value)}"
        else:
            options[name] = dict(value) if isinstance(value, Mapping) else value
    if settings.get("addr") is not None and settings.get("port") is not None:
        raise InvalidError('addr and port are both given: give the port in addr, as "127.0.0.1:3010"')
    return options


def _port(value: int) -> int:
    if not 0 <= integer("port", value, "0 to 65535") < 1 << 16:
        raise InvalidError(f"port is {shown(value)}: give 0 to 65535, 0 for a free one")
    return int(value)
