/** What is refused, one class for each thing that a caller may act on. */

/** What the program `circlet` refused, or why it is not there. The message says what to do. */
export class CircletError extends Error {
  constructor(message, status = "") {
    super(message);
    this.name = new.target.name;
    this.status = status;
  }
}

/** An argument is out of range or of the wrong type. */
export class InvalidError extends CircletError {
  constructor(message, status = "CIRCLET_INVALID") {
    super(message, status);
  }
}

/** There is no worker of this id, or no snapshot of this number. */
export class NotFoundError extends CircletError {}

/** There is a worker of this id. */
export class NameTakenError extends CircletError {}

/** What is said is too long. */
export class TooLargeError extends CircletError {
  constructor(message, status = "CIRCLET_TOO_LARGE") {
    super(message, status);
  }
}

/** The deadline passed. */
export class TimedOutError extends CircletError {
  constructor(message, status = "CIRCLET_TIMED_OUT") {
    super(message, status);
  }
}

/** The tracker was closed here, or its program has ended. */
export class ClosedError extends CircletError {
  constructor(message, status = "CIRCLET_CLOSED") {
    super(message, status);
  }
}

const CLASSES = {
  CIRCLET_INVALID: InvalidError,
  CIRCLET_NOT_FOUND: NotFoundError,
  CIRCLET_NAME_TAKEN: NameTakenError,
  CIRCLET_TOO_LARGE: TooLargeError,
};

/** Makes the error that a status stands for; one without a class of its own is a plain `CircletError`. */
export function errorOf(status, message) {
  return new (CLASSES[status] ?? CircletError)(message, status);
}
