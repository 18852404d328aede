/** Workers of Bun that a tracker follows by their events. */

/** How long an error may be that is said of a worker, in characters. */
const ERROR_MAX = 300;

/** Follows one worker; what its events say is fetched when there is time for it. */
export class WatchedWorker {
  readonly id: string;
  readonly #worker: Worker;
  readonly #listeners: Record<string, (event: Event) => void>;
  #changed: Record<string, unknown> = {};
  #messages = 0;
  #errors = 0;
  /** Whether an error was the last that came from it. */
  #hasFailed = false;

  constructor(id: string, worker: Worker) {
    this.id = id;
    this.#worker = worker;
    this.#listeners = {
      open: () => this.#say({ state: "idle" }),
      message: () => {
        this.#hasFailed = false;
        this.#say({ state: "idle", messages_processed: ++this.#messages });
      },
      messageerror: () => this.#failed("a message could not be read"),
      error: (event) => {
        this.#hasFailed = true;
        this.#failed(errorIn(event as ErrorEvent));
      },
      close: (event) => {
        const { code } = event as CloseEvent;
        // What nobody caught ends a worker, with a code of 0 now and then.
        this.#say({ state: "terminated", end: code === 0 && !this.#hasFailed ? "stopped" : "crashed" });
      },
    };
    for (const [name, listener] of Object.entries(this.#listeners)) worker.addEventListener(name, listener);
  }

  #say(what: Record<string, unknown>): void {
    Object.assign(this.#changed, what);
  }

  #failed(error: string): void {
    this.#say({ errors: ++this.#errors, last_error: error.slice(0, ERROR_MAX) });
  }

  /** Returns what has changed of its entry since the last time, `undefined` for nothing. */
  take(): Record<string, unknown> | undefined {
    const changed = this.#changed;
    if (Object.keys(changed).length === 0) return undefined;
    this.#changed = {};
    return changed;
  }

  /** Follows it no more. */
  end(): void {
    for (const [name, listener] of Object.entries(this.#listeners)) this.#worker.removeEventListener(name, listener);
  }
}

/** Finds what was thrown: Bun's message has lines of the source before it, and of the stack behind it. */
function errorIn({ message }: ErrorEvent): string {
  const text = String(message ?? "");
  return /^\w*error\b.*$/im.exec(text)?.[0] ?? text.trim();
}
