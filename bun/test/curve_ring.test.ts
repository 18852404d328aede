/** Curves sampled where a reader finds them. */

import { expect, test } from "bun:test";
import { Curve, SharedRingBuffer } from "../src/index.ts";

test("a_batch_is_sampled_straight_into_a_claim_and_read_in_place_to_the_bit", () => {
  const curves = Array.from({ length: 8 }, (_, n) =>
    Curve.make("catmull_rom", [[n, 0], [0.1, n / 3], [7, -n], [1.5 * n, 4]]),
  );
  using ring = SharedRingBuffer.anonymous({ capacity: 4 << 20 });
  // Around the end of the ring more than once; in the largest frames threads share the work.
  for (const each of Array.from({ length: 8 }, () => [1, 2, 33, 500, 10_000]).flat()) {
    const claim = ring.claim(curves.length * each * 16);
    const room = new Float64Array(claim.bytes.buffer, claim.bytes.byteOffset, claim.bytes.length / 8);
    expect(Curve.sampleBatch(curves, each, room)).toBe(room);
    claim.commit();
    const frame = ring.recv();
    expect(frame.buffer).toBe(claim.bytes.buffer);
    expect(frame.byteOffset).toBe(claim.bytes.byteOffset);
    const wanted = Curve.sampleBatch(curves, each);
    expect(Buffer.compare(frame, new Uint8Array(wanted.buffer))).toBe(0);
    expect(new Float64Array(frame.buffer, frame.byteOffset, 2)[0]).toBe(wanted[0]!);
  }
  curves.forEach((curve) => curve[Symbol.dispose]());
});
