/** What the library refused, one class for each thing that a caller may act on. */

/** What the library refused. The message says what was given, what is allowed and what to do. */
export class CircletError extends Error {
  /** The code's name in the C library, such as `"CIRCLET_FULL"`. */
  readonly status: string;

  constructor(message: string, status: string) {
    super(message);
    this.name = new.target.name;
    this.status = status;
  }
}

/** An argument is out of range or of the wrong type. */
export class InvalidError extends CircletError {
  constructor(message: string, status = "CIRCLET_INVALID") {
    super(message, status);
  }
}

/** There is no segment of this name. */
export class NotFoundError extends CircletError {}

/** The name is taken. */
export class NameTakenError extends CircletError {}

/** The segment is truncated, of another version, or none at all. */
export class SegmentError extends CircletError {}

/** Somebody alive has this side of the ring, writes this page, or awaits it in this thread already. */
export class BusyError extends CircletError {}

/** The ring is full, or the queue of a pool. */
export class FullError extends CircletError {}

/** The ring is empty. */
export class EmptyError extends CircletError {}

/** The frame is longer than this ring takes. */
export class TooLargeError extends CircletError {}

/** The deadline passed. */
export class TimedOutError extends CircletError {}

/** The other side closed and everything has been read, or this object was closed here. */
export class ClosedError extends CircletError {
  constructor(message: string, status = "CIRCLET_CLOSED") {
    super(message, status);
  }
}

/** The other side died, and everything has been read. */
export class PeerDiedError extends CircletError {}

/** The other side wrote what no ring may hold. */
export class PoisonedError extends CircletError {}

/** The segment has another schema tag than was asked for. */
export class SchemaError extends CircletError {}

/** The writer has overtaken this reader. The next receive from a broadcast ring goes on with the oldest frame there. */
export class LaggedError extends CircletError {
  /** How many frames of a broadcast ring this reader missed; 0 for a page. */
  readonly frames: number;
  /** How many bytes of the ring they took. */
  readonly bytes: number;

  constructor(message: string, status = "CIRCLET_LAGGED", frames = 0, bytes = 0) {
    super(message, status);
    this.frames = frames;
    this.bytes = bytes;
  }
}

/** A curve's input is refused. */
export class CurveError extends CircletError {}

/** A job failed, and the message says why. */
export class JobFailedError extends CircletError {
  /** Of a call: the type's name of what was raised, such as `"ZeroDivisionError"`. */
  type = "";
  /** Of a call: the traceback as the worker's language prints it. */
  traceback = "";
}

/** The worker process died while it ran the call: of the call, or by chance just then. */
export class WorkerDiedError extends CircletError {
  /** The exit code, of a worker that exited. */
  exitCode: number | null = null;
  /** The signal, of a worker that was killed by one. */
  signal: number | null = null;
  /** Whether the kernel killed it for want of memory; `null` where that is not known. */
  outOfMemory: boolean | null = null;
  /** The last of what it printed to standard error. */
  stderr = "";
  /** How many workers have died of this call. */
  kills = 0;
}

/** No worker process could be started, and the message says why. */
export class NoWorkerError extends CircletError {}

/** A job was aborted before it started, or gave in to that. */
export class AbortedError extends CircletError {}

/** A job was given up for another: the queue was full. */
export class DroppedError extends CircletError {}

/** Some jobs of a batch have no result. */
export class BatchError extends CircletError {
  /** What the others returned, and 0 where there is an error. */
  readonly results: Int32Array;
  /** Why some have none, by their place in the batch. */
  readonly errors: ReadonlyMap<number, Error>;

  constructor(results: Int32Array, errors: ReadonlyMap<number, Error>) {
    const [[index, cause] = [0, undefined]] = errors;
    const status = cause instanceof CircletError ? cause.status : "CIRCLET_JOB_FAILED";
    super(`${errors.size} of ${results.length} jobs have no result; the one at ${index}: ${cause?.message}`, status);
    this.results = results;
    this.errors = errors;
  }
}

const CLASSES: Record<string, new (message: string, status: string) => CircletError> = {
  CIRCLET_INVALID: InvalidError,
  CIRCLET_NOT_FOUND: NotFoundError,
  CIRCLET_NAME_TAKEN: NameTakenError,
  CIRCLET_TRUNCATED: SegmentError,
  CIRCLET_BAD_MAGIC: SegmentError,
  CIRCLET_BAD_VERSION: SegmentError,
  CIRCLET_BAD_ENDIAN: SegmentError,
  CIRCLET_BAD_MODE: SegmentError,
  CIRCLET_BAD_GEOMETRY: SegmentError,
  CIRCLET_NOT_SEALED: SegmentError,
  CIRCLET_BUSY: BusyError,
  CIRCLET_FULL: FullError,
  CIRCLET_EMPTY: EmptyError,
  CIRCLET_TOO_LARGE: TooLargeError,
  CIRCLET_TIMED_OUT: TimedOutError,
  CIRCLET_CLOSED: ClosedError,
  CIRCLET_PEER_DIED: PeerDiedError,
  CIRCLET_POISONED: PoisonedError,
  CIRCLET_LAGGED: LaggedError,
  CIRCLET_BAD_SCHEMA: SchemaError,
  CIRCLET_BAD_CURVE: CurveError,
  CIRCLET_JOB_FAILED: JobFailedError,
  CIRCLET_WORKER_DIED: WorkerDiedError,
  CIRCLET_NO_WORKER: NoWorkerError,
  CIRCLET_ABORTED: AbortedError,
  CIRCLET_DROPPED: DroppedError,
};

/** Makes the error that a status stands for; a code without a class of its own is a plain `CircletError`. */
export function errorOf(status: string, message: string): CircletError {
  return new (CLASSES[status] ?? CircletError)(message, status);
}
