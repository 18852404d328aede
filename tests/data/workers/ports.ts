/** What the Bun workers of the tests do with ports. */

import { ClosedError, jobPort } from "../../../bun/src/index.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** One message, which counts as received with the end of the call. */
export async function receive(id: string): Promise<string> {
  const port = await jobPort(id, 30_000);
  return text(port.ring.recv());
}

export async function send(id: string, ...texts: string[]): Promise<void> {
  using port = await jobPort(id, 30_000);
  port.ring.sendMany(texts);
}

/** Receives some numbers in each turn and hands the port on, until there are no more. */
export async function goRound(id: string, following: Record<string, string>): Promise<number[]> {
  const received: number[] = [];
  for (;;) {
    const port = await jobPort(id, 30_000);
    try {
      for (const view of port.ring.recvMany(2)) received.push(Number(text(view)));
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
      port.transfer(null);
      return received;
    }
    port.transfer(following[String(process.pid)]!);
  }
}

/** What is refused while the call has the port, and after it. */
export async function misuse(id: string): Promise<string[]> {
  const port = await jobPort(id, 30_000);
  const said: string[] = [];
  const wrong = [
    () => jobPort(id, 0),
    () => jobPort("p_ffffff", 0),
    () => jobPort("x", 0),
    () => port.transfer("w_0"),
    () => port.ring.send("the other end"),
  ];
  for (const attempt of wrong) {
    try {
      await attempt();
    } catch (error) {
      said.push((error as Error).name);
    }
  }
  port.ring.close();
  port.close();
  using again = await jobPort(id, 0);
  said.push(again.id);
  return said;
}
