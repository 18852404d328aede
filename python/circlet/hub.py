"""The live hub: rooms of state that thousands of viewers watch over Socket.IO."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from ctypes import Array, addressof, byref, c_char, c_char_p, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, NoReturn, cast

from . import _native
from ._arguments import opened, shown, text
from ._closing import Closing
from ._hub_options import hub_options
from ._native import CircletError, InvalidError, address, check, library
from ._pool_options import milliseconds
from ._table import Column
from ._texts import json_text, text_from

# See _waiting.py.
if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from ._hub_options import HubSettings

__all__ = ["Hub"]

#: What viewers have to take what was published last, in seconds, where nothing else is said.
_PATIENCE = 1.0
#: The library's numbers of what a column holds.
F32, F64, I32, U8 = 1, 2, 3, 4
# By the letter that a buffer says, and how many bytes each has.
_KINDS = {("f", 4): F32, ("d", 8): F64, ("i", 4): I32, ("l", 4): I32, ("B", 1): U8}


class Hub(Closing):
    """Shows rooms of state live to viewers over Socket.IO, and on a page of its own at `url`.

    A room holds the newest value of each key; what changed is told some 30 times a second. A viewer that is slow is
    told the newest state when it can take it, and is in nobody's way. Any thread may use it: no call waits for viewers.
    It has threads of its own, which need no part of Python. A forked child has no part in it: calls raise
    `CircletError` there, and its end leaves the parent's as it is. `docs/hub.md` has what viewers get.

    >>> from array import array
    >>> from circlet import Hub
    >>> with Hub(port=0) as hub:
    ...     hub.set("game-1", "player", {"x": 1, "y": 2})
    ...     hub.set_columns("game-1", "path", x=array("f", [0, 1]), y=array("f", [0, 2]))
    ...     hub.emit("game-1", "agent-action", {"action": "edit"})
    ...     stats = hub.stats()
    1
    >>> stats["rooms"], stats["published"], stats["viewers"]
    (1, 3, 0)
    """

    def __init__(self, **settings: Unpack[HubSettings]) -> None:
        """Starts a hub, which listens once this returns.

        `addr` is where, `"127.0.0.1:3010"` by default; `port` is short for a port at `127.0.0.1`, 0 for a free one.
        `hz` is how often a second what is new is told at most (30). `emit_token` is what emitters say, of whom there
        are none without it, and `view_token` what viewers say; `origins`, `hosts`, `allow` and `deny` say who may
        connect. `viewer_limits` and `emitter_limits` are dicts with `messages_per_s`, `bytes_per_s`, `rooms` and
        `message_bytes`. `max_rooms`, `max_keys`, `max_room_bytes`, `log` (events that are kept), `max_connections`,
        `max_connections_per_address` and `threads` are counts; `idle_room`, `stalled_after`, `ping_interval`,
        `ping_timeout` and `connect_timeout` are in seconds. `record` is a file that all is written to which viewers are
        told; `redis` is the URL of a server by which rooms are shared with other hubs of the same `redis_prefix`.
        `None` is the default of each; `docs/hub.md` has them.

        Raises `InvalidError` for what an option cannot be, `TypeError` for what is none, `BusyError` where the port is
        taken, and other `CircletError`s where the system or Redis refuses.
        """
        options = json_text("settings", hub_options(settings))
        handle = c_void_p()
        try:
            check(library.circlet_hub_start(options, byref(handle)))
        except CircletError as error:
            if error.status != "CIRCLET_BAD_JSON":
                raise
            raise InvalidError(str(error)) from None
        # It is ended with this object alone, so that no thread that uses it could find it gone.
        self._handle = opened(handle)
        self._process = os.getpid()
        _native.end_with(self, self._handle, library.circlet_hub_free, _leave)
        _native.used["circlet.Hub"] = None
        self._addr = text_from(lambda out: library.circlet_hub_addr(self._handle, out))[0].decode()

    @property
    def addr(self) -> str:
        """The address and port that it listens at, such as `"127.0.0.1:3010"`."""
        return self._addr

    @property
    def url(self) -> str:
        """Where its page is, and its viewers connect to."""
        return f"http://{self._addr}"

    def set(self, room: str, key: str, value: Any) -> None:
        """Sets the value of a key of a room to what JSON can hold; the room is made where there is none.

        Raises `InvalidError` for names of none or more than 200 bytes and for what JSON cannot hold, `FullError` where
        the room or the hub has no place for it, and `ClosedError` once it is stopped, as all that follows here.
        """
        room_text, key_text, value_text = text("room", room), text("key", key), json_text("value", value)
        check(library.circlet_hub_set(self._handle, room_text, key_text, value_text))

    def set_columns(self, room: str, key: str, /, **columns: Buffer) -> None:
        """Sets the value of a key to columns of numbers, which viewers get as bytes: `{"x": {"f32": ArrayBuffer}}`.

        A column is whatever has a buffer of one dimension: an `array`, an array of NumPy, a `memoryview`; its numbers
        are floats of 32 or 64 bits, integers of 32 bits, or bytes. They are copied: what changes later is not told.
        Raises as `set`, and `InvalidError` for other buffers.
        """
        room_text, key_text = text("room", room), text("key", key)
        parts = [_column(name, numbers) for name, numbers in columns.items()]
        # What they lead to is kept by `parts`.
        given = (Column * len(parts))(*(column for column, _ in parts))
        check(library.circlet_hub_set_columns(self._handle, room_text, key_text, given, len(parts)))

    def update(self, room: str, set: Mapping[str, Any] | None = None, *, removed: Iterable[str] = ()) -> None:
        """Sets and removes keys of a room, and has viewers told of all of it together. What is in both is set.

        Raises as `set`, and changes nothing then.
        """
        if isinstance(removed, str):
            raise InvalidError(f"removed is {shown(removed)}: give the names of keys in a list")
        room_text = text("room", room)
        set_text, removed_text = json_text("set", dict(set or {})), json_text("removed", list(removed))
        check(library.circlet_hub_update(self._handle, room_text, set_text, removed_text))

    def remove(self, room: str, key: str) -> bool:
        """Removes a key of a room, and tells whether it was there. Raises as `set`."""
        room_text, key_text = text("room", room), text("key", key)
        return bool(check(library.circlet_hub_remove(self._handle, room_text, key_text)))

    def emit(self, room: str, event: str, data: Any) -> int | None:
        """Tells viewers of an event, such as `"agent-action"`, which is not merged with others.

        Returns its number in the room, from 1 on; `None` where rooms are shared by Redis, as it has none before all
        hubs are told. Raises as `set`.
        """
        room_text, event_text, data_text = text("room", room), text("event", event), json_text("data", data)
        number = c_uint64()
        check(library.circlet_hub_emit(self._handle, room_text, event_text, data_text, byref(number)))
        return number.value or None

    def follow_ring(self, name: str, room: str | None = None) -> None:
        """Shows the ring of a name in a room, `ring:NAME` by default, for as long as the hub is there.

        It may come later, and come again; the room `rings` says how full it is. What its messages say is in
        `docs/hub.md`.
        """
        name_text, room_text = text("name", name), text("room", f"ring:{name}" if room is None else room)
        check(library.circlet_hub_follow_ring(self._handle, name_text, room_text))

    def follow_session(self, page: str, room: str | None = None) -> None:
        """Shows the page of a session in a room, `session:PAGE` by default: the payload's sections are its keys."""
        page_text, room_text = text("page", page), text("room", f"session:{page}" if room is None else room)
        check(library.circlet_hub_follow_session(self._handle, page_text, room_text))

    def stats(self) -> dict[str, int]:
        """Tells what it does and has done: `viewers`, `rooms`, `told`, `behind`, `published` and so on."""
        return cast("dict[str, int]", json.loads(text_from(self._stats)[0]))

    def troubles(self) -> list[str]:
        """Tells what does not work at the moment, though it goes on: why it cannot record, that Redis is away."""
        return cast("list[str]", json.loads(text_from(self._troubles)[0]))

    def stop(self, patience: float = _PATIENCE) -> None:
        """Stops it: tells what was published, asks viewers to come back later (1013), and closes all connections.

        What takes longer than `patience` seconds is ended. Safe to call twice.
        """
        check(library.circlet_hub_stop(self._handle, milliseconds("patience", patience)))

    def close(self) -> None:
        """As `stop`, with a second of patience. Does nothing in a forked child."""
        if os.getpid() == self._process:
            self.stop()

    def _stats(self, out: Any) -> int:
        return int(library.circlet_hub_stats(self._handle, out))

    def _troubles(self, out: Any) -> int:
        return int(library.circlet_hub_troubles(self._handle, out))

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would end it under each other."""
        raise TypeError("a Hub can be neither copied nor pickled")


def _leave(handle: int) -> None:
    # Threads may be in it as the interpreter ends. A forked child is refused.
    library.circlet_hub_stop(handle, _PATIENCE * 1e3)


def _column(name: str, numbers: Buffer) -> tuple[Column, object]:
    """Returns a column, and what it leads to."""
    try:
        view = memoryview(numbers)
    except TypeError:
        raise InvalidError(f"{name} is {shown(numbers)}: give a buffer of numbers, such as an array or bytes") from None
    kind = _KINDS.get((view.format.lstrip("@=<"), view.itemsize))
    if kind is None or view.ndim != 1:
        given = f"{view.ndim} dimensions of the format {view.format!r}"
        raise InvalidError(f"{name} has {given}: give one dimension of 'f', 'd', 'i' or 'B'")
    name_text = text("column's name", name)
    # What lies apart is brought together.
    held = address(view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes()))
    return Column(name=name_text, numbers=_place(held), count=len(view), kind=kind), (name_text, held)


def _place(held: Array[c_char] | bytes | None) -> int | None:
    """Returns the number of an address. A cast would have a cycle keep what it is of."""
    if isinstance(held, bytes):
        return c_void_p.from_buffer(c_char_p(held)).value
    return None if held is None else addressof(held)
