/** What is refused. */

/** What the program `circlet` refused, or why it is not there. The message says what to do. */
export class CircletError extends Error {
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** An argument is out of range or of the wrong type. */
export class InvalidError extends CircletError {}

/** The tracker was closed here, or its program has ended. */
export class ClosedError extends CircletError {}
