"""Ports of pools: of threads, and of processes that hand them to each other."""

from __future__ import annotations

import process_jobs
import pytest
from test_pool import LONG, Jobs, _library, jobs  # noqa: F401
from test_process_pool import until

from circlet import (
    CONSUMER,
    PRODUCER,
    BusyError,
    ClosedError,
    InvalidError,
    NotFoundError,
    Pool,
    Port,
    ProcessPool,
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


def test_a_receiver_goes_to_and_fro_between_two_worker_processes_and_nothing_is_lost() -> None:
    with ProcessPool(2, min=2) as pool:
        until(lambda: [entry["state"] for entry in pool.snapshot()["registry"].values()] == ["idle"] * 2)
        ring = SharedRingBuffer.anonymous()
        registry = pool.snapshot()["registry"]
        one, two = registry
        other = {registry[one]["pid"]: two, registry[two]["pid"]: one}
        port = pool.open_port(ring, CONSUMER)
        assert pool.ports() == [Port(port, None, "open", CONSUMER, 0)]
        pool.transfer_port(port, one)
        assert pool.ports() == [Port(port, one, "transferred", CONSUMER, 0)]

        count = 2000
        parts = [pool.submit(process_jobs.go_round, port, other) for _ in range(2)]
        for number in range(count):
            ring.send(number.to_bytes(2, "little"))
        ring.close()
        received = [part.result(LONG) for part in parts]
        assert all(received)
        # Each worker has its own in their order, and together they have all.
        assert all(part == sorted(part) for part in received)
        assert sorted(received[0] + received[1]) == list(range(count))
        assert pool.ports() == [Port(port, None, "open", CONSUMER, 0)]
        pool.close_port(port)
        assert pool.ports()[0].state == "closed"
