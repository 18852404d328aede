"""Ports of a pool of threads."""

from __future__ import annotations

import pytest
from test_pool import LONG, Jobs, _library, jobs  # noqa: F401

from circlet import (
    CONSUMER,
    PRODUCER,
    BusyError,
    ClosedError,
    InvalidError,
    NotFoundError,
    Pool,
    Port,
    SharedRingBuffer,
    job,
)


def test_jobs_take_a_port_one_after_the_other_and_nothing_is_lost(jobs: Jobs) -> None:  # noqa: F811
    with Pool(max=3) as pool, SharedRingBuffer.anonymous(capacity=4096) as ring:
        port = pool.open_port(ring, CONSUMER)
        number = int(port[2:], 16)
        futures = [pool.submit(jobs.take_byte, number) for _ in range(200)]
        for byte in range(200):
            ring.send(bytes([byte]))
        assert sorted(future.result(LONG) for future in futures) == list(range(200))
        assert pool.ports() == [Port(port, None, "open", CONSUMER, 0)]


def test_a_port_is_handed_to_a_worker_and_closed(jobs: Jobs) -> None:  # noqa: F811
    with Pool(max=1) as pool, SharedRingBuffer.anonymous() as ring:
        port = pool.open_port(ring, CONSUMER)
        ring.send_many([b"a", b"b"])
        (worker,) = pool.snapshot()["registry"]
        pool.transfer_port(port, worker)
        assert pool.ports() == [Port(port, worker, "transferred", CONSUMER, 2)]
        listed = {"id": port, "owner": worker, "state": "transferred", "messages_queued": 2}
        assert pool.snapshot()["message_port_registry"] == {"ports": [listed]}
        assert pool.submit(jobs.take_byte, int(port[2:], 16)).result(LONG) == ord("a")
        pool.close_port(port)
        assert pool.ports()[0].state == "closed"
        assert ring.recv_copy() == b"b"
        assert pool.submit(jobs.take_byte, int(port[2:], 16)).result(LONG) == -1


def test_what_is_no_port_is_refused() -> None:
    with Pool(max=1) as pool, SharedRingBuffer.anonymous(mode="broadcast") as ring:
        with pytest.raises(InvalidError, match="broadcast"):
            pool.open_port(ring, CONSUMER)
        port = pool.open_port(ring, PRODUCER)
        assert pool.ports()[0].messages_queued is None
        with pytest.raises(BusyError):
            pool.open_port(ring, PRODUCER)
        with pytest.raises(NotFoundError, match="no worker w_fffe"):
            pool.transfer_port(port, "w_fffe")
        with pytest.raises(NotFoundError, match="no port p_ffffff"):
            pool.close_port("p_ffffff")
        with pytest.raises(InvalidError, match="names no port"):
            pool.close_port("w_1")
        with pytest.raises(ClosedError, match="no call of a pool"):
            job.port(port)
