// The page's clock, which no change of the system's turns back.

export const now = () => performance.now();

/** Returns the moment of the page's clock that a time since 1970 is. */
export const momentOf = (unixMs) => unixMs - performance.timeOrigin;
