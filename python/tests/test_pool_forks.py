"""Forks of a process that has pools: they are its own, and a child makes its own."""

from __future__ import annotations

from pathlib import Path

from test_process_pool import run


def test_a_forked_child_that_lets_go_of_its_parents_pools_leaves_them_alone(tmp_path: Path) -> None:
    script = """
    import ctypes, gc, os
    from circlet import Pool, ProcessPool
    if __name__ == "__main__":
        threads, processes = Pool(max=1), ProcessPool(1)
        absolute = ctypes.CDLL(None).abs
        assert threads.submit(absolute, -1).result(60) == 1
        pid = processes.submit(os.getpid).result(60)
        child = os.fork()
        if child == 0:
            del threads, processes
            gc.collect()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        child = os.fork()
        if child == 0:
            raise SystemExit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert threads.submit(absolute, -2).result(60) == 2
        assert processes.submit(os.getpid).result(60) == pid
        threads.close()
        processes.close()
        print("they go on")
    """
    assert run(tmp_path, script) == "they go on\n"


USES = """
    import asyncio, ctypes, os, signal, sys, threading, time
    from circlet import CircletError, CONSUMER, Pool, ProcessPool, SharedRingBuffer

    async def leave(pool):
        async with pool:
            pass

    async def wait_for(future):
        await future

    def leave_here(pool):
        with pool:
            pass

    if __name__ == "__main__":
        threads, processes, ring = Pool(max=1), ProcessPool(1), SharedRingBuffer.anonymous()
        absolute = ctypes.CDLL(None).abs
        done = threads.submit(absolute, -1)
        called = processes.submit(pow, 2, 3)
        assert done.result(60) == 1 and called.result(60) == 8
        running = processes.submit(time.sleep, 1000)
        waiter = threading.Thread(target=running.exception)
        waiter.start()
        # The one who waits has the locks of the pool while this process forks.
        while not processes._line._leading.locked():
            pass
        uses = [
            lambda: threads.submit(absolute, -1),
            lambda: threads.submit_many(absolute, [1]),
            lambda: threads.sample_batch([], 3),
            lambda: processes.submit(abs, -1),
            lambda: processes.map(abs, [1]),
            lambda: processes.with_options(priority=1).submit(abs, -1),
            lambda: processes.output(),
            lambda: processes.heap_snapshot("w_0001"),
            lambda: processes.abort(),
            lambda: processes.abort(running),
            lambda: processes.shutdown(),
            lambda: processes.shutdown(wait=False),
            lambda: running.cancel(),
            lambda: running.result(),
            lambda: running.exception(),
            lambda: running.add_done_callback(print),
            lambda: asyncio.run(wait_for(running)),
            *[
                use
                for pool in (threads, processes)
                for use in (
                    pool.snapshot,
                    pool.drain,
                    pool.ports,
                    lambda pool=pool: pool.open_port(ring, CONSUMER),
                    lambda pool=pool: pool.close_port("p_0001"),
                    lambda pool=pool: pool.transfer_port("p_0001", None),
                    lambda pool=pool: leave_here(pool),
                    lambda pool=pool: asyncio.run(leave(pool)),
                    # The last: it is no more closed than it was.
                    pool.close,
                    pool.close,
                    pool.snapshot,
                )
            ],
        ]
        words = f"this pool belongs to process {os.getpid()}, and this is its forked child {{}}: make a pool here"
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            for index, use in enumerate(uses):
                try:
                    use()
                except CircletError as error:
                    if str(error) != words.format(os.getpid()):
                        print(index, error, flush=True)
                else:
                    print(index, "was no error", flush=True)
            assert done.result(0) == 1 and called.result(0) == 8 and called.done()
            with Pool(max=1) as own, ProcessPool(1) as others:
                print(own.submit(absolute, -3).result(60), others.submit(abs, -4).result(60), flush=True)
            with processes:
                sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        processes.abort()
        waiter.join()
        threads.close()
        processes.close()
        print("they go on")
"""


def test_each_use_of_a_pool_in_a_forked_child_says_whose_it_is(tmp_path: Path) -> None:
    assert run(tmp_path, USES) == "3 4\nthey go on\n"
