"""A batch of curves is sampled straight into a claim, and its points are read in place, to the bit."""

from circlet import Curve, SharedRingBuffer, sample_batch

curves = [Curve.make("catmull_rom", [(n, 0), (0.1, n / 3), (7, -n), (1.5 * n, 4)]) for n in range(8)]
read = 0
with SharedRingBuffer.anonymous(capacity=4 << 20) as ring:
    for each in [1, 2, 33, 500, 10_000] * 8:
        with ring.claim(len(curves) * each * 16) as view:
            out = view.cast("d")
            assert sample_batch(curves, each, out=out) is out
            out.release()
        frame = ring.recv()
        assert frame == memoryview(sample_batch(curves, each)).cast("B")
        with frame.cast("d") as points:
            assert points[-2:].tolist() == list(curves[-1].eval(3 if each > 1 else 0))
        read += each * len(curves)
print(read, "points read where they were written")
