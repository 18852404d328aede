/** Columns of numbers, as bytes or as lists. */

const KINDS: Record<string, { new (buffer: ArrayBuffer): ArrayLike<number>; BYTES_PER_ELEMENT: number }> = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u8: Uint8Array,
};

/** Returns the numbers of a column such as `{f32: ArrayBuffer}`; none where it is no column, and 0 for what is no number. */
export function numbers(column: unknown): number[] {
  return read(column).map((number) => (Number.isFinite(number) ? number : 0));
}

function read(column: unknown): number[] {
  if (typeof column !== "object" || column === null) return [];
  const [kind, values] = Object.entries(column)[0] ?? [];
  if (Array.isArray(values)) return values.map(Number);
  const view = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  const bytes = values instanceof ArrayBuffer ? values : ArrayBuffer.isView(values) ? aligned(values) : null;
  if (!view || !bytes || bytes.byteLength % view.BYTES_PER_ELEMENT !== 0) return [];
  return Array.from(new view(bytes));
}

/** Copies what may begin anywhere. */
const aligned = ({ buffer, byteOffset, byteLength }: ArrayBufferView): ArrayBuffer => buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
