"""The ports of a pool: ends of rings that go from one worker to another with nothing lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from ctypes import Structure, byref, c_int32, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ._arguments import opened, shown
from ._native import CONSUMER, PRODUCER, InvalidError, check, library
from ._waiting import first_ms, go_on
from .ring import SharedRingBuffer

#: What has become of a port: any worker may use it, one that it was handed to, or nobody any more.
PortState = Literal["open", "transferred", "closed"]

_ANY_WORKER = 0xFFFF_FFFF
_STATES: tuple[PortState, ...] = ("open", "transferred", "closed")
_UNKNOWN = (1 << 64) - 1


class _Entry(Structure):
    """circlet_port."""

    _fields_ = [
        ("port", c_uint32),
        ("owner", c_uint32),
        ("side", c_int32),
        ("state", c_uint32),
        ("messages_queued", c_uint64),
    ]


@dataclass(frozen=True)
class Port:
    """A port as its pool lists it."""

    #: Its name, such as "p_1a2b".
    id: str
    #: The worker that it was transferred to; of an open one, the worker that uses it now, if any.
    owner: str | None
    state: PortState
    #: `PRODUCER` or `CONSUMER`.
    side: int
    #: Frames that were sent and not yet released; each fragment of a message is one. Unknown of a broadcast ring.
    messages_queued: int | None


def worker_number(name: str) -> int:
    """Returns the number of a worker that snapshots name, such as "w_3a7f"."""
    return _number("w", name)


def _number(kind: str, name: str) -> int:
    found = re.fullmatch(f"{kind}_([0-9a-f]{{1,8}})", name) if isinstance(name, str) else None
    if found is None:
        what, example = ("port", "p_1a2b") if kind == "p" else ("worker", "w_3a7f")
        raise InvalidError(f"{shown(name)} names no {what}: give a name such as {example!r}")
    return int(found[1], 16)


def _worker(name: str | None) -> int:
    return _ANY_WORKER if name is None else worker_number(name)


class _Line(Protocol):
    """What has the handle of a pool."""

    @property
    def handle(self) -> Any: ...


class Ports:
    """The ports of a pool; a part of `Pool` and `ProcessPool`."""

    _line: _Line

    def open_port(self, ring: SharedRingBuffer, side: int) -> str:
        """Makes a side of a ring (`PRODUCER` or `CONSUMER`) a port, which any worker may use, and returns its name.

        The side is the pool's until the port, or the pool, is closed: for the other side it lives, whichever worker has
        it. A job in C takes it by `circlet_job_port`, a call of a process by `circlet.job.port`. Raises `BusyError`
        where somebody has that side, `InvalidError` for a reader of a broadcast ring or of messages in fragments, and
        `ClosedError`.

        >>> from circlet import CONSUMER, Pool, SharedRingBuffer
        >>> with Pool(max=2) as pool, SharedRingBuffer.anonymous() as ring:
        ...     port = pool.open_port(ring, CONSUMER)
        ...     ring.send(b"queued")
        ...     [(port.state, port.owner, port.messages_queued) for port in pool.ports()]
        [('open', None, 1)]
        """
        if not isinstance(ring, SharedRingBuffer):
            raise InvalidError(f"ring is {shown(ring)}: give a SharedRingBuffer")
        if side not in (PRODUCER, CONSUMER):
            raise InvalidError(f"side is {shown(side)}: give PRODUCER ({PRODUCER}) or CONSUMER ({CONSUMER})")
        port = c_uint32()
        check(library.circlet_pool_port_open(self._line.handle, ring._open(), side, byref(port)))
        return f"p_{port.value:04x}"

    def transfer_port(self, port: str, worker: str | None) -> None:
        """Hands a port to a worker of `snapshot()["registry"]`, which alone may use it then, or (`None`) to all.

        Whoever uses it goes on until it gives it back. Raises `NotFoundError`.
        """
        check(library.circlet_pool_port_transfer(self._line.handle, _number("p", port), _worker(worker)))

    def close_port(self, port: str) -> None:
        """Closes a port, when whoever uses it has given it back. What is queued stays in the ring.

        Raises `NotFoundError`.
        """
        check(library.circlet_pool_port_close(self._line.handle, _number("p", port)))

    def ports(self) -> list[Port]:
        """Lists the ports in the order in which they were opened, and the last 64 that were closed."""
        room, found = 0, check(library.circlet_pool_ports(self._line.handle, None, 0))
        entries = (_Entry * 0)()
        while found > room:
            room = found
            entries = (_Entry * room)()
            found = check(library.circlet_pool_ports(self._line.handle, entries, room))
        return [
            Port(
                id=f"p_{entry.port:04x}",
                owner=None if entry.owner == _ANY_WORKER else f"w_{entry.owner:04x}",
                state=_STATES[entry.state],
                side=entry.side,
                messages_queued=None if entry.messages_queued == _UNKNOWN else entry.messages_queued,
            )
            for entry in entries[:found]
        ]


class _Asked:
    """What a call has asked for, and may have got just as it was interrupted."""

    def __init__(self, worker: int, number: int) -> None:
        self.worker, self.number, self.handle = worker, number, c_void_p()

    def close(self) -> None:
        if self.handle.value is not None:
            check(library.circlet_worker_port_back(self.worker, self.number, self.handle))


class JobPort(SharedRingBuffer):
    """A port in the hands of the call that runs: a ring of which it has one side, until it closes it or is over.

    What the call has received counts as received then, and the next one goes on behind it; what a worker had received
    and not released when it died comes again. An iteration fetches one message at a time.
    """

    # What an iteration has fetched counts as received, so that it fetches nothing that it does not yield.
    _batch = 1

    def __init__(self, asked: _Asked, side: int, used: list[_Asked | JobPort]) -> None:
        """Made by `circlet.job.port`."""
        super().__init__(opened(asked.handle))
        self._worker, self._number, self._used = asked.worker, asked.number, used
        #: The side that this is: `PRODUCER` or `CONSUMER`.
        self.side = side
        used[used.index(asked)] = self

    @property
    def id(self) -> str:
        """The port's name, such as "p_1a2b"."""
        return f"p_{self._number:04x}"

    def transfer(self, worker: str | None = None) -> None:
        """Hands the port on to another worker, such as "w_3a7f", or to whichever asks, and gives it back.

        Raises `NotFoundError` where there is no such worker; the port stays here then.
        """
        self._open()
        check(library.circlet_worker_port_transfer(self._worker, self._number, _worker(worker)))
        self.close()

    def close(self) -> None:
        """Gives the port back. Safe to call twice."""
        handle = self._handle
        if handle is None:
            return
        if self.side == CONSUMER:
            self.release()
        # The handle ends with the last that looks at the memory.
        memory = self._memory
        super().close()
        check(library.circlet_worker_port_back(self._worker, self._number, handle))
        self._used.remove(self)
        del memory


def take(
    worker: int, port: str, timeout: float | None, used: list[_Asked | JobPort], check_abort: Callable[[], None]
) -> JobPort:
    """Takes a port for the call that runs in a worker process."""
    asked = _Asked(worker, _number("p", port))

    def attempt(ms: float) -> int:
        # The interrupt may have come before the call had begun.
        check_abort()
        return library.circlet_worker_port(worker, asked.number, ms, byref(asked.handle))

    used.append(asked)
    side = go_on(attempt(first_ms(timeout)), attempt, timeout)
    return JobPort(asked, side, used)
