/** How late an event loop is. */
export interface Lag {
  /** How late it was last, in microseconds. */
  lag_us: number;
  /** How late it was at the most within the last minute, in microseconds. */
  lag_longest_us: number;
}

export const BEAT_MS: number;

export class Longest {
  note(nowMs: number, value: number): void;
  within(nowMs: number): number;
}

export class EventLoop {
  look(): Lag;
  end(): void;
}

export function microseconds(ms: number): number;

export function jsonText(name: string, value: unknown): string | undefined;

export function isRefused(error: unknown): boolean;

export function changes(old: object, now: object): Record<string, unknown> | undefined;
