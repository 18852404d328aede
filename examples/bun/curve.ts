/** A heart from SVG path data, fitted into a box of 100 by 100, and sampled straight into a frame of a ring. */
import { Curve, SharedRingBuffer } from "circlet";

const [heart] = Curve.fromSvg("M0,3 C-3,0 -1,-2 0,0 C1,-2 3,0 0,3 Z");
const fitted = heart!.transform(heart!.fitToBox([0, 0, 100, 100], "contain"));
console.log("length", fitted.length().toFixed(6));

using ring = SharedRingBuffer.anonymous();
const claim = ring.claim(1000 * 2 * 8);
fitted.sample(1000, new Float64Array(claim.bytes.buffer, claim.bytes.byteOffset, 2000));
claim.commit();
console.log(`${ring.recv().length} bytes of points in shared memory`);
console.log(`${fitted.flatten(0.1).length / 2} points suffice to stay within 0.1 of it`);
