/** What the workers of `processes.ts` call. */

export function digits(number: bigint): number {
  let product = 1n;
  for (let factor = 2n; factor <= number; factor++) product *= factor;
  return String(product).length;
}

export function refuse(reason: string): never {
  throw new RangeError(reason);
}

export function exit(code: number): never {
  process.exit(code);
}
