"""A session that says what it does: how late its event loop is, what interfaces it uses, what a worker of it does."""

import asyncio
import os
import time

from circlet import SessionTracker


async def main() -> None:
    # `circlet session watch NAME` shows the page, and so does any other process.
    with SessionTracker.start(page=f"session-example-{os.getpid()}", project=False) as tracker:
        tracker.log_api_usage("asyncio")
        tracker.register_worker("w_1")
        tracker.update_worker("w_1", {"state": "processing"})
        print("measured:", *tracker.patch({"goal": "draw a curve", "process": {"rss_bytes": 1}}))
        await asyncio.sleep(0.05)
        time.sleep(0.12)  # in an event loop, by mistake
        before = tracker.snapshot()
        python = before["python"]
        print("used:", *python["apis"])
        print("late by 0.1 s:", python["event_loop"]["lag_longest_us"] >= 100_000)
        tracker.update_worker("w_1", {"state": "idle"})
        print("changed:", tracker.diff(before["seq"])["worker_threads"]["registry"]["w_1"]["state"])
        print("said:", "draw a curve" in tracker.summary())


asyncio.run(main())
