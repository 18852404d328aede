/** What is known of one room: its newest state, and where its events go on. */

export interface About {
  room: string;
}

/** What a join is answered, and what comes with a whole state. */
export interface Joined extends About {
  version: number;
  hub: string;
  next: number;
}

/** Who is told what has come. */
export interface Listener {
  /** The keys that have changed; all of them after a whole state. */
  state(room: Room, keys: string[]): void;
  event(kind: "agent-action" | "visualization-event", data: unknown): void;
  /** What is no event, such as that some were lost. */
  note(text: string): void;
}

export class Room {
  state: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  isJoined = false;
  /** When something came last, by the page's clock. */
  cameAt: number | null = null;
  /** How many events came and went while nobody could be told. */
  lostCount = 0;
  #version = -1;
  /** Events go on at `next`, of the hub that said so. */
  #hub: string | undefined;
  #next = 0;
  #oldest = 0;

  /** @param history how many events of before are of interest */
  constructor(
    readonly name: string,
    readonly listener: Listener,
    readonly history = 0,
  ) {}

  /** Says where it was, as a hub takes it. */
  place(): string | { room: string; hub: string; next: number } {
    return this.#hub === undefined ? this.name : { room: this.name, hub: this.#hub, next: this.#next };
  }

  /** Takes where events go on. Returns whether there are some before that are to be asked for. */
  joined({ hub, next }: Joined): boolean {
    if (hub === this.#hub) return false;
    const isFirst = this.#hub === undefined;
    if (!isFirst) this.listener.note("The hub was started again");
    this.#hub = hub;
    // 0 asks for all events that are kept; older ones than are of interest are passed over.
    this.#next = this.history > 0 ? 0 : next;
    this.#oldest = next - this.history;
    return this.#next < next;
  }

  whole(state: object, about: Joined): void {
    if (this.#hub !== undefined) this.joined(about);
    const gone = Object.keys(this.state).filter((key) => !Object.hasOwn(state, key));
    this.state = Object.assign(Object.create(null) as Record<string, unknown>, state);
    this.#version = about.version;
    this.#came([...Object.keys(state), ...gone]);
  }

  /** Takes what has changed. Returns whether it follows on what was there. */
  update(set: object, { from, version, removed }: { from: number; version: number; removed: string[] }): boolean {
    Object.assign(this.state, set);
    for (const key of removed) delete this.state[key];
    const follows = from === this.#version;
    this.#version = version;
    this.#came([...Object.keys(set), ...removed]);
    return follows;
  }

  event(kind: "agent-action" | "visualization-event", data: unknown, n: number): void {
    // Those that were asked for may come after one that is newer.
    if (n < this.#next || n < this.#oldest) return;
    this.#next = n + 1;
    this.cameAt = performance.now();
    this.listener.event(kind, data);
  }

  lost({ lost, next }: { lost: number; next: number }): void {
    this.#next = next;
    this.lostCount += lost;
    this.listener.note(`${lost} ${lost === 1 ? "event was" : "events were"} lost`);
  }

  #came(keys: string[]): void {
    this.cameAt = performance.now();
    this.listener.state(this, keys);
  }
}
