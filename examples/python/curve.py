"""A curve: its bounds, its length, and points on it within a tolerance."""

from circlet import Curve

arch = Curve.bezier([(0, 0), (0, 4), (4, 4), (4, 0)])
fitted = arch.transform(arch.fit_to_box((0, 0, 800, 600)))
print("bounds ", fitted.bounds())
print("length ", round(fitted.length(), 6))
print("points ", len(fitted.flatten(0.1)))
