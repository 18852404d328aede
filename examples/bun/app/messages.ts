/** What the page and the program say to each other, as JSON over a web socket. */

/** From the page. */
export type FromPage =
  | { kind: "run"; code: string }
  | { kind: "interrupt" }
  | { kind: "restart" }
  | { kind: "answer"; line: string | null };

/** By MIME type, how something shows itself. */
export type Shown = Record<string, unknown>;

/** To the page. */
export type ToPage =
  | { kind: "ready" | "begins"; process: number }
  | { kind: "stdout" | "stderr"; text: string }
  | { kind: "shown"; data: Shown }
  | { kind: "question"; prompt: string; isSecret: boolean }
  | { kind: "ended"; reason: string }
  | {
      kind: "outcome";
      value?: unknown;
      repr?: string | undefined;
      data?: Shown | undefined;
      error?: { type: string; message: string; traceback: string } | undefined;
      stopped?: string | undefined;
      elapsed_ms: number;
    };
