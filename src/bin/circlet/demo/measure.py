# Measures the points of each path where they lie: in the ring, which is `rings["points"]`.
# A frame is the number of its path and of its curve (two u32), and then the points (x and y, f64).
import math
import struct

try:
    import numpy
except ImportError:
    numpy = None


def measure_with_numpy(points):
    points = numpy.asarray(points).reshape(-1, 2)
    steps = numpy.diff(points, axis=0)
    return numpy.hypot(steps[:, 0], steps[:, 1]).sum(), points.min(axis=0), points.max(axis=0)


def measure_alone(points):
    x, y = points[0::2].tolist(), points[1::2].tolist()
    return sum(map(math.dist, zip(x, y), zip(x[1:], y[1:]))), (min(x), min(y)), (max(x), max(y))


# An array is laid over so many points, and fewer are measured faster one by one.
MANY = 200
paths = {}
for view in rings["points"]:
    path, _ = struct.unpack_from("<II", view)
    with view[8:].cast("d") as points:
        count = len(points) // 2
        length, low, high = (measure_with_numpy if numpy and count >= MANY else measure_alone)(points)
    before = paths.get(path, (0, 0.0, math.inf, math.inf, -math.inf, -math.inf))
    paths[path] = (
        before[0] + count,
        before[1] + float(length),
        min(before[2], float(low[0])),
        min(before[3], float(low[1])),
        max(before[4], float(high[0])),
        max(before[5], float(high[1])),
    )

print(f"measured {len(paths)} paths {'with numpy' if numpy else 'without numpy'}")
[[path, *found] for path, found in sorted(paths.items())]
