/** The office: where its rooms are, what is in them, and how one walks from one to another. */

import type { Activity, Furniture, Office, Place, Point } from "../protocol.ts";

const WIDTH = 32;
const HEIGHT = 20;
/** The middle of the corridor, which all doors lead to. */
const CORRIDOR = 10;
const UPPER = { y: 1, height: 7.4 };
const LOWER = { y: 11.6, height: 7.4 };

/** Puts a thing at points. */
const each = (is: Furniture["is"], width: number, height: number, points: [number, number][]): Furniture[] =>
  points.map(([x, y]) => ({ is, x, y, width, height }));
const seats = (points: [number, number][]): Point[] => points.map(([x, y]) => ({ x, y }));
/** All pairs. */
const grid = (xs: number[], ys: number[]): [number, number][] => ys.flatMap((y) => xs.map((x): [number, number] => [x, y]));

function place(id: string, name: string, x: number, width: number, row: typeof UPPER, inside: Pick<Place, "seats" | "furniture">): Place {
  const door = { x: x + width / 2, y: row === UPPER ? row.y + row.height : row.y };
  return { id, name, x, width, ...row, door, ...inside };
}

export const OFFICE: Office = {
  width: WIDTH,
  height: HEIGHT,
  entrance: { x: 0.2, y: CORRIDOR },
  places: [
    place("library", "Library", 1, 9, UPPER, {
      seats: seats(grid([2.2, 4.1, 6.9, 8.8], [4.2, 6.7])),
      furniture: [
        ...each("shelf", 3.4, 0.9, [[1.5, 1.6], [6.1, 1.6]]),
        ...each("rug", 6.4, 2.4, [[2.3, 4.3]]),
        ...each("table", 1.5, 1, [[4.75, 5]]),
        ...each("plant", 0.8, 0.8, [[5.1, 1.65]]),
      ],
    }),
    place("desks", "Desks", 10.5, 11, UPPER, {
      seats: seats(grid([12, 14.7, 17.4, 20.1], [4.1, 7.1])),
      furniture: [
        ...each("desk", 2, 0.9, grid([11, 13.7, 16.4, 19.1], [2.5, 5.5])),
      ],
    }),
    place("machines", "Machine room", 22, 9, UPPER, {
      seats: seats(grid([23.4, 25.5, 27.6, 29.7], [4.3, 6.6])),
      furniture: [...each("rack", 0.95, 1.7, [[22.6, 1.5], [23.7, 1.5], [24.8, 1.5], [27.2, 1.5], [28.3, 1.5], [29.4, 1.5]]), ...each("plant", 0.8, 0.8, [[26.1, 1.9]])],
    }),
    place("window", "Web window", 1, 7.2, LOWER, {
      seats: seats(grid([2, 4.6, 7.2], [15.4, 17.2])),
      furniture: [...each("screen", 5, 0.6, [[2.1, 18.1]]), ...each("plant", 0.8, 0.8, [[1.3, 18], [7.1, 18]])],
    }),
    place("meeting", "Meeting room", 8.7, 9, LOWER, {
      seats: seats([[10.3, 14.5], [12.1, 14.1], [14.3, 14.1], [16.1, 14.5], [10.3, 16.9], [12.1, 17.3], [14.3, 17.3], [16.1, 16.9]]),
      furniture: [...each("rug", 7, 4.4, [[9.7, 13.7]]), ...each("table", 4.4, 1.5, [[11, 14.9]]), ...each("board", 3.6, 0.35, [[11.4, 18.4]])],
    }),
    place("help", "Help desk", 18.2, 5.8, LOWER, {
      seats: seats(grid([19.5, 21.1, 22.7], [14.2, 15.7])),
      furniture: [...each("counter", 4.4, 0.9, [[18.9, 16.6]]), ...each("plant", 0.8, 0.8, [[22.9, 17.9]])],
    }),
    place("lounge", "Lounge", 24.5, 6.5, LOWER, {
      seats: seats(grid([25.6, 27, 28.5, 29.9], [14.1, 15.9, 17.5])),
      furniture: [
        ...each("rug", 5, 4, [[25.25, 13.9]]),
        ...each("sofa", 2.6, 0.95, [[24.9, 17.9], [28, 17.9]]),
        ...each("plant", 0.8, 0.8, [[29.9, 12]]),
      ],
    }),
  ],
};

const WHERE: Record<Activity, string | null> = {
  read: "library",
  write: "desks",
  run: "machines",
  browse: "window",
  plan: "meeting",
  ask: "help",
  rest: "lounge",
  // One thinks where one is.
  think: null,
};

export const placeOf = (activity: Activity): Place | null => placeNamed(WHERE[activity]);
export const placeNamed = (id: string | null): Place | null => OFFICE.places.find((place) => place.id === id) ?? null;

const inside = (place: Place, point: Point): boolean =>
  point.x >= place.x && point.x <= place.x + place.width && point.y >= place.y && point.y <= place.y + place.height;

/** Returns where one walks from a point to another; `lane` keeps those who meet in the corridor apart. */
export function way(from: Point, to: Point, lane: number): Point[] {
  const [here, there] = [OFFICE.places.find((place) => inside(place, from)), OFFICE.places.find((place) => inside(place, to))];
  if (here === there) return [to];
  const corridor = CORRIDOR + lane;
  const out = here ? [here.door, { x: here.door.x, y: corridor }] : [{ x: from.x, y: corridor }];
  const into = there ? [{ x: there.door.x, y: corridor }, there.door] : [{ x: to.x, y: corridor }];
  return [...out, ...into, to];
}
