/** Every family against the golden data in tests/data/curve, in each form in which points come. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Curve, CurveError, type Family } from "../src/index.ts";
import { errorOf } from "./support.ts";

type Pair = [number, number];

/** A case: tests/data/curve/README.md says what is in it. */
interface Case {
  id: string;
  family: Family;
  params: object;
  points: (number | string)[][];
  expect: {
    policy?: string;
    segments?: number[][];
    eval: { u: number; p: Pair; d1?: Pair }[];
    tol: { points: Pair; d1: Pair };
  };
}

// The tests may run in a copy of the package, beside which there are links into the checkout.
const data = join(realpathSync(join(import.meta.dir, "../../include")), "../tests/data/curve");
const cases = readdirSync(data)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => JSON.parse(readFileSync(join(data, file), "utf8")).cases as Case[]);
const sound = cases.filter((one) => one.expect.policy === undefined);
const refused = cases.filter((one) => one.expect.policy !== undefined);

function made({ family, params, points }: Case): Curve {
  // Cubics stand for a Bezier curve above degree 3, as near as is asked for.
  const more = family === "bezier" && points.length > 4 ? { tolerance: 1e-12 } : {};
  return Curve.make(family, Float64Array.from(points.flat(), Number), { ...params, ...more } as never);
}

/** Leaves out the segments that are a single point. */
function withExtent(segments: ArrayLike<number>, tolerance: Pair): number[][] {
  const all = Array.from({ length: segments.length / 8 }, (_, index) =>
    Array.from({ length: 8 }, (_, at) => segments[index * 8 + at]!),
  );
  return all.filter((one) => one.some((value, at) => Math.abs(value - one[at % 2]!) > tolerance[at % 2]!));
}

function within(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: Pair, times = 1): void {
  expect(found).toHaveLength(wanted.length);
  for (let at = 0; at < wanted.length; at++) {
    expect(Math.abs(found[at]! - wanted[at]!)).toBeLessThanOrEqual(times * tolerance[at % 2]!);
  }
}

/** Evenly spaced parameters over the domain. */
function spread(curve: Curve, count: number): Float64Array {
  const [start, end] = curve.domain;
  return new Float64Array(count).map((_, index) => start + ((end - start) * index) / (count - 1));
}

describe("golden", () => {
  test("there_are_cases_to_check", () => {
    expect(sound.length).toBeGreaterThan(35);
    expect(refused.length).toBeGreaterThan(2);
  });

  test.each(sound.map((one) => [one.id, one] as const))(
    "%s_has_the_golden_segments_points_and_derivatives",
    (_, one) => {
      using curve = made(one);
      const { segments, tol } = one.expect;
      if (segments !== undefined) {
        const [found, wanted] = [curve.segments(), segments.flat()].map((all) => withExtent(all, tol.points).flat());
        within(found!, wanted!, tol.points);
      }
      const knots = curve.knots();
      expect([knots[0]!, knots.at(-1)!]).toEqual([...curve.domain]);
      expect(knots).toHaveLength(curve.segments().length / 8 + 1);
      const parameters = Float64Array.from(one.expect.eval, ({ u }) => u);
      const [points, derivatives] = [curve.eval(parameters), curve.derivative(parameters)];
      one.expect.eval.forEach(({ u, p, d1 }, index) => {
        within(points.subarray(2 * index, 2 * index + 2), p, tol.points, 4);
        const derivative = curve.derivative(u);
        expect([...derivatives.subarray(2 * index, 2 * index + 2)]).toEqual([...derivative]);
        if (segments !== undefined && d1 !== undefined) within(derivative, d1, tol.d1);
      });
    },
  );

  test.each(refused.map((one) => [one.id, one] as const))("%s_is_refused", (_, one) => {
    expect(errorOf(() => made(one))).toBeInstanceOf(CurveError);
  });
});

describe("forms", () => {
  test("points_of_every_form_are_the_same_but_for_rounding", () => {
    for (const one of sound) {
      using curve = made(one);
      const parameters = spread(curve, 1500);
      const [points, samples] = [curve.eval(parameters), curve.sample(1500)];
      const size = points.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      const floats = new Float32Array(3000);
      expect(curve.eval(parameters, floats)).toBe(floats);
      expect(floats.every((value, at) => value === Math.fround(points[at]!))).toBe(true);
      expect(curve.sample(1500, floats)).toBe(floats);
      expect(floats.every((value, at) => Math.abs(value - samples[at]!) <= 6e-8 * size)).toBe(true);
      const columns = curve.evalColumns(parameters);
      expect(points.every((value, at) => value === columns[at % 2]![at >> 1])).toBe(true);
      expect(curve.sampleColumns(1500, columns)).toBe(columns);
      expect(samples.every((value, at) => Math.abs(value - columns[at % 2]![at >> 1]!) <= 1e-13 * size)).toBe(true);
    }
  });

  test.each([0, 1, 33, 4000])("a_batch_of_%i_points_each_is_one_curve_after_the_other", (pointsEach) => {
    const curves = sound.map(made);
    const batch = new Float64Array(curves.length * pointsEach * 2);
    expect(Curve.sampleBatch(curves, pointsEach, batch)).toBe(batch);
    expect(Curve.sampleBatch(curves, pointsEach)).toEqual(batch);
    curves.forEach((curve, index) => {
      const part = batch.subarray(index * pointsEach * 2, (index + 1) * pointsEach * 2);
      expect(part).toEqual(curve.sample(pointsEach));
    });
    expect(Curve.sampleBatch([], pointsEach)).toHaveLength(0);
  });
});

describe("parameters", () => {
  test("a_hermite_curve_has_the_points_and_derivatives_that_were_given", () => {
    const knots = Float64Array.of(0, 1, 3);
    const derivatives = [[1, 2], Float64Array.of(3, -1), [0, 0]] as const;
    using curve = Curve.make("hermite", [[0, 0], [4, 1], [2, 5]], { derivatives, knots });
    expect([...curve.eval(knots)]).toEqual([0, 0, 4, 1, 2, 5]);
    const found = curve.derivative(knots);
    derivatives.flatMap((one) => [...one]).forEach((value, at) => expect(found[at]).toBeCloseTo(value, 12));
  });

  test("left_out_parameters_have_their_defaults", () => {
    const points = [[0, 0], [4, 1], [2, 5], [7, 7]] as const;
    using plain = Curve.make("catmull_rom", points);
    using given = Curve.make("catmull_rom", points, { alpha: 0.5, ends: "d3" });
    expect(plain.segments()).toEqual(given.segments());
    using chordal = Curve.make("natural", [[0, 0], [3, 4], [6, 0]], { knots: "chordal" });
    expect([...chordal.knots()]).toEqual([0, 5, 10]);
  });

  test("the_types_name_the_families_that_the_library_has", () => {
    // The compiler sees to it that it has all that the types have, and no other.
    const typed: Record<Family, true> = {
      bezier: true,
      linear: true,
      step: true,
      bump_x: true,
      bump_y: true,
      catmull_rom: true,
      cardinal: true,
      natural: true,
      clamped: true,
      not_a_knot: true,
      periodic: true,
      monotone_x: true,
      monotone_y: true,
      pchip: true,
      fritsch_carlson: true,
      akima: true,
      makima: true,
      hermite: true,
      basis: true,
      bundle: true,
    };
    const { message } = errorOf(() => Curve.make("none" as Family, []));
    const [, ...known] = [...message.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name!);
    expect(known).toEqual(Object.keys(typed));
  });

  test("the_types_ask_for_the_parameters_that_a_family_needs", () => {
    const calls = () => {
      // @ts-expect-error A clamped spline takes its derivatives at the ends.
      Curve.make("clamped", [[0, 0], [1, 1]]);
      // @ts-expect-error Steps have no alpha.
      Curve.make("step", [[0, 0], [1, 1]], { alpha: 1 });
      // @ts-expect-error Neither has what has no parameters.
      Curve.make("pchip", [[0, 0], [1, 1]], { alpha: 1 });
    };
    expect(errorOf(calls)).toBeInstanceOf(CurveError);
  });
});
