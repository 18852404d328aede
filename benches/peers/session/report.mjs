// What a snapshot of a program costs with the runtime's own means: `process.report.getReport()`, once as an object and once as text.
// Prints the median of the calls in microseconds. Run by `benches/payload.rs`.
const times = [];
let bytes = 0;
for (let call = 0; call < 60; call++) {
  const begin = process.hrtime.bigint();
  const text = JSON.stringify(process.report.getReport());
  times.push(Number(process.hrtime.bigint() - begin) / 1e3);
  bytes = text.length;
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ us: times[times.length >> 1], bytes }));
