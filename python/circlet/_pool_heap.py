# What a worker of a pool says of its heap: `_pool_late.py` loads it when it is first asked for, and nothing is traced
# before.
import gc
import sys
import tracemalloc

# The snapshot before, and the objects that there were.
last = {}


def snapshot(top, file, stop):
    is_first = not tracemalloc.is_tracing()
    if is_first:
        last.clear()
        tracemalloc.start()
    types = types_of(gc.get_objects())
    whole = tracemalloc.take_snapshot()
    if file is not None:
        whole.dump(file)
    taken = whole.filter_traces([tracemalloc.Filter(False, name) for name in (tracemalloc.__file__, "<supervisor>*")])
    size, peak = tracemalloc.get_traced_memory()
    known = last.get("types")
    answer = {
        "source": "tracemalloc",
        "is_first": is_first,
        "bytes": size,
        "peak_bytes": peak,
        "overhead_bytes": tracemalloc.get_tracemalloc_memory(),
        "lines": [line(found, found.size, found.count) for found in taken.statistics("lineno")[:top]],
        "grown": [
            {**line(found, found.size, found.count), "bytes_change": found.size_diff, "count_change": found.count_diff}
            for found in (taken.compare_to(last["taken"], "lineno")[:top] if "taken" in last else ())
            if found.size_diff or found.count_diff
        ],
        "types": [
            {"name": name, "count": count, "bytes": size, "count_change": known and count - known.get(name, (0, 0))[0]}
            for name, (count, size) in sorted(types.items(), key=lambda item: -item[1][1])[:top]
        ],
        "file": file,
    }
    last.update(taken=taken, types=types)
    if stop:
        last.clear()
        tracemalloc.stop()
    return answer


def line(found, size, count):
    frame = found.traceback[0]
    return {"file": frame.filename, "line": frame.lineno, "bytes": size, "count": count}


def types_of(objects):
    """Counts objects, and their bytes without what they lead to, by type."""
    types = {}
    for found in objects:
        kind = type(found)
        name = f"{kind.__module__}.{kind.__qualname__}"
        try:
            size = sys.getsizeof(found)
        except Exception:
            # Its own code says how large it is.
            size = 0
        count, before = types.get(name, (0, 0))
        types[name] = (count + 1, before + size)
    return types
