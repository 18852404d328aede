// CLOCK_MONOTONIC in nanoseconds, which the generator compares with its own. Node's hrtime is that clock; Bun's begins with its process.
let now = process.hrtime.bigint;

if (typeof Bun !== "undefined") {
  const { dlopen } = await import("bun:ffi");
  const { symbols } = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
  const CLOCK_MONOTONIC = 1;
  const time = new BigInt64Array(2);
  now = () => {
    symbols.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0] * 1_000_000_000n + time[1];
  };
}

export { now };
