"""A heart from SVG path data, fitted into a box of 100 by 100, and sampled straight into a frame of a ring."""

from circlet import Curve, SharedRingBuffer

heart = Curve.from_svg("M0,3 C-3,0 -1,-2 0,0 C1,-2 3,0 0,3 Z")[0]
fitted = heart.transform(heart.fit_to_box((0, 0, 100, 100)))
print(f"length {fitted.length():.6f}")

with SharedRingBuffer.anonymous() as ring:
    with ring.claim(1000 * 2 * 8) as view:
        fitted.sample(1000, out=view.cast("d"))
    print(len(ring.recv()), "bytes of points in shared memory")
print(len(fitted.flatten(0.1)), "points suffice to stay within 0.1 of it")
