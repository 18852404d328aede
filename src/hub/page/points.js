// Which of a room's values are curves: columns `x` and `y`, or lists of points.

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array };
const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

/** Returns a column as numbers: those of its bytes, or a list. */
function column(value) {
  if (Array.isArray(value)) return value.every((item) => typeof item === "number" || item === null) ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [kind, Numbers] of Object.entries(ARRAYS)) {
    const bytes = Object.hasOwn(value, kind) ? value[kind] : undefined;
    if (!isBytes(bytes)) continue;
    const buffer = ArrayBuffer.isView(bytes) ? bytes.slice().buffer : bytes;
    return new Numbers(buffer, 0, Math.floor(buffer.byteLength / Numbers.BYTES_PER_ELEMENT));
  }
  return undefined;
}

/** Returns the columns of a list of points: `[x, y]` or `{x, y}`. */
function columnsOfPoints(points) {
  if (!Array.isArray(points) || points.length < 2) return undefined;
  const [x, y] = [new Float64Array(points.length), new Float64Array(points.length)];
  for (let i = 0; i < points.length; i++) {
    const point = points[i];
    if (typeof point !== "object" || point === null) return undefined;
    const [px, py] = Array.isArray(point) ? point : [point.x, point.y];
    if (typeof px !== "number" || typeof py !== "number") return undefined;
    x[i] = px;
    y[i] = py;
  }
  return { x, y };
}

/** Returns the columns of a value that is a curve. */
function curve(value) {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return columnsOfPoints(value);
  const [x, y] = [column(value.x), column(value.y)];
  if (x && y && Math.min(x.length, y.length) > 1) return { x, y };
  return Array.isArray(value.points) ? columnsOfPoints(value.points) : undefined;
}

/** What was made of a value is kept for as long as the value is. */
const made = new WeakMap();

function curveOf(value) {
  if (typeof value !== "object" || value === null) return undefined;
  if (!made.has(value)) made.set(value, curve(value));
  return made.get(value);
}

/** Returns the curves of a room: `[name, {x, y}]`, by name. */
export function curvesOf(room) {
  const found = [];
  const [x, y] = [column(room.get("x")), column(room.get("y"))];
  if (x && y && Math.min(x.length, y.length) > 1) found.push(["x, y", { x, y }]);
  for (const [key, value] of room.state) {
    const columns = curveOf(value);
    if (columns) found.push([key, columns]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}
