/** Columns of numbers, as emitters say them in JSON. */

const KINDS = { i32: Int32Array, f32: Float32Array, f64: Float64Array };

/** Bytes in base64, in little-endian order, under the name of what they are. */
export type Column = { [kind in keyof typeof KINDS]?: string };

export function column(kind: keyof typeof KINDS, numbers: number[]): Column {
  return { [kind]: Buffer.from(KINDS[kind].from(numbers).buffer).toString("base64") };
}
