"""What a ring is made with, and what it counts."""

from __future__ import annotations

import ctypes
from ctypes import byref
from typing import Literal, NamedTuple

from ._arguments import number, text, word
from ._native import RING_HUGE_PAGES, RING_PREFAULT, SCHEMA_MAX, check, library
from ._table import RingOptions, RingStats

#: Who may write and read.
Mode = Literal["spsc", "mpsc", "broadcast"]
#: What a sender does that finds no room.
Overflow = Literal["block", "fail", "drop_newest"]

# Each in the order of the library's numbers; those of the modes begin with 1.
MODES = ("spsc", "mpsc", "broadcast")
OVERFLOWS = ("block", "fail", "drop_newest")
_PEERS = ("never", "alive", "closed", "died")


class Stats(NamedTuple):
    """The counters of a ring, of all its producers together, and what it was made with.

    A broadcast ring has no reader's numbers: nobody releases, and its readers have no seat.
    """

    #: Bytes of the data area.
    capacity_bytes: int
    #: Bytes committed and not yet released.
    used_bytes: int
    #: The most bytes that were seen unreleased, to within a sixteenth of the capacity.
    high_water_bytes: int
    #: Frames committed since the ring was made; each fragment of a message is one.
    frames_sent: int
    #: Frames released since the ring was made.
    frames_received: int
    #: Payload bytes committed since the ring was made.
    payload_bytes_sent: int
    #: How often a frame found no room at first.
    full_events: int
    #: Frames dropped because there was no room.
    dropped: int
    #: How often a producer slept for room.
    producer_waits: int
    #: How often the consumer slept for a frame.
    consumer_waits: int
    #: The longest payload of one frame in bytes: the longest claim.
    max_frame: int
    #: The longest message in bytes: above `max_frame` it goes in fragments.
    max_message: int
    mode: Mode
    overflow: Overflow
    #: How many producers live.
    producers: int
    #: Who has the writing side: "never", "alive", "closed" or "died".
    producer: str
    #: Who has the reading side.
    consumer: str
    #: The tag that both sides agree on, empty where there is none.
    schema: str

    @classmethod
    def of(cls, handle: int) -> Stats:
        """Reads what a handle of the C library counts."""
        stats, schema = RingStats(), ctypes.create_string_buffer(SCHEMA_MAX + 1)
        check(library.circlet_ring_get_stats(handle, byref(stats)))
        check(library.circlet_ring_schema(handle, schema, len(schema)))
        fields = {name: getattr(stats, name) for name in cls._fields if hasattr(stats, name)}
        fields.update(mode=MODES[stats.mode - 1], overflow=OVERFLOWS[stats.overflow], schema=schema.value.decode())
        fields.update(producer=_PEERS[stats.producer], consumer=_PEERS[stats.consumer])
        return cls(**fields)


def options(
    *,
    mode: str = "spsc",
    capacity: int = 1 << 20,
    max_message: int | None = None,
    overflow: str = "block",
    schema: str = "",
    prefault: bool = False,
    huge_pages: bool = False,
    permissions: int = 0o600,
) -> RingOptions:
    """Returns what a ring is made with, or opened with, as the library takes it."""
    return RingOptions(
        struct_size=ctypes.sizeof(RingOptions),
        mode=word("mode", mode, MODES) + 1,
        capacity=number("capacity", capacity, bits=64),
        max_message=0 if max_message is None else number("max_message", max_message),
        overflow=word("overflow", overflow, OVERFLOWS),
        flags=RING_PREFAULT * bool(prefault) + RING_HUGE_PAGES * bool(huge_pages),
        permissions=number("permissions", permissions),
        schema=text("schema", schema) or None,
    )
