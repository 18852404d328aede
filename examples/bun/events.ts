/** Two processes in their event loops: one asks for squares, the other answers, and a page tells how far it is. */
import { SharedPage, SharedRingBuffer } from "circlet";

const QUESTIONS = 1000;
const numberIn = (view: Uint8Array) => new DataView(view.buffer, view.byteOffset, view.byteLength).getFloat64(0, true);

async function answer(name: string): Promise<void> {
  using questions = SharedRingBuffer.open(`${name}-questions`);
  using answers = SharedRingBuffer.open(`${name}-answers`);
  using progress = SharedPage.open(`${name}-progress`);
  let done = 0;
  for await (const view of questions) {
    await answers.sendAsync(Float64Array.of(numberIn(view) ** 2));
    progress.write(Float64Array.of(++done / QUESTIONS));
  }
}

async function ask(name: string): Promise<void> {
  using questions = SharedRingBuffer.create(`${name}-questions`, { capacity: 4096 });
  using answers = SharedRingBuffer.create(`${name}-answers`, { capacity: 4096 });
  using progress = SharedPage.create(`${name}-progress`);
  const child = Bun.spawn([process.execPath, import.meta.path, name], { stdout: "inherit", stderr: "inherit" });

  // More than the ring holds: each waits for room in its turn, and the answers come meanwhile.
  const numbers = Array.from({ length: QUESTIONS }, (_, index) => Float64Array.of(index));
  const asked = Promise.all(numbers.map((number) => questions.sendAsync(number)));
  let sum = 0;
  for (let left = QUESTIONS; left > 0; left--) sum += numberIn(await answers.recvAsync(20_000));
  await asked;
  questions.close();
  process.exitCode = await child.exited;
  console.log(`the squares below ${QUESTIONS} add up to ${sum}; progress ${numberIn(progress.read()!.bytes)}`);
}

const name = process.argv[2];
await (name === undefined ? ask(`circlet-example-${process.pid}`) : answer(name));
