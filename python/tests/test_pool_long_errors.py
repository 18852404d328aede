"""Exceptions that say much: they arrive whole, and their words are cut."""

from __future__ import annotations

import process_jobs as jobs

from circlet import JobFailedError, ProcessPool

LONG = 60
SIZE = 5 << 20
TOLD_MAX = 1 << 16
NOTICE = 100


def test_a_long_exception_arrives_whole_and_its_traceback_without_the_middle() -> None:
    with ProcessPool(1) as pool:
        error = pool.submit(jobs.fail_at_length, SIZE).exception(LONG)
    assert type(error) is ValueError
    assert str(error) == f"first {'x' * SIZE} last"
    trace = str(error.__cause__)
    assert TOLD_MAX < len(trace) < TOLD_MAX + NOTICE
    assert "in fail_at_length\n" in trace
    assert "ValueError: first xxx" in trace
    assert "characters are left out here" in trace
    assert trace.rstrip('"\n').endswith("xxx last")


def test_a_long_exception_that_is_told_in_words_is_told_without_the_middle() -> None:
    with ProcessPool(1) as pool:
        error = pool.submit(jobs.fail_at_length_unspeakably, SIZE).exception(LONG)
        short = pool.submit(jobs.fail_at_length_unspeakably, TOLD_MAX - len("first  last")).exception(LONG)
    assert isinstance(error, JobFailedError)
    assert TOLD_MAX < len(str(error)) < TOLD_MAX + NOTICE
    assert str(error).startswith("Unspeakable: first xxx")
    left_out = SIZE + len("first  last") - TOLD_MAX
    assert f"\n... {left_out} of {left_out + TOLD_MAX} characters are left out here ...\n" in str(error)
    assert str(error).endswith("xxx last")
    assert len(error.traceback) < TOLD_MAX + NOTICE
    assert len(str(short)) == TOLD_MAX + len("Unspeakable: ")
