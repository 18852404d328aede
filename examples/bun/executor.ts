/** Code strings in a Python session: what they print comes as they run, and what does not end is stopped. */
import { Executor } from "circlet";

using python = new Executor();
await python.run("total = 0");
for await (const chunk of python.stream("for i in range(3): total += i; print('step', i)")) {
  if (chunk.stream === "stdout") process.stdout.write(chunk.text);
}
console.log("total", (await python.run("total")).value);
python.send(Float64Array.of(0.5, 1.5));
const halves = await python.run("import array, circlet.session as s; array.array('d', s.receive())");
console.log("numbers", ...(halves.value as Float64Array));
const stopped = await python.run("while True: pass", { timeoutMs: 50 });
console.log(stopped.stopped, "by", stopped.error?.type);
console.log("still", (await python.run("total")).value);
