/** What the workers are given to do. */

/** Gives back its number: the least that shows that it was done. */
export const empty = (number: number): number => number;

/** Keeps its worker for so many milliseconds, without a processor. */
export const nap = (ms: number): number => {
  Bun.sleepSync(ms);
  return ms;
};
