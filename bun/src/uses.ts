/** Which classes of this package the program has made objects of, for trackers. */

/** Their names, in the order of their first use. */
export const used = new Set<string>();
