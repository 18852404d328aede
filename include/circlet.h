/* circlet: one native core, shared by the languages of one program. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Generated from src/capi by cbindgen; do not edit.
 *
 * Every fallible function returns an int32_t: 0 or a positive count is success, a negative value a circlet_status.
 * Values come back through out-parameters, written on success only; circlet_last_error has the calling thread's last
 * detailed message. What _create and _open give ends with _close, what _new gives with _free.
 */

#ifndef CIRCLET_H
#define CIRCLET_H

#include <stddef.h>
#include <stdint.h>

/**
 * Version of the C functions: another major number (the upper 16 bits) is another ABI.
 */
#define CIRCLET_ABI_VERSION 65536

/**
 * Major version of the shared-memory layout.
 */
#define CIRCLET_LAYOUT_VERSION 1

/**
 * Offset of the `u64` magic.
 */
#define CIRCLET_LAYOUT_MAGIC 0

/**
 * Offset of the `u16` major version.
 */
#define CIRCLET_LAYOUT_MAJOR 8

/**
 * Offset of the `u32` mode.
 */
#define CIRCLET_LAYOUT_MODE 16

/**
 * Offset of the `u32` longest payload of one frame.
 */
#define CIRCLET_LAYOUT_MAX_FRAME 20

/**
 * Offset of the `u64` bytes of the whole segment.
 */
#define CIRCLET_LAYOUT_SEGMENT_BYTES 24

/**
 * Offset of the `u64` capacity.
 */
#define CIRCLET_LAYOUT_CAPACITY 40

/**
 * Offset of the `u32` longest message.
 */
#define CIRCLET_LAYOUT_MAX_MESSAGE 64

/**
 * Offset of the `u64` tail, which the producers write.
 */
#define CIRCLET_LAYOUT_TAIL 4096

/**
 * Offset of the producer's `u32` waiting word, a futex.
 */
#define CIRCLET_LAYOUT_PRODUCER_WAITING 4224

/**
 * Offset of the `u64` head, which the consumer writes.
 */
#define CIRCLET_LAYOUT_HEAD 8192

/**
 * Offset of the consumer's `u32` waiting word, a futex.
 */
#define CIRCLET_LAYOUT_CONSUMER_WAITING 8320

/**
 * Offset of the data area.
 */
#define CIRCLET_LAYOUT_DATA 16388

/**
 * One producer and one consumer.
 */
#define CIRCLET_SPSC 1

/**
 * Up to 32 producers, each with a handle of its own, and one consumer.
 */
#define CIRCLET_MPSC 2

/**
 * One producer that never waits, and any number of readers, which learn what they missed.
 */
#define CIRCLET_BROADCAST 3

/**
 * A producer that finds no room waits, up to its deadline.
 */
#define CIRCLET_BLOCK 0

/**
 * A producer that finds no room fails at once.
 */
#define CIRCLET_FAIL 1

/**
 * A producer that finds no room drops the new frame, and counts it.
 */
#define CIRCLET_DROP_NEWEST 2

/**
 * Maps every page now rather than at its first use.
 */
#define CIRCLET_RING_PREFAULT 1

/**
 * Takes huge pages: reserved ones for an anonymous ring, transparent ones for a named one.
 */
#define CIRCLET_RING_HUGE_PAGES 2

/**
 * The `offset` of a frame that does not lie in the ring's memory: it is a private copy, as all frames of a broadcast ring
 * and all messages that came in fragments are.
 */
#define CIRCLET_NO_OFFSET 4294967295

/**
 * The side that writes.
 */
#define CIRCLET_PRODUCER 1

/**
 * The side that reads. In a broadcast ring it begins with the next frame that is sent.
 */
#define CIRCLET_CONSUMER 2

/**
 * The side that reads, for `circlet_ring_attach` alone: in a broadcast ring it begins with the oldest frame there is.
 */
#define CIRCLET_CONSUMER_FROM_OLDEST 3

/**
 * Fits each axis by a scale of its own.
 */
#define CIRCLET_FIT_STRETCH 0

/**
 * Fits the whole drawing into the box, with one scale.
 */
#define CIRCLET_FIT_CONTAIN 1

/**
 * Covers the whole box, with one scale.
 */
#define CIRCLET_FIT_COVER 2

/**
 * Workers that are threads of this process, and run native functions.
 */
#define CIRCLET_THREADS 0

/**
 * Workers that are processes of Python, and call functions of its modules by name. Linux alone.
 */
#define CIRCLET_PYTHON 1

/**
 * Workers that are processes of Bun, and call what a script exports by name. Linux alone.
 */
#define CIRCLET_BUN 2

/**
 * The next idle worker in turn.
 */
#define CIRCLET_ROUND_ROBIN 0

/**
 * The idle worker that has run jobs for the least time so far.
 */
#define CIRCLET_LEAST_BUSY 1

/**
 * Jobs of one key go to one worker, in the order of their submission.
 */
#define CIRCLET_AFFINITY 2

/**
 * A pool whose queue is full takes the new job in, and gives up the one of the lowest priority that has waited for longest. The
 * others of a pool are CIRCLET_BLOCK and CIRCLET_FAIL.
 */
#define CIRCLET_DROP_OLDEST 3

/**
 * No worker starts before the first job, and none is kept for ever: `min` is 0.
 */
#define CIRCLET_POOL_FROM_ZERO 1

/**
 * What workers print goes on to this process's standard output and error, as it comes.
 */
#define CIRCLET_OUTPUT_PASS_ON 0

/**
 * What workers print is dropped.
 */
#define CIRCLET_OUTPUT_DROP 1

/**
 * What workers print is kept for `circlet_pool_output`.
 */
#define CIRCLET_OUTPUT_KEEP 2

/**
 * The job may run again from its beginning, where a worker died while it ran. Threads do not die.
 */
#define CIRCLET_JOB_IDEMPOTENT 1

/**
 * Arguments and answer are JSON, UTF-8: an array of arguments, or for Python an object of arguments by name; and the value.
 */
#define CIRCLET_JSON 1

/**
 * Arguments and answer are Python's pickle: a pair of a tuple and a dict, which are the arguments; and the value.
 */
#define CIRCLET_PICKLE 2

/**
 * Arguments and answer are structured clones, as `bun:jsc` serializes: an array of arguments; and the value.
 */
#define CIRCLET_STRUCTURED_CLONE 3

/**
 * The tracing of allocations ends with this snapshot: the next one is a first one again.
 */
#define CIRCLET_HEAP_STOP 1

/**
 * The numbers of heap snapshots begin with this, 2^52: no call has one like it, and a double holds each of them.
 */
#define CIRCLET_HEAP_NUMBERS 4503599627370496

/**
 * No worker in particular: whichever asks.
 */
#define CIRCLET_ANY_WORKER 4294967295

/**
 * Any worker may use the port.
 */
#define CIRCLET_PORT_OPEN 0

/**
 * The port was handed to one worker, which alone may use it.
 */
#define CIRCLET_PORT_TRANSFERRED 1

/**
 * Nobody may use the port any more.
 */
#define CIRCLET_PORT_CLOSED 2

/**
 * The numbers of a column are floats of 32 bits, a `Float32Array`.
 */
#define CIRCLET_COLUMN_F32 1

/**
 * Floats of 64 bits, a `Float64Array`.
 */
#define CIRCLET_COLUMN_F64 2

/**
 * Integers of 32 bits, an `Int32Array`.
 */
#define CIRCLET_COLUMN_I32 3

/**
 * Bytes, an `Uint8Array`.
 */
#define CIRCLET_COLUMN_U8 4

/**
 * Something was printed: `body` is the text, whole characters where it was text, and `stream` 1 for standard output, 2 for
 * standard error. What is there already comes in one event.
 */
#define CIRCLET_EVENT_OUTPUT 1

/**
 * Something is to be shown: `body` is JSON, an object by MIME type.
 */
#define CIRCLET_EVENT_DISPLAY 2

/**
 * The code sent bytes: they are `body`.
 */
#define CIRCLET_EVENT_DATA 3

/**
 * The code asks for a line, which `circlet_executor_answer` gives: `body` is what it shows beside the place where the line is to be
 * written, and `stream` 1 if nobody is to see what is written there.
 */
#define CIRCLET_EVENT_ASK 4

/**
 * Something became of the run, where that was asked for: `body` is JSON.
 */
#define CIRCLET_EVENT_STATE 5

/**
 * The run is over: `body` is the outcome as `circlet_executor_run` gives it, without what was printed; where the value is a buffer,
 * `bytes` are its bytes, of the format and the shape that the outcome has under `bytes`.
 */
#define CIRCLET_EVENT_END 6

/**
 * The run has no outcome, as its session is no more: `body` is JSON with `status` (CIRCLET_TIMED_OUT where the session was killed
 * because the code did not stop, CIRCLET_WORKER_DIED, CIRCLET_PROTOCOL), `message`, `exit_code` or `signal`, `out_of_memory` (null
 * where that is not known) and `stderr` (its last lines). The next run has a new session.
 */
#define CIRCLET_EVENT_FAILURE 7

/**
 * Of a run: somebody answers questions. Without it, `input()` fails at once.
 */
#define CIRCLET_RUN_ASKS 1

/**
 * Of a run: somebody keeps a log, and gets CIRCLET_EVENT_STATE.
 */
#define CIRCLET_RUN_STATES 2

/**
 * What a function returns below zero. Codes are only ever added; a retired one is never used again.
 */
enum circlet_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It worked.
   */
  CIRCLET_OK = 0,
  /**
   * An argument is NULL, misaligned, out of range or not UTF-8.
   */
  CIRCLET_INVALID = -1,
  /**
   * There is no segment of this name.
   */
  CIRCLET_NOT_FOUND = -2,
  /**
   * The name is taken.
   */
  CIRCLET_NAME_TAKEN = -3,
  /**
   * There is no room in /dev/shm.
   */
  CIRCLET_NO_SPACE = -4,
  /**
   * The segment is shorter than its header says.
   */
  CIRCLET_TRUNCATED = -5,
  /**
   * The file is not a circlet segment.
   */
  CIRCLET_BAD_MAGIC = -6,
  /**
   * The segment has another layout version.
   */
  CIRCLET_BAD_VERSION = -7,
  /**
   * The segment is of the other byte order.
   */
  CIRCLET_BAD_ENDIAN = -8,
  /**
   * The segment has another mode, or none.
   */
  CIRCLET_BAD_MODE = -9,
  /**
   * The segment's header contradicts itself.
   */
  CIRCLET_BAD_GEOMETRY = -10,
  /**
   * The descriptor is not a sealed memfd.
   */
  CIRCLET_NOT_SEALED = -11,
  /**
   * Somebody alive has this side of the ring, another thread is inside this handle, or the port is taken.
   */
  CIRCLET_BUSY = -12,
  /**
   * This platform lacks a mechanism.
   */
  CIRCLET_UNSUPPORTED = -13,
  /**
   * The kernel refused a call.
   */
  CIRCLET_OS = -14,
  /**
   * The ring is full, or the queue of a pool, or the room of a hub.
   */
  CIRCLET_FULL = -15,
  /**
   * The ring is empty.
   */
  CIRCLET_EMPTY = -16,
  /**
   * The frame is longer than this ring takes.
   */
  CIRCLET_TOO_LARGE = -17,
  /**
   * The deadline passed.
   */
  CIRCLET_TIMED_OUT = -18,
  /**
   * The other side closed, and everything has been read; or the pool is closed, or the hub stopped.
   */
  CIRCLET_CLOSED = -19,
  /**
   * The other side died, and everything has been read.
   */
  CIRCLET_PEER_DIED = -20,
  /**
   * The other side wrote what no ring may hold.
   */
  CIRCLET_POISONED = -21,
  /**
   * A curve's input is refused.
   */
  CIRCLET_BAD_CURVE = -22,
  /**
   * The text is not the JSON that was asked for.
   */
  CIRCLET_BAD_JSON = -23,
  /**
   * The interpreter could not be started.
   */
  CIRCLET_NO_PYTHON = -24,
  /**
   * The C library, which a worker loads, was not found.
   */
  CIRCLET_NO_LIBRARY = -25,
  /**
   * The worker was not ready in time.
   */
  CIRCLET_NOT_READY = -26,
  /**
   * The worker ended by itself, or was killed.
   */
  CIRCLET_WORKER_DIED = -27,
  /**
   * The worker sent what the protocol does not have.
   */
  CIRCLET_PROTOCOL = -28,
  /**
   * The writer has overtaken this reader of a broadcast ring: `circlet_ring_missed` tells how far.
   */
  CIRCLET_LAGGED = -29,
  /**
   * The segment has another schema tag than was asked for.
   */
  CIRCLET_BAD_SCHEMA = -30,
  /**
   * A job failed: `circlet_pool_failure` has its message.
   */
  CIRCLET_JOB_FAILED = -31,
  /**
   * A job was aborted before it started, or gave in to that.
   */
  CIRCLET_ABORTED = -32,
  /**
   * A job was given up for another, as the queue was full.
   */
  CIRCLET_DROPPED = -33,
  /**
   * No worker could be started.
   */
  CIRCLET_NO_WORKER = -34,
  /**
   * A bug in the library: a panic was caught.
   */
  CIRCLET_PANIC = -99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum circlet_status circlet_status;
#else
typedef int32_t circlet_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Bytes that were taken from an event. They never change; any thread may read them.
 */
typedef struct circlet_block circlet_block;

/**
 * A curve of 1 to 4 dimensions. It never changes, so that any number of threads may use it at once.
 */
typedef struct circlet_curve circlet_curve;

/**
 * Runs code strings in a session, whose names stay from run to run. One thread at a time: a second gets CIRCLET_BUSY, but for
 * `circlet_executor_interrupt`, `_wake`, `_kill` and `_process_id`, which any thread may call meanwhile.
 */
typedef struct circlet_executor circlet_executor;

/**
 * A live hub: rooms of state that viewers watch over Socket.IO. Any thread calls it. A child that is forked has no part in it: every
 * call fails there with CIRCLET_OS, but for `circlet_hub_addr` and `circlet_hub_free`, which leaves the parent's as it is.
 */
typedef struct circlet_hub circlet_hub;

/**
 * A page: one latest value. Its writer's seat is taken by the first write. Any number of handles read; one thread at a
 * time writes through a handle, and one reads.
 */
typedef struct circlet_page circlet_page;

/**
 * A pool of workers. Any number of threads may submit, and fetch results.
 */
typedef struct circlet_pool circlet_pool;

/**
 * A ring. Each side is taken by its first use (or by `circlet_ring_attach`), and is for one thread at a time: a
 * second thread inside the same side gets CIRCLET_BUSY.
 */
typedef struct circlet_ring circlet_ring;

/**
 * Makes sessions in a few milliseconds by forking them from a process that has the interpreter loaded, and keeps some ready. Any
 * thread may use it.
 */
typedef struct circlet_session_pool circlet_session_pool;

/**
 * A session's side, for the shell that runs its code. Any thread may print; the rest is for one at a time.
 */
typedef struct circlet_shell circlet_shell;

/**
 * A text that the library made: UTF-8, ended by a zero byte. It never changes; any thread may read it.
 */
typedef struct circlet_text circlet_text;

/**
 * Keeps the payload of a session: what the host measures, and what the guest says. Any thread calls it.
 */
typedef struct circlet_tracker circlet_tracker;

/**
 * A worker's side of a pool of processes. One thread at a time: a second gets CIRCLET_BUSY, unless it asks for a port.
 */
typedef struct circlet_worker circlet_worker;

/**
 * The counters of a ring, of all its producers together.
 */
typedef struct circlet_ring_stats {
  /**
   * Bytes of the data area.
   */
  uint64_t capacity_bytes;
  /**
   * Bytes committed and not yet released; 0 in a broadcast ring, where nobody releases.
   */
  uint64_t used_bytes;
  /**
   * The most bytes that were seen unreleased, to within a sixteenth of the capacity, and no less than there are now.
   */
  uint64_t high_water_bytes;
  /**
   * Frames committed since the ring was made; each fragment of a message is one.
   */
  uint64_t frames_sent;
  /**
   * Frames released since the ring was made; 0 in a broadcast ring.
   */
  uint64_t frames_received;
  /**
   * Payload bytes committed since the ring was made.
   */
  uint64_t payload_bytes_sent;
  /**
   * How often a frame found no room at first.
   */
  uint64_t full_events;
  /**
   * Frames dropped because there was no room.
   */
  uint64_t dropped;
  /**
   * How often a producer slept for room.
   */
  uint64_t producer_waits;
  /**
   * How often the consumer slept for a frame; 0 in a broadcast ring.
   */
  uint64_t consumer_waits;
  /**
   * The longest payload of one frame in bytes.
   */
  uint32_t max_frame;
  /**
   * The longest message in bytes.
   */
  uint32_t max_message;
  /**
   * CIRCLET_SPSC, CIRCLET_MPSC or CIRCLET_BROADCAST.
   */
  uint32_t mode;
  /**
   * CIRCLET_BLOCK, CIRCLET_FAIL or CIRCLET_DROP_NEWEST.
   */
  uint32_t overflow;
  /**
   * How many producers live.
   */
  uint32_t producers;
  /**
   * What is known of the producers: 0 nobody yet, 1 one of them alive, 2 closed, 3 died.
   */
  uint32_t producer;
  /**
   * The same for the consumer; 0 in a broadcast ring, whose readers have no seat.
   */
  uint32_t consumer;
  /**
   * Always 0.
   */
  uint32_t reserved;
} circlet_ring_stats;

/**
 * What a ring is made with. Zero means the default everywhere.
 */
typedef struct circlet_ring_options {
  /**
   * `sizeof(circlet_ring_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * CIRCLET_SPSC (the default), CIRCLET_MPSC or CIRCLET_BROADCAST.
   */
  uint32_t mode;
  /**
   * Bytes of the data area, rounded up to a power of two from 4 KiB to 1 GiB; 0 for 1 MiB.
   */
  uint64_t capacity;
  /**
   * The longest message in bytes, at most 1 GiB: above the longest frame it goes in fragments and arrives whole; 0
   * for the longest frame (half the capacity, an eighth in a broadcast ring, less four bytes).
   */
  uint32_t max_message;
  /**
   * CIRCLET_BLOCK (the default), CIRCLET_FAIL or CIRCLET_DROP_NEWEST.
   */
  uint32_t overflow;
  /**
   * A sum of CIRCLET_RING_PREFAULT and CIRCLET_RING_HUGE_PAGES.
   */
  uint32_t flags;
  /**
   * The mode bits of a named ring's file, such as 0660; 0 for 0600.
   */
  uint32_t permissions;
  /**
   * A tag of at most 56 bytes that both sides must agree on, ended by a zero byte; NULL for none.
   */
  const char *schema;
} circlet_ring_options;

/**
 * A frame in place: valid until it is committed (a claim) or released (a received one).
 */
typedef struct circlet_frame {
  /**
   * Where its payload begins, a multiple of 8.
   */
  void *data;
  /**
   * The same as an offset from what `circlet_ring_memory` gives, for languages that lay one view over all of it.
   */
  uint32_t offset;
  /**
   * Bytes of the payload.
   */
  uint32_t len;
} circlet_frame;

/**
 * What worker processes are started with. Zero and NULL mean the default everywhere. Strings end with a zero byte, and are
 * copied.
 */
typedef struct circlet_process_options {
  /**
   * `sizeof(circlet_process_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * CIRCLET_OUTPUT_PASS_ON (the default), CIRCLET_OUTPUT_DROP or CIRCLET_OUTPUT_KEEP. The last of standard error is in
   * what is said of a crash, whatever this is.
   */
  uint32_t output;
  /**
   * The interpreter: a path, or a program on PATH; NULL for `python3` or `bun`.
   */
  const char *program;
  /**
   * The C library that the workers load; NULL for this one, or what the variable CIRCLET_LIBRARY names.
   */
  const char *library;
  /**
   * CIRCLET_BUN, which needs it: the script whose exports are called.
   */
  const char *script;
  /**
   * CIRCLET_PYTHON: what stands for `__main__`, the path of a script or `-m` and a module's name, as in `-m package.module`.
   * Where a call or its arguments need something of it, each worker runs it once, as `__mp_main__`. NULL for nothing.
   */
  const char *main;
  /**
   * CIRCLET_PYTHON: the folders that modules are looked for in before all others.
   */
  const char *const *module_paths;
  /**
   * How many folders there are.
   */
  uint32_t module_path_count;
  /**
   * How many bytes CIRCLET_OUTPUT_KEEP keeps; 0 for 1 MiB. What came first goes first, and is counted.
   */
  uint32_t output_bytes;
  /**
   * How long a worker has to become ready, in milliseconds; 0 for 10 s.
   */
  double ready_within_ms;
  /**
   * How long an aborted call that runs has to give in before its worker is killed, in milliseconds; 0 for 1 s.
   */
  double grace_ms;
  /**
   * The anonymous memory that a worker may have before another takes its place between two calls, in bytes; 0 for any.
   */
  uint64_t memory;
  /**
   * The memory that the kernel lets a worker have (`RLIMIT_DATA`), in bytes; 0 for any.
   */
  uint64_t hard_memory;
  /**
   * How many calls a worker may run before another takes its place; 0 for any number.
   */
  uint64_t tasks;
  /**
   * For how long a worker may exist, in milliseconds; 0 for ever.
   */
  double lifetime_ms;
} circlet_process_options;

/**
 * What a pool is made with. Zero means the default everywhere.
 */
typedef struct circlet_pool_options {
  /**
   * `sizeof(circlet_pool_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * What the workers are: CIRCLET_THREADS (the default), CIRCLET_PYTHON or CIRCLET_BUN.
   */
  uint32_t kind;
  /**
   * The fewest workers; 0 for 1, or for none with CIRCLET_POOL_FROM_ZERO.
   */
  uint32_t min;
  /**
   * The most workers, at most 1024; 0 for as many as the process may use processors, within its
   * CPU quota also where that changes.
   */
  uint32_t max;
  /**
   * How many jobs may wait beside those that run; 0 for 16384.
   */
  uint32_t queue;
  /**
   * What a submission does that finds the queue full: CIRCLET_BLOCK (the default) waits, CIRCLET_FAIL refuses, and
   * CIRCLET_DROP_OLDEST gives up another job.
   */
  uint32_t overflow;
  /**
   * CIRCLET_ROUND_ROBIN (the default), CIRCLET_LEAST_BUSY or CIRCLET_AFFINITY.
   */
  uint32_t strategy;
  /**
   * 0, or CIRCLET_POOL_FROM_ZERO.
   */
  uint32_t flags;
  /**
   * How long CIRCLET_BLOCK waits for room, in milliseconds, before it refuses; 0 for without end.
   */
  double block_ms;
  /**
   * For how long workers are kept that were needed, in milliseconds; 0 for 400.
   */
  double keep_ms;
  /**
   * How soon a backlog is to be gone once the workers for it are there, in milliseconds; 0 for 5.
   */
  double target_wait_ms;
  /**
   * The sliding window of the statistics, in milliseconds; 0 for 60000.
   */
  double window_ms;
  /**
   * What the names of the threads begin with, ended by a zero byte; NULL for `circlet`.
   */
  const char *name;
  /**
   * What worker processes are started with; NULL for the defaults, and for CIRCLET_THREADS.
   */
  const struct circlet_process_options *processes;
} circlet_pool_options;

/**
 * A job: called once on a thread of the pool with the pointer that was submitted. What it returns is its result.
 *
 * It may call `circlet_job_aborted` and its like. It must not unwind: a C++ exception that leaves it ends the process.
 */
typedef int32_t (*circlet_job)(void *data);

/**
 * What is wished for a job. Zero means the default everywhere.
 */
typedef struct circlet_job_options {
  /**
   * `sizeof(circlet_job_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * Of the jobs that wait, those of the highest priority start first, and of one priority the oldest.
   */
  int32_t priority;
  /**
   * The size, in the units that this type of job counts; 0 for none that is told.
   */
  uint64_t nodes;
  /**
   * What CIRCLET_AFFINITY goes by, if `has_key` is not 0.
   */
  uint64_t key;
  /**
   * The time from the submission within which the job is to be over, in milliseconds; 0 for any. A job that still waits then
   * never starts; one that runs is asked to stop.
   */
  double deadline_ms;
  /**
   * Whether `key` is one.
   */
  uint32_t has_key;
  /**
   * 0, or CIRCLET_JOB_IDEMPOTENT.
   */
  uint32_t flags;
  /**
   * The type of job, for people and snapshots, ended by a zero byte; NULL for `native`.
   */
  const char *kind;
} circlet_job_options;

/**
 * What came of a call.
 */
typedef struct circlet_answer {
  /**
   * The job, as `circlet_pool_call` numbered it.
   */
  uint64_t job;
  /**
   * The value in the call's codec where the status is CIRCLET_OK. Else why there is none, as JSON: `message`; for
   * CIRCLET_JOB_FAILED what was raised as `type`, `traceback` and, where it can be said in the call's codec, `encoded` (base64);
   * for CIRCLET_WORKER_DIED `exit_code`, `signal`, `out_of_memory` (null where that is not known), `stderr` (its last lines) and
   * `kills` (how many workers the call has killed).
   */
  const void *data;
  /**
   * Bytes of it.
   */
  uint64_t len;
  /**
   * CIRCLET_OK, or as in `circlet_completion`.
   */
  int32_t status;
  /**
   * 0.
   */
  uint32_t reserved;
} circlet_answer;

/**
 * What came of some calls. The library makes it, and any thread may read it, until `circlet_answers_free`.
 */
typedef struct circlet_answers {
  /**
   * The answers, as many as `circlet_pool_answers` has returned.
   */
  const struct circlet_answer *items;
  /**
   * The bytes that they lead to, one answer's behind the other's.
   */
  const void *bytes;
  /**
   * How many bytes there are.
   */
  uint64_t len;
  /**
   * What holds all of it.
   */
  void *block;
} circlet_answers;

/**
 * What is wished of a heap snapshot. Zero and NULL mean the default everywhere.
 */
typedef struct circlet_heap_options {
  /**
   * `sizeof(circlet_heap_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * How many lines and types there are of each, those first that have the most bytes; 0 for 25.
   */
  uint32_t top;
  /**
   * The file that the worker is to write the whole of it to: for `tracemalloc.Snapshot.load` from Python, and in V8's format
   * (`.heapsnapshot`) from Bun. NULL for none.
   */
  const char *file;
  /**
   * How long it may take, the call that the worker runs included, in milliseconds; 0 for 60 s. A worker that has begun by then
   * finishes, and nobody learns what it found.
   */
  double within_ms;
  /**
   * 0, or CIRCLET_HEAP_STOP.
   */
  uint32_t flags;
  /**
   * 0.
   */
  uint32_t reserved;
} circlet_heap_options;

/**
 * How a job ended.
 */
typedef struct circlet_completion {
  /**
   * The job, as `circlet_pool_submit` numbered it.
   */
  uint64_t job;
  /**
   * CIRCLET_OK where it has a result. Else CIRCLET_JOB_FAILED, of which `circlet_pool_failure` has the message;
   * CIRCLET_ABORTED before it started or as it gave in; CIRCLET_TIMED_OUT, the same by its deadline; CIRCLET_DROPPED for
   * another, as the queue was full; CIRCLET_CLOSED with the pool before it started; CIRCLET_NO_WORKER; or, of a call,
   * CIRCLET_WORKER_DIED, as its worker did while it ran.
   */
  int32_t status;
  /**
   * What it returned; 0 where the status is not CIRCLET_OK, and for a call, whose answer `circlet_pool_answers` has.
   */
  int32_t result;
} circlet_completion;

/**
 * One port of a pool.
 */
typedef struct circlet_port {
  /**
   * Its number: 0x1a2b is `p_1a2b` in snapshots.
   */
  uint32_t port;
  /**
   * The number of the worker that it was transferred to, or that uses it (0x3a7f is `w_3a7f`), or CIRCLET_ANY_WORKER.
   */
  uint32_t owner;
  /**
   * CIRCLET_PRODUCER or CIRCLET_CONSUMER.
   */
  int32_t side;
  /**
   * CIRCLET_PORT_OPEN, CIRCLET_PORT_TRANSFERRED or CIRCLET_PORT_CLOSED.
   */
  uint32_t state;
  /**
   * Frames that were sent into the ring and not yet released: each fragment of a message is one. UINT64_MAX of a broadcast
   * ring, where nobody knows.
   */
  uint64_t messages_queued;
} circlet_port;

/**
 * A name and numbers, for `circlet_hub_set_columns`.
 */
typedef struct circlet_column {
  /**
   * What the numbers are, such as "x".
   */
  const char *name;
  /**
   * The numbers, in this machine's byte order; any alignment will do. NULL is fine where there are none.
   */
  const void *numbers;
  /**
   * How many there are.
   */
  uint64_t count;
  /**
   * What they are: CIRCLET_COLUMN_F32, _F64, _I32 or _U8.
   */
  uint32_t kind;
  /**
   * 0.
   */
  uint32_t reserved;
} circlet_column;

/**
 * What an executor is made with. Zero and NULL mean the default everywhere.
 */
typedef struct circlet_executor_options {
  /**
   * `sizeof(circlet_executor_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * How many rings there are in the two arrays below.
   */
  uint32_t ring_count;
  /**
   * How many modules there are to be loaded beforehand.
   */
  uint32_t preload_count;
  /**
   * How many sessions are kept ready to take the place of one that ends, by a process that forks them (a fork server), which has
   * `preload` loaded; without either there is none.
   */
  uint32_t ready;
  /**
   * What the code calls each ring, as in `rings["points"]`.
   */
  const char *const *ring_names;
  /**
   * The rings themselves.
   */
  const struct circlet_ring *const *rings;
  /**
   * The names of modules that the fork server imports. One that starts threads is refused.
   */
  const char *const *preload;
  /**
   * The interpreter: a path, or a program on PATH; NULL for `python3`.
   */
  const char *python;
  /**
   * The program that runs TypeScript in the place of Python, such as `bun`; NULL for Python.
   */
  const char *bun;
  /**
   * What the code may do, which the kernel enforces: a policy as JSON, a template's name such as "no-network", the path of a file of
   * JSON, or a JSON array of such policies and strings, all of which hold; NULL for no confinement. See `docs/policies.md`.
   */
  const char *policy;
  /**
   * How long a session has to be ready, in milliseconds; 0 for 10 s.
   */
  double ready_within_ms;
  /**
   * How many bytes of what a run prints are kept; 0 for 16 MiB. A notice stands for the rest.
   */
  uint64_t output_max;
  /**
   * How long code has from SIGINT to SIGINT for its whole group, in milliseconds; 0 for 1 s.
   */
  double grace_ms;
  /**
   * How long it has from there to SIGKILL, in milliseconds; 0 for 1 s.
   */
  double kill_ms;
  /**
   * How long both sides look for each other before they sleep, in microseconds; 0 for 50, below 0 not at all.
   */
  double spin_us;
  /**
   * A session is replaced, between two runs, once it has so many more bytes in memory than at its start; 0 for never.
   */
  uint64_t recycle_above;
  /**
   * A session is replaced after so many runs; 0 for never.
   */
  uint32_t recycle_after;
  /**
   * 0.
   */
  uint32_t reserved;
} circlet_executor_options;

/**
 * What is wished for a run. Zero means the default everywhere.
 */
typedef struct circlet_run_options {
  /**
   * `sizeof(circlet_run_options)`, so that later versions can add fields.
   */
  uint32_t struct_size;
  /**
   * CIRCLET_RUN_ASKS and CIRCLET_RUN_STATES, or'ed.
   */
  uint32_t flags;
  /**
   * The run is interrupted after that time, in milliseconds; 0 for never.
   */
  double within_ms;
} circlet_run_options;

/**
 * What came of a run. What it leads to stays until the next call of `circlet_executor_next`, `_run`, `_begin` or `_restart`.
 */
typedef struct circlet_event {
  /**
   * What `circlet_executor_next` has returned.
   */
  int32_t kind;
  /**
   * Of output and of questions.
   */
  uint32_t stream;
  /**
   * How many events there have been, this one included.
   */
  uint64_t number;
  /**
   * The text, the bytes or the JSON, without a zero at its end.
   */
  const void *body;
  /**
   * How many bytes it has.
   */
  uint64_t len;
  /**
   * Of a value that is a buffer, its bytes.
   */
  const void *bytes;
  /**
   * How many there are.
   */
  uint64_t bytes_len;
} circlet_event;

/**
 * A request, as the shell sees it; its bytes stay until the next.
 */
typedef struct circlet_request {
  /**
   * Its bytes.
   */
  const void *body;
  /**
   * How many there are.
   */
  uint64_t len;
  /**
   * Its number.
   */
  uint64_t request;
  /**
   * Of a run: 1 if somebody answers questions.
   */
  uint64_t flags;
} circlet_request;

/**
 * What a forked process is to be.
 */
typedef struct circlet_forked {
  /**
   * Its descriptors, `count` of them, which are the caller's from then on.
   */
  const int32_t *descriptors;
  /**
   * How many there are.
   */
  uint64_t count;
  /**
   * The rest of the order. Both stay as long as the process.
   */
  const char *body;
  /**
   * Its bytes.
   */
  uint64_t len;
} circlet_forked;

/**
 * A call that a worker took. What it leads to stays until the worker's next call.
 */
typedef struct circlet_call {
  /**
   * The function's name, UTF-8, without a zero at its end.
   */
  const void *function;
  /**
   * The arguments.
   */
  const void *arguments;
  /**
   * Bytes of the name.
   */
  uint64_t function_len;
  /**
   * Bytes of the arguments.
   */
  uint64_t arguments_len;
  /**
   * What the arguments are: 1 JSON, 2 pickle, 3 structured clone.
   */
  uint64_t codec;
} circlet_call;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the name of a status code, such as "CIRCLET_FULL".
 *
 * A static string; "unknown circlet_status" for a number that is none. Any thread.
 */
const char *circlet_status_str(int32_t status);

/**
 * Copies the calling thread's last detailed message into `buffer`, cut to fit and ended by a zero byte.
 *
 * Returns the message's length in bytes without the zero, which may be more than fits; 0 where nothing has failed on
 * this thread yet. `buffer` may be NULL if `size` is 0.
 *
 * # Safety
 * `buffer` has room for `size` bytes.
 */
int32_t circlet_last_error(char *buffer,
                           uint32_t size);

/**
 * Returns the library's version, such as "0.1.0": a static string. Any thread.
 */
const char *circlet_version(void);

/**
 * Returns the library's `CIRCLET_ABI_VERSION`: refuse a library whose upper 16 bits are not those of the header.
 */
uint32_t circlet_abi_version(void);

/**
 * Returns the major version of the shared-memory layout.
 */
uint32_t circlet_layout_version(void);

/**
 * Gives a text's bytes, ended by a zero byte and valid until `circlet_text_free`. NULL for NULL.
 *
 * # Safety
 * `text` is NULL or a text.
 */
const char *circlet_text_data(const struct circlet_text *text);

/**
 * Ends a text. NULL is fine.
 *
 * # Safety
 * `text` is NULL or a text that nobody uses any more.
 */
void circlet_text_free(struct circlet_text *text);

/**
 * Takes a side (CIRCLET_PRODUCER, CIRCLET_CONSUMER or CIRCLET_CONSUMER_FROM_OLDEST) now instead of at its first use.
 *
 * Returns 0 (also where this handle has it already), CIRCLET_BUSY while somebody alive has it, CIRCLET_INVALID where this
 * handle reads already and was to begin with the oldest, or CIRCLET_POISONED.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_attach(const struct circlet_ring *ring,
                            int32_t side);

/**
 * Gives a side up and tells the other side that it closed; the ring stays open. Frames that were received and not
 * released go to the next reader again.
 *
 * Returns 0, also where this handle did not have the side.
 *
 * # Safety
 * `ring` is NULL or an open handle; no frame of that side is used any more.
 */
int32_t circlet_ring_detach(const struct circlet_ring *ring,
                            int32_t side);

/**
 * Sets how long a side (CIRCLET_PRODUCER or CIRCLET_CONSUMER) spins before it sleeps, in microseconds: 0 sleeps at
 * once, infinity never sleeps. Unless it is set, a side learns how long spinning pays, up to 20 microseconds. Takes the
 * side if this handle does not have it yet.
 *
 * Returns 0, CIRCLET_INVALID, or what `circlet_ring_attach` returns.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_set_spin(const struct circlet_ring *ring,
                              int32_t side,
                              double spin_us);

/**
 * Reads the counters. Any thread.
 *
 * Returns 0.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_get_stats(const struct circlet_ring *ring, struct circlet_ring_stats *stats);

/**
 * Gives a side's doorbell: a descriptor for epoll and its like that is readable once the other side may have done
 * something since the last `circlet_ring_arm`. Takes the side if this handle does not have it yet.
 *
 * Returns 0, or CIRCLET_OS where the kernel has no more of them (fs.inotify.max_user_instances, one for each side that was
 * asked for its doorbell). The caller owns `*fd` and closes it; what is read from it means nothing, and may be read
 * away or left to `circlet_ring_arm`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_fd(const struct circlet_ring *ring,
                        int32_t side,
                        int32_t *fd);

/**
 * Asks for the doorbell, which also rings for others who open and close the segment. For the producer `len` is the
 * message that it wants room for, or for the next fragment of it; for the consumer it is ignored, and what was received is
 * released.
 *
 * Returns 1 where there is no need to wait: there is a frame, or room, or an end that the next call tells of; 0 where
 * the descriptor of `circlet_ring_fd` tells when to look again; or an error.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_arm(const struct circlet_ring *ring,
                         int32_t side,
                         uint32_t len);

/**
 * Creates a named ring. `options` may be NULL for the defaults.
 *
 * The name is removed by `circlet_ring_close`. Returns 0, CIRCLET_NAME_TAKEN, CIRCLET_NO_SPACE or CIRCLET_INVALID;
 * `*ring` is written on success only, and the caller owns it. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_create(const char *name,
                            const struct circlet_ring_options *options,
                            struct circlet_ring **ring);

/**
 * Opens a ring by its name. `options` may be NULL; only its schema and its flags count.
 *
 * Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. The
 * caller owns `*ring`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_open(const char *name,
                          const struct circlet_ring_options *options,
                          struct circlet_ring **ring);

/**
 * Creates a ring without a name, whose descriptor another process gets (see `circlet_ring_export_fd`).
 *
 * As `circlet_ring_create`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_anonymous(const struct circlet_ring_options *options, struct circlet_ring **ring);

/**
 * Opens a ring from a descriptor that `circlet_ring_export_fd` made, and owns the descriptor, also where it fails.
 * `options` as for `circlet_ring_open`.
 *
 * Returns 0, CIRCLET_NOT_SEALED, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says; `fd` belongs to nobody else.
 */
int32_t circlet_ring_from_fd(int32_t fd,
                             const struct circlet_ring_options *options,
                             struct circlet_ring **ring);

/**
 * Makes a descriptor that another process opens this ring from: pass it over a Unix socket or to a child, and close
 * it here then, as the locks that tell who is alive belong to it.
 *
 * Returns 0 or CIRCLET_OS. The caller owns `*fd`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_export_fd(const struct circlet_ring *ring,
                               int32_t *fd);

/**
 * Closes both sides that this handle has, removes the name if it was created here, and ends the handle.
 *
 * Frames of it are invalid from then on. NULL is fine. The handle must not be in use by another thread.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
void circlet_ring_close(struct circlet_ring *ring);

/**
 * Removes the name now if this handle created it, as `circlet_ring_close` does later; whoever has the ring open keeps
 * it. For those whose frames must stay mapped for a while. Any thread.
 *
 * Returns 0, also where there is nothing to remove.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_unlink(const struct circlet_ring *ring);

/**
 * Gives the mapping that all frames of this ring lie in, valid until `circlet_ring_close`. Any thread.
 *
 * Returns 0.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_memory(const struct circlet_ring *ring, void **base, uint64_t *bytes);

/**
 * Copies the schema tag into `buffer`, cut to fit and ended by a zero byte. Any thread.
 *
 * Returns the tag's length in bytes, at most 56; 0 where there is none. `buffer` may be NULL if `size` is 0.
 *
 * # Safety
 * `ring` is NULL or an open handle; `buffer` has room for `size` bytes.
 */
int32_t circlet_ring_schema(const struct circlet_ring *ring, char *buffer, uint32_t size);

/**
 * Borrows the next frame in place, and releases what was received before.
 *
 * `timeout_ms`: 0 tries (CIRCLET_EMPTY), above waits so long (CIRCLET_TIMED_OUT), below 0 without a deadline.
 * Returns 0, or one of these, CIRCLET_CLOSED or CIRCLET_PEER_DIED once everything committed has been read,
 * CIRCLET_LAGGED (the next call goes on), or CIRCLET_POISONED. The frame is valid until the next receive or release, or until the ring is closed.
 *
 * # Safety
 * `ring` is NULL or an open handle; `frame` is NULL or has room for one.
 */
int32_t circlet_ring_recv(const struct circlet_ring *ring,
                          double timeout_ms,
                          struct circlet_frame *frame);

/**
 * Borrows up to `max` frames in place, waiting for the first, and releases what was received before.
 *
 * Returns how many, at least 1, or an error as `circlet_ring_recv` has it.
 *
 * # Safety
 * `ring` is NULL or an open handle; `frames` is NULL or has room for `max`.
 */
int32_t circlet_ring_recv_many(const struct circlet_ring *ring,
                               struct circlet_frame *frames,
                               uint32_t max,
                               double timeout_ms);

/**
 * Gives all received frames back to the writer. The next receive does it too.
 *
 * Returns 0.
 *
 * # Safety
 * `ring` is NULL or an open handle; no received frame is used any more.
 */
int32_t circlet_ring_release(const struct circlet_ring *ring);

/**
 * Tells how much this handle's reader missed when it last got CIRCLET_LAGGED: frames, and the bytes of the ring that
 * they took. Both 0 where it never did.
 *
 * Returns 0.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_ring_missed(const struct circlet_ring *ring,
                            uint64_t *frames,
                            uint64_t *bytes);

/**
 * Copies a message in.
 *
 * `timeout_ms`: 0 tries (CIRCLET_FULL), above waits so long for room (CIRCLET_TIMED_OUT), below 0 without a deadline.
 * Where the ring's overflow (or `circlet_ring_set_overflow`) is not to wait, it fails at once (CIRCLET_FULL), or drops the
 * message, counts it and returns 0. Returns 0, or one of these, CIRCLET_TOO_LARGE, CIRCLET_CLOSED, CIRCLET_PEER_DIED,
 * CIRCLET_POISONED.
 *
 * # Safety
 * `ring` is NULL or an open handle; `payload` leads to `len` bytes, or is NULL where `len` is 0.
 */
int32_t circlet_ring_send(const struct circlet_ring *ring,
                          const void *payload,
                          uint32_t len,
                          double timeout_ms);

/**
 * Goes on sending a message of which `*sent` bytes are sent already, 0 at first, and moves `*sent` on: a message that goes
 * in fragments goes on where the last call stopped, for those who wait in parts. Nothing else may be sent in between;
 * nothing is dropped, and what is sent stays in the ring.
 *
 * Returns 0 once all of it is sent, or what `circlet_ring_send` returns, CIRCLET_FULL and CIRCLET_TIMED_OUT with `*sent` as
 * far as it came.
 *
 * # Safety
 * `ring` is NULL or an open handle; `payload` leads to `len` bytes, or is NULL where `len` is 0; `sent` is NULL or leads to
 * a number.
 */
int32_t circlet_ring_send_part(const struct circlet_ring *ring,
                               const void *payload,
                               uint32_t len,
                               double timeout_ms,
                               uint32_t *sent);

/**
 * Copies `count` messages in; they lie one behind the other in `payloads`, with their lengths in `lens`. One call and
 * one wake-up for all of them.
 *
 * Returns how many were sent: fewer than `count` where the deadline passed after the first, else an error as
 * `circlet_ring_send` has it. A message that is too long is refused before anything is sent.
 *
 * # Safety
 * `ring` is NULL or an open handle; `lens` leads to `count` lengths and `payloads` to as many bytes as their sum.
 */
int32_t circlet_ring_send_many(const struct circlet_ring *ring,
                               const void *payloads,
                               const uint32_t *lens,
                               uint32_t count,
                               double timeout_ms);

/**
 * Reserves room for a payload of `len` bytes to be written in place; `circlet_ring_commit` makes it a frame.
 *
 * Returns and `timeout_ms` as `circlet_ring_send`, but never drops. The next send or claim gives an uncommitted one up;
 * the reader of an mpsc ring waits for it meanwhile.
 *
 * # Safety
 * `ring` is NULL or an open handle; `frame` is NULL or has room for one.
 */
int32_t circlet_ring_claim(const struct circlet_ring *ring,
                           uint32_t len,
                           double timeout_ms,
                           struct circlet_frame *frame);

/**
 * Makes the first `len` bytes of the open claim a frame and wakes the reader if it sleeps.
 *
 * Returns 0, CIRCLET_INVALID where no claim is open, or CIRCLET_TOO_LARGE where it is shorter (it stays open then).
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_commit(const struct circlet_ring *ring,
                            uint32_t len);

/**
 * Gives the open claim up: nothing is sent.
 *
 * Returns 0, also where no claim is open.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_abort(const struct circlet_ring *ring);

/**
 * Sets what the sending calls of this handle do where there is no room (CIRCLET_BLOCK, CIRCLET_FAIL or
 * CIRCLET_DROP_NEWEST); at first it is what the ring was made with. Takes the producer's side.
 *
 * Returns 0, CIRCLET_INVALID, or what `circlet_ring_attach` returns.
 *
 * # Safety
 * `ring` is NULL or an open handle.
 */
int32_t circlet_ring_set_overflow(const struct circlet_ring *ring, uint32_t overflow);

/**
 * Creates a named page for values of up to `max_bytes` (0 for 64 KiB). `schema` is a tag of at most 56 bytes that both
 * sides must agree on, or NULL.
 *
 * The name is removed by `circlet_page_close`. Returns 0, CIRCLET_NAME_TAKEN, CIRCLET_NO_SPACE or CIRCLET_INVALID;
 * `*page` is written on success only, and the caller owns it. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_create(const char *name,
                            uint32_t max_bytes,
                            const char *schema,
                            struct circlet_page **page);

/**
 * Creates a page without a name, whose descriptor another process gets (see `circlet_page_export_fd`).
 *
 * As `circlet_page_create`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_anonymous(uint32_t max_bytes, const char *schema, struct circlet_page **page);

/**
 * Opens a page by its name. `schema` must be the one that it was made with, NULL for none.
 *
 * Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. The
 * caller owns `*page`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_open(const char *name,
                          const char *schema,
                          struct circlet_page **page);

/**
 * Opens a page from a descriptor that `circlet_page_export_fd` made, and owns the descriptor, also where it fails.
 *
 * As `circlet_page_open`, and CIRCLET_NOT_SEALED.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says; `fd` belongs to nobody else.
 */
int32_t circlet_page_from_fd(int32_t fd,
                             const char *schema,
                             struct circlet_page **page);

/**
 * Makes a descriptor that another process opens this page from, and that the caller closes once it is passed.
 *
 * Returns 0 or CIRCLET_OS. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_export_fd(const struct circlet_page *page, int32_t *fd);

/**
 * Publishes a value. It never waits for readers.
 *
 * Returns 0, CIRCLET_TOO_LARGE, or CIRCLET_BUSY while another writer lives.
 *
 * # Safety
 * `page` is NULL or an open handle; `value` leads to `len` bytes, or is NULL where `len` is 0.
 */
int32_t circlet_page_write(const struct circlet_page *page, const void *value, uint32_t len);

/**
 * Gives the newest value and its version (1 is the first), waiting for one that this handle has not read yet.
 *
 * `timeout_ms`: 0 gives the newest at once, also one that was read before (CIRCLET_EMPTY where there is none), above
 * waits so long for a newer one (CIRCLET_TIMED_OUT), below 0 without a deadline. `*value` is a private copy, valid until the
 * next read. Returns its length, or one of these, CIRCLET_CLOSED or CIRCLET_PEER_DIED where there is none and no writer,
 * CIRCLET_LAGGED where the writer published so fast that no copy was whole.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_read(const struct circlet_page *page,
                          double timeout_ms,
                          const void **value,
                          uint64_t *version);

/**
 * Gives the reader's doorbell, as `circlet_ring_fd` does. The caller owns `*fd`.
 *
 * Returns 0 or CIRCLET_OS.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_page_fd(const struct circlet_page *page, int32_t *fd);

/**
 * Asks for the doorbell, as `circlet_ring_arm` does: 1 where there is a newer value, or no writer any more.
 *
 * # Safety
 * `page` is NULL or an open handle.
 */
int32_t circlet_page_arm(const struct circlet_page *page);

/**
 * Gives the writer's seat up and tells the readers that it closed; the page stays open.
 *
 * Returns 0, also where this handle did not have the seat.
 *
 * # Safety
 * `page` is NULL or an open handle.
 */
int32_t circlet_page_detach(const struct circlet_page *page);

/**
 * Removes the name now if this handle created it, as `circlet_page_close` does later; whoever has the page open keeps it.
 * Any thread.
 *
 * Returns 0, also where there is nothing to remove.
 *
 * # Safety
 * `page` is NULL or an open handle.
 */
int32_t circlet_page_unlink(const struct circlet_page *page);

/**
 * Gives the writer's seat up, removes the name if it was created here, and ends the handle. NULL is fine. The handle must
 * not be in use by another thread.
 *
 * # Safety
 * `page` is NULL or an open handle.
 */
void circlet_page_close(struct circlet_page *page);

/**
 * Makes the curve of a family from `count` points of 1 to 4 `dimensions`, one point's coordinates behind the other's.
 *
 * The parameters are an object of JSON, such as {"alpha": 0.5, "ends": "closed"}; what is left out has its default, and
 * NULL leaves out all:
 *
 * | family | parameters |
 * |---|---|
 * | "bezier" (2 to 65 points) | "degree", to have it checked; above 3 "tolerance", as a part of the size (1e-9) |
 * | "linear", "basis" | "ends" |
 * | "step" | "position" 0 to 1 (0.5) |
 * | "catmull_rom" | "alpha" 0 to 1 (0.5), "ends" |
 * | "cardinal" | "tension" 0 to 1 (0), "ends" |
 * | "bundle" | "beta" 0 to 1 (0.85) |
 * | "natural", "not_a_knot", "periodic" | "knots" |
 * | "clamped" | "start" and "end", the derivatives there, such as [x, y] in the plane; "knots" |
 * | "hermite" | "derivatives", one for each point; "knots" |
 * | "bump_x", "bump_y", "monotone_x", "monotone_y", "pchip", "fritsch_carlson", "akima", "makima" | |
 *
 * "ends" is "d3" (the default: from the first point to the last), "open" or "closed"; "knots" is "uniform" (the
 * default), "centripetal", "chordal", the power of the distances 0 to 1, or the list of the knots.
 *
 * A "bezier" above degree 3 is evaluated, differentiated, bounded, cut, reversed and mapped as the curve that it is. All else
 * goes by its segments, which are within the tolerance of it at each parameter: lengths, polylines, places, path data, and what
 * `circlet_curve_concat` makes of it.
 *
 * Returns 0, CIRCLET_INVALID for other dimensions, CIRCLET_BAD_JSON where `params_json` is no JSON, or CIRCLET_BAD_CURVE for a
 * family that there is not and for points or parameters that it does not take; the caller owns `*curve`.
 *
 * # Safety
 * `family` is a string, and so is `params_json` unless it is NULL; `points` leads to `dimensions * count` doubles; `curve` is
 * NULL or has room for a pointer.
 */
int32_t circlet_curve_new(const char *family,
                          const char *params_json,
                          uint32_t dimensions,
                          const double *points,
                          uint32_t count,
                          struct circlet_curve **curve);

/**
 * Makes a curve of `count` cubic Bezier segments in 1 to 4 `dimensions`, each its four control points one behind the other,
 * over the `count + 1` ascending knots between them.
 *
 * A segment need not start where the one before it ends: there the curve jumps. Returns 0, CIRCLET_INVALID for other dimensions,
 * or CIRCLET_BAD_CURVE for no segment, knots that do not ascend strictly, and numbers beyond 1e300; the caller owns `*curve`.
 *
 * # Safety
 * `segments` leads to `4 * dimensions * count` doubles, and `knots` to `count + 1`; `curve` is NULL or has room for a pointer.
 */
int32_t circlet_curve_new_segments(uint32_t dimensions,
                                   const double *segments,
                                   const double *knots,
                                   uint32_t count,
                                   struct circlet_curve **curve);

/**
 * Makes a curve of few segments that passes `count` points of 1 to 4 `dimensions`, in their order, within `tolerance`, on the
 * knots 0, 1, 2 and so on.
 *
 * It starts at the first point and ends at the last. Where the points turn by more than 60 degrees, seen at the scale of the
 * tolerance, it has a corner; noise below the tolerance makes none, and a closed row of points closes smoothly. Returns 0,
 * CIRCLET_INVALID for other dimensions, or CIRCLET_BAD_CURVE for fewer than 2 points, numbers beyond 1e300, and a tolerance that
 * is not above 0; the caller owns `*curve`.
 *
 * # Safety
 * `points` leads to `dimensions * count` doubles; `curve` is NULL or has room for a pointer.
 */
int32_t circlet_curve_new_fit(uint32_t dimensions,
                              const double *points,
                              uint32_t count,
                              double tolerance,
                              struct circlet_curve **curve);

/**
 * Reads SVG path data: a curve of the plane for each subpath that draws something.
 *
 * Writes the first `max` curves to `curves` and returns how many there are in all, or CIRCLET_BAD_CURVE with the byte
 * position in the message. The caller owns each curve written.
 *
 * # Safety
 * `d` is a string; `curves` has room for `max` pointers, or is NULL where `max` is 0.
 */
int32_t circlet_curve_new_svg(const char *d,
                              struct circlet_curve **curves,
                              uint32_t max);

/**
 * Ends a curve. NULL is fine.
 *
 * # Safety
 * `curve` is NULL or a curve that nobody uses any more.
 */
void circlet_curve_free(struct circlet_curve *curve);

/**
 * Returns of how many dimensions a curve is, 1 to 4: so many doubles each of its points has.
 *
 * # Safety
 * `curve` is NULL or a curve.
 */
int32_t circlet_curve_dimensions(const struct circlet_curve *curve);

/**
 * Gives the parameters of the curve's start and end.
 *
 * Returns 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `domain` has room for 2 doubles.
 */
int32_t circlet_curve_domain(const struct circlet_curve *curve, double *domain);

/**
 * Gives the knots, the parameters between which the segments lie: one more than there are segments.
 *
 * Writes the first `max` knots and returns how many there are in all.
 *
 * # Safety
 * `curve` is NULL or a curve; `knots` has room for `max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_knots(const struct circlet_curve *curve, double *knots, uint32_t max);

/**
 * Gives the cubic Bezier segments, each its four control points one behind the other: 8 doubles in the plane. For a Bezier curve
 * above degree 3 they are near it.
 *
 * Writes the first `max` segments and returns how many there are in all.
 *
 * # Safety
 * `curve` is NULL or a curve; `segments` has room for `4 * dimensions * max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_segments(const struct circlet_curve *curve,
                               double *segments,
                               uint32_t max);

/**
 * Evaluates the curve at `count` parameters, which are clamped to its domain: one point's coordinates behind the other's.
 *
 * Above 262,144 points several threads share the work. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `dimensions * count`.
 */
int32_t circlet_curve_eval(const struct circlet_curve *curve,
                           const double *parameters,
                           uint32_t count,
                           double *points);

/**
 * Evaluates the curve as `circlet_curve_eval` does, and rounds to floats.
 *
 * A coordinate beyond the range of floats becomes infinite. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `dimensions * count` floats.
 */
int32_t circlet_curve_eval_f32(const struct circlet_curve *curve,
                               const double *parameters,
                               uint32_t count,
                               float *points);

/**
 * Evaluates the curve as `circlet_curve_eval` does, into one array for each of its dimensions.
 *
 * Returns 0, or CIRCLET_INVALID where two of the arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles; `columns` leads to as many pointers as the curve has
 * dimensions, each with room for `count` doubles.
 */
int32_t circlet_curve_eval_columns(const struct circlet_curve *curve,
                                   const double *parameters,
                                   uint32_t count,
                                   double *const *columns);

/**
 * Gives the first (`order` 1) or second (2) derivatives by the parameter at `count` parameters, which are clamped to the domain:
 * one's components behind the other's.
 *
 * Where two segments meet it is the later one's. Above 262,144 several threads share the work. Returns 0, or CIRCLET_INVALID for
 * another order, and where the two arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `derivatives` has room for `dimensions * count`.
 */
int32_t circlet_curve_derivative(const struct circlet_curve *curve,
                                 uint32_t order,
                                 const double *parameters,
                                 uint32_t count,
                                 double *derivatives);

/**
 * Gives derivatives as `circlet_curve_derivative` does, and rounds to floats.
 *
 * A component beyond the range of floats becomes infinite. Returns 0, or CIRCLET_INVALID for another order, and where the two
 * arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `derivatives` has room for `dimensions * count` floats.
 */
int32_t circlet_curve_derivative_f32(const struct circlet_curve *curve,
                                     uint32_t order,
                                     const double *parameters,
                                     uint32_t count,
                                     float *derivatives);

/**
 * Evaluates the curve at `count` evenly spaced parameters from its start to its end: one point's coordinates behind the
 * other's.
 *
 * Above 262,144 points several threads share the work. Returns 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * count` doubles.
 */
int32_t circlet_curve_sample(const struct circlet_curve *curve,
                             uint32_t count,
                             double *points);

/**
 * Samples the curve as `circlet_curve_sample` does, and rounds to floats.
 *
 * A coordinate beyond the range of floats becomes infinite. Returns 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * count` floats.
 */
int32_t circlet_curve_sample_f32(const struct circlet_curve *curve, uint32_t count, float *points);

/**
 * Samples the curve as `circlet_curve_sample` does, up to rounding, into one array for each of its dimensions.
 *
 * Returns 0, or CIRCLET_INVALID where two of the arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `columns` leads to as many pointers as the curve has dimensions, each with room for `count`
 * doubles.
 */
int32_t circlet_curve_sample_columns(const struct circlet_curve *curve,
                                     uint32_t count,
                                     double *const *columns);

/**
 * Samples many curves of the same dimensions as `circlet_curve_sample` does, each at `points_each` parameters, one curve's
 * points behind the other's.
 *
 * Above 262,144 points in all several threads share the work. Returns 0, CIRCLET_INVALID for a curve that is NULL, or
 * CIRCLET_BAD_CURVE for one of other dimensions than the first.
 *
 * # Safety
 * `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
 * `dimensions * points_each * curves_count` doubles.
 */
int32_t circlet_curve_batch_sample(const struct circlet_curve *const *curves,
                                   uint32_t curves_count,
                                   uint32_t points_each,
                                   double *points);

/**
 * Samples many curves as `circlet_curve_batch_sample` does, and rounds to floats.
 *
 * A coordinate beyond the range of floats becomes infinite. Returns what `circlet_curve_batch_sample` returns.
 *
 * # Safety
 * `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
 * `dimensions * points_each * curves_count` floats.
 */
int32_t circlet_curve_batch_sample_f32(const struct circlet_curve *const *curves,
                                       uint32_t curves_count,
                                       uint32_t points_each,
                                       float *points);

/**
 * Gives the exact bounds: the least coordinate of each dimension, and then the greatest of each.
 *
 * In the plane the least x, the least y, the greatest x, the greatest y. Returns 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `bounds` has room for `2 * dimensions` doubles.
 */
int32_t circlet_curve_bounds(const struct circlet_curve *curve, double *bounds);

/**
 * Gives the unit vectors along the curve at `count` parameters, which are clamped to its domain: one's components behind the
 * other's.
 *
 * At a cusp it is the way on from there, and at the end the way to it. All components are 0 where there is no direction: on a
 * segment that is a point, and for a parameter that is no number. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `tangents` has room for `dimensions * count`.
 */
int32_t circlet_curve_tangent(const struct circlet_curve *curve,
                              const double *parameters,
                              uint32_t count,
                              double *tangents);

/**
 * Gives the unit vectors a quarter turn to the left of the tangents of a curve of the plane; x and y in turn.
 *
 * Both are 0 where there is no tangent. To the left is up from a curve along x where y goes up. Returns 0, CIRCLET_INVALID where
 * the two arrays overlap, or CIRCLET_BAD_CURVE for a curve of other dimensions than 2.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `normals` has room for `2 * count`.
 */
int32_t circlet_curve_normal(const struct circlet_curve *curve,
                             const double *parameters,
                             uint32_t count,
                             double *normals);

/**
 * Gives the curvatures, 1 over the radius, at `count` parameters, which are clamped to the domain.
 *
 * In the plane above 0 where the curve turns to the left, below where it turns to the right; in other dimensions never below 0.
 * Infinite at a cusp. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `curvatures` has room for as many.
 */
int32_t circlet_curve_curvature(const struct circlet_curve *curve,
                                const double *parameters,
                                uint32_t count,
                                double *curvatures);

/**
 * Gives the length of the curve, to within `tolerance`.
 *
 * Returns 0, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `length` has room for a double.
 */
int32_t circlet_curve_length(const struct circlet_curve *curve, double tolerance, double *length);

/**
 * Gives the lengths of the curve from its start to `count` parameters, which are clamped to its domain, each to within
 * `tolerance`.
 *
 * The curve is measured once for all of them. Not a number for a parameter that is none. Returns 0, CIRCLET_INVALID where the two
 * arrays overlap, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `lengths` has room for as many.
 */
int32_t circlet_curve_length_to(const struct circlet_curve *curve,
                                const double *parameters,
                                uint32_t count,
                                double tolerance,
                                double *lengths);

/**
 * Gives the parameters at which the curve has `count` lengths behind it: the true length up to each is within `tolerance` of the
 * one asked for.
 *
 * The curve is measured once for all of them. A length below 0 gives the start, one beyond the curve's the end, and not a
 * number the same. Returns 0, CIRCLET_INVALID where the two arrays overlap, or CIRCLET_BAD_CURVE for a tolerance that is not
 * above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `lengths` leads to `count` doubles, and `parameters` has room for as many.
 */
int32_t circlet_curve_parameter_at_length(const struct circlet_curve *curve,
                                          const double *lengths,
                                          uint32_t count,
                                          double tolerance,
                                          double *parameters);

/**
 * Gives `count` points evenly spaced by length, the first and the last exactly the ends; each has its length behind it within
 * `tolerance`.
 *
 * Returns 0, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * count` doubles.
 */
int32_t circlet_curve_sample_by_length(const struct circlet_curve *curve,
                                       uint32_t count,
                                       double tolerance,
                                       double *points);

/**
 * Cuts the curve at a parameter inside its domain into what is before and what is after; both keep their knots.
 *
 * Returns 0, or CIRCLET_BAD_CURVE for a parameter outside of the domain or at its ends; the caller owns `*left` and `*right`.
 *
 * # Safety
 * `curve` is NULL or a curve; `left` and `right` are NULL or have room for a pointer each.
 */
int32_t circlet_curve_split(const struct circlet_curve *curve,
                            double parameter,
                            struct circlet_curve **left,
                            struct circlet_curve **right);

/**
 * Makes the part of the curve between two parameters, each clamped to its domain; it keeps its knots.
 *
 * Returns 0, or CIRCLET_BAD_CURVE unless `from` is below `to` after that; the caller owns `*part`.
 *
 * # Safety
 * `curve` is NULL or a curve; `part` is NULL or has room for a pointer.
 */
int32_t circlet_curve_subcurve(const struct circlet_curve *curve,
                               double from,
                               double to,
                               struct circlet_curve **part);

/**
 * Makes the curve that runs backwards over the same domain.
 *
 * Returns 0; the caller owns `*reversed`.
 *
 * # Safety
 * `curve` is NULL or a curve; `reversed` is NULL or has room for a pointer.
 */
int32_t circlet_curve_reversed(const struct circlet_curve *curve, struct circlet_curve **reversed);

/**
 * Makes the curve of `a` with `b` behind it, whose knots are moved so that they go on from the last of `a`.
 *
 * Where `b` does not start at the end of `a` the result jumps. Returns 0, or CIRCLET_BAD_CURVE for curves of different
 * dimensions, and where moved knots do not ascend or are beyond 1e300; the caller owns `*joined`.
 *
 * # Safety
 * `a` and `b` are each NULL or a curve, perhaps the same; `joined` is NULL or has room for a pointer.
 */
int32_t circlet_curve_concat(const struct circlet_curve *a,
                             const struct circlet_curve *b,
                             struct circlet_curve **joined);

/**
 * Finds the place on the curve nearest to each of `count` points: its parameter, and its distance.
 *
 * Among equally near places it is that of the smallest parameter. `parameters` and `distances` may each be NULL where they are
 * not wanted. Returns 0, CIRCLET_INVALID where two arrays overlap, or CIRCLET_BAD_CURVE for a coordinate beyond 1e300, which the
 * message names.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` leads to `dimensions * count` doubles; `parameters` and `distances` are each NULL or have
 * room for `count`.
 */
int32_t circlet_curve_nearest(const struct circlet_curve *curve,
                              const double *points,
                              uint32_t count,
                              double *parameters,
                              double *distances);

/**
 * Finds where two curves of the plane meet: pairs of parameters, that of `a` and that of `b`, by ascending ones of `a`.
 *
 * Every common point is near a result: at most `tolerance` away, or on a stretch over which the curves stay that near; of such a
 * stretch the two ends are given. Writes the first `max` pairs and returns how many there are in all, or CIRCLET_BAD_CURVE for a
 * tolerance that is not above 0, and for a curve of other dimensions than 2.
 *
 * # Safety
 * `a` and `b` are each NULL or a curve, perhaps the same; `parameters` has room for `2 * max` doubles, or is NULL where `max` is
 * 0.
 */
int32_t circlet_curve_intersections(const struct circlet_curve *a,
                                    const struct circlet_curve *b,
                                    double tolerance,
                                    double *parameters,
                                    uint32_t max);

/**
 * Finds the points that stand for a polyline of `count` points of 1 to 4 `dimensions` within `tolerance`: the indices, ascending,
 * of those to keep.
 *
 * The first and the last are among them. Writes the first `max` indices and returns how many there are in all, which is never
 * more than `count`; or CIRCLET_INVALID for other dimensions and where the two arrays overlap, or CIRCLET_BAD_CURVE for numbers
 * beyond 1e300 and a tolerance that is not above 0. Any thread.
 *
 * # Safety
 * `points` leads to `dimensions * count` doubles; `indices` has room for `max`, or is NULL where `max` is 0.
 */
int32_t circlet_simplify(uint32_t dimensions,
                         const double *points,
                         uint32_t count,
                         double tolerance,
                         uint32_t *indices,
                         uint32_t max);

/**
 * Gives a polyline from the first to the last point with every point of the curve within `tolerance` of it.
 *
 * Returns how many points it has. They are written, one's coordinates behind the other's, if `max` is enough for all of them:
 * call with 0 first to learn how many there will be. CIRCLET_BAD_CURVE for a tolerance that is not above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_flatten(const struct circlet_curve *curve,
                              double tolerance,
                              double *points,
                              uint32_t max);

/**
 * Gives a polyline as `circlet_curve_flatten` does, of about half as many points in several times the time.
 *
 * Returns how many points it has: all are written if `max` is enough for them, else the first `max`. To count them takes as long
 * as to write them, so give room from the first: `circlet_curve_flatten` never needs less, and says how much quickly.
 * CIRCLET_BAD_CURVE for a tolerance that is not above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_flatten_fewest(const struct circlet_curve *curve,
                                     double tolerance,
                                     double *points,
                                     uint32_t max);

/**
 * Gives a polyline for drawing at `scale` pixels per unit, within `pixel_tolerance` pixels of the curve: that of
 * `circlet_curve_flatten` with the tolerance `pixel_tolerance / scale`, in the curve's own units.
 *
 * Returns how many points it has. They are written if `max` is enough for all of them. CIRCLET_BAD_CURVE unless both numbers and
 * their quotient are above 0.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_flatten_scaled(const struct circlet_curve *curve,
                                     double scale,
                                     double pixel_tolerance,
                                     double *points,
                                     uint32_t max);

/**
 * Gives a polyline within `tolerance` of the curve that runs beside a curve of the plane at `distance`: to the left, or to the
 * right where `distance` is below 0. Corners are joined round, and nothing is cut off where the result crosses itself.
 *
 * Returns how many points it has, which is 0 for a curve that is a point. They are written, x and y in turn, if `max` is enough
 * for all of them. To count them takes as long as to write them, so give room from the first. CIRCLET_BAD_CURVE for a distance
 * beyond 1e300, a tolerance that is not above 0, more than 2^26 points, and a curve of other dimensions than 2.
 *
 * # Safety
 * `curve` is NULL or a curve; `points` has room for `2 * max` doubles, or is NULL where `max` is 0.
 */
int32_t circlet_curve_offset(const struct circlet_curve *curve,
                             double distance,
                             double tolerance,
                             double *points,
                             uint32_t max);

/**
 * Writes a curve of the plane as SVG path data, with every number in as few digits as read back to the same bits.
 *
 * Straight segments become L, all others C; where the curve jumps, an M starts a new subpath. The knots are lost. Returns 0, or
 * CIRCLET_BAD_CURVE for a curve of other dimensions than 2; the caller owns `*d`.
 *
 * # Safety
 * `curve` is NULL or a curve; `d` is NULL or has room for a pointer.
 */
int32_t circlet_curve_to_svg(const struct circlet_curve *curve,
                             struct circlet_text **d);

/**
 * Gives the map a b c d e f (x' = a x + c y + e, y' = b x + d y + f) that fits the exact bounds of a curve of the plane into a
 * box, which is x, y, width, height; `fit` is CIRCLET_FIT_STRETCH, CIRCLET_FIT_CONTAIN or CIRCLET_FIT_COVER.
 *
 * `align` says where in the box the bounds are, along x and along y: 0 at its least coordinate, 0.5 in the middle and 1 at its
 * greatest; NULL is the middle for both. Returns 0, or CIRCLET_BAD_CURVE for a box without a size, another alignment, and a
 * curve of other dimensions than 2.
 *
 * # Safety
 * `curve` is NULL or a curve; `target` leads to 4 doubles, `align` is NULL or leads to 2, and `map` has room for 6.
 */
int32_t circlet_curve_fit_to_box(const struct circlet_curve *curve,
                                 const double *target,
                                 int32_t fit,
                                 const double *align,
                                 double *map);

/**
 * Makes the image of a curve of the plane under a map a b c d e f, as `circlet_curve_fit_to_box` gives it.
 *
 * Returns 0, or CIRCLET_BAD_CURVE where a coordinate is no number any more, and for a curve of other dimensions than 2; the
 * caller owns `*image`.
 *
 * # Safety
 * `curve` is NULL or a curve; `map` leads to 6 doubles; `image` is NULL or has room for a pointer.
 */
int32_t circlet_curve_transform(const struct circlet_curve *curve,
                                const double *map,
                                struct circlet_curve **image);

/**
 * Starts a pool. `options` may be NULL for the defaults.
 *
 * Returns 0, CIRCLET_INVALID for what no pool can be, CIRCLET_OS where there are too few threads, or CIRCLET_NO_LIBRARY where there
 * is none that processes could load; the caller owns `*pool`. That processes cannot start is what calls then end with, as
 * CIRCLET_NO_WORKER. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_pool_new(const struct circlet_pool_options *options,
                         struct circlet_pool **pool);

/**
 * Waits until no job waits or runs; the pool stays open.
 *
 * `timeout_ms`: 0 looks, above waits so long, below 0 without a deadline. Returns 0, or CIRCLET_TIMED_OUT while there are jobs;
 * CIRCLET_INVALID from a job of the pool, which would wait for itself. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_pool_drain(const struct circlet_pool *pool,
                           double timeout_ms);

/**
 * Takes no more jobs, waits until those that were submitted are over, and ends the workers. Closing again does nothing.
 *
 * What has not been fetched still can be; behind it, `circlet_pool_next` gives CIRCLET_CLOSED, also to those who wait in it, and
 * the descriptor of `circlet_pool_fd` becomes readable. Returns 0, or CIRCLET_INVALID from a job of the pool. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_pool_close(const struct circlet_pool *pool);

/**
 * Tells everything about the pool as JSON, in the shape of a session payload's `worker_threads`.
 *
 * Returns 0; the caller owns `*json`. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `json` is NULL or has room for a pointer.
 */
int32_t circlet_pool_snapshot(const struct circlet_pool *pool, struct circlet_text **json);

/**
 * Ends a pool: jobs that run finish, queued ones never start unless it was closed before, and no thread stays. What was not
 * fetched is lost. NULL is fine.
 *
 * # Safety
 * `pool` is NULL or a pool that nobody uses any more; not from one of its own jobs.
 */
void circlet_pool_free(struct circlet_pool *pool);

/**
 * Submits a job: `run` is called once with `data`, on a worker. `options` may be NULL for the defaults.
 *
 * `*job` gets its number, 1 for a pool's first and one more for each that follows; `job` may be NULL. Returns 0; CIRCLET_FULL where
 * the queue is full and the pool does not wait, or has waited for long enough; CIRCLET_CLOSED; CIRCLET_INVALID for a pool of
 * processes. How the job ended waits in `circlet_pool_next`. Any thread; but a job that waits for room in the queue of its own pool may wait forever.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says; `run` may be called with `data` on another thread.
 */
int32_t circlet_pool_submit(const struct circlet_pool *pool,
                            circlet_job run,
                            void *data,
                            const struct circlet_job_options *options,
                            uint64_t *job);

/**
 * Submits `count` jobs at once, each `run` with another of the pointers in `data`, all with the same options. It costs less for
 * each than `circlet_pool_submit`.
 *
 * `jobs` gets their numbers, which rise, and follow each other without a gap where nobody else submits meanwhile; it may be
 * NULL. Returns how many jobs were taken in, in their order; fewer than `count` only where the queue is full and the pool does not
 * wait, or has waited for long enough, or was closed. CIRCLET_FULL or CIRCLET_CLOSED where not one of them was. As
 * `circlet_pool_submit` else.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says: `data` to `count` pointers, and `jobs` to room for as many numbers; `run` may
 * be called with each of `data` on another thread.
 */
int32_t circlet_pool_submit_many(const struct circlet_pool *pool,
                                 circlet_job run,
                                 void *const *data,
                                 uint32_t count,
                                 const struct circlet_job_options *options,
                                 uint64_t *jobs);

/**
 * Aborts a job.
 *
 * Returns 2 where it waited and now never starts, as its completion says with CIRCLET_ABORTED; 1 where it runs and was asked to
 * stop, which `circlet_job_aborted` tells it; 0 where it is over, or no job has that number. The other jobs do not notice. Any
 * thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `job` is NULL or leads to a number.
 */
int32_t circlet_pool_abort(const struct circlet_pool *pool,
                           const uint64_t *job);

/**
 * Takes a job out that waits; one that runs goes on.
 *
 * Returns 2 where it waited and now never starts, as its completion says with CIRCLET_ABORTED; 0 where it runs or is over, or no job
 * has that number. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `job` is NULL or leads to a number.
 */
int32_t circlet_pool_withdraw(const struct circlet_pool *pool,
                              const uint64_t *job);

/**
 * Submits a call of a function in a worker process. `options` may be NULL for the defaults.
 *
 * `function` is `package.module:name` for Python, and the name of an export for Bun. `arguments` are `len` bytes in the codec
 * CIRCLET_JSON, CIRCLET_PICKLE (Python) or CIRCLET_STRUCTURED_CLONE (Bun), and are copied. The type of job is the function's name
 * unless the options say otherwise. `*job` gets its number; `job` may be NULL. What comes of it waits in
 * `circlet_pool_answers`.
 *
 * Returns 0; CIRCLET_FULL, CIRCLET_CLOSED as `circlet_pool_submit`; CIRCLET_TOO_LARGE for a call of more than 1 GiB; CIRCLET_INVALID
 * for a pool of threads, and for a codec that the workers do not know. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says, `arguments` to `len` bytes.
 */
int32_t circlet_pool_call(const struct circlet_pool *pool,
                          const char *function,
                          uint32_t codec,
                          const void *arguments,
                          uint64_t len,
                          const struct circlet_job_options *options,
                          uint64_t *job);

/**
 * Submits `count` calls of one function at once, all with the same options. It costs less for each than
 * `circlet_pool_call`.
 *
 * `arguments` holds those of all calls, one behind the other, and `lens` how many bytes each has. `jobs` gets their numbers, as
 * in `circlet_pool_submit_many`; it may be NULL. Returns how many calls were taken in, as that does; else as `circlet_pool_call`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says: `lens` to `count` numbers, `arguments` to as many bytes as they sum up to, and
 * `jobs` to room for `count` numbers.
 */
int32_t circlet_pool_call_many(const struct circlet_pool *pool,
                               const char *function,
                               uint32_t codec,
                               const void *arguments,
                               const uint64_t *lens,
                               uint32_t count,
                               const struct circlet_job_options *options,
                               uint64_t *jobs);

/**
 * Fetches what came of the next calls: waits for one as `circlet_pool_next` does, and takes those that are there behind it, at most
 * `max`, and none behind 16 MiB.
 *
 * Returns how many, at least 1, or as `circlet_pool_next`; CIRCLET_INVALID for a `max` of 0, and for a pool of threads. `*answers`
 * is written where there are some, and the caller ends it. Any thread; each answer goes to one.
 *
 * # Safety
 * `pool` is NULL or a pool; `answers` is NULL or has room for one.
 */
int32_t circlet_pool_answers(const struct circlet_pool *pool,
                             uint32_t max,
                             double timeout_ms,
                             struct circlet_answers *answers);

/**
 * Ends some answers, and makes the struct one of none. NULL is fine.
 *
 * # Safety
 * `answers` is NULL or leads to what `circlet_pool_answers` has written, which nobody uses any more, or to zeros.
 */
void circlet_answers_free(struct circlet_answers *answers);

/**
 * Takes what the workers have printed since the last time, in a pool with CIRCLET_OUTPUT_KEEP.
 *
 * JSON: `parts`, in the order in which they came, each with `worker` (as in the snapshot), `stream` (`stdout` or `stderr`) and `text`,
 * where what is no UTF-8 is replaced; and `lost_bytes`, of which there was no more room. What a call printed comes soon after its
 * answer, and all of it once the pool is closed.
 *
 * Returns 0, or CIRCLET_INVALID for a pool that keeps nothing; the caller owns `*json`. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `json` is NULL or has room for a pointer.
 */
int32_t circlet_pool_output(const struct circlet_pool *pool,
                            struct circlet_text **json);

/**
 * Asks a worker process what it has on its heap, and waits for that. `options` may be NULL for the defaults.
 *
 * The worker, 0x3a7f for `w_3a7f` in snapshots, looks between two calls; those that were sent to it ahead are done by others
 * meanwhile. JSON: `source` (`tracemalloc` or `jsc`), `is_first`, `bytes`, `lines`, `grown`, `types`, and where they are known
 * `peak_bytes`, `overhead_bytes` and `file`. In Python allocations are traced from the first snapshot on, which makes each of them
 * slower until CIRCLET_HEAP_STOP: the first knows objects by type alone.
 *
 * Returns 0, and the caller owns `*json`; CIRCLET_NOT_FOUND where there is no such worker, or it ends before it has looked;
 * CIRCLET_TIMED_OUT; CIRCLET_JOB_FAILED where the file could not be written; CIRCLET_WORKER_DIED; CIRCLET_INVALID for a pool of
 * threads. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_pool_heap_snapshot(const struct circlet_pool *pool,
                                   uint32_t worker,
                                   const struct circlet_heap_options *options,
                                   struct circlet_text **json);

/**
 * As `circlet_pool_heap_snapshot`, but waits for nothing: what comes of it is an answer of `circlet_pool_answers`, as if it were a
 * call, with the JSON or with the status and why.
 *
 * `*job` gets its number, from CIRCLET_HEAP_NUMBERS on. It is no job otherwise: it cannot be aborted, no snapshot counts it, and
 * `circlet_pool_drain` does not wait for it. Behind `circlet_pool_close` every one is answered.
 *
 * Returns 0; CIRCLET_CLOSED; CIRCLET_OS where no thread can be had for it; CIRCLET_INVALID for a pool of threads. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_pool_heap_submit(const struct circlet_pool *pool,
                                 uint32_t worker,
                                 const struct circlet_heap_options *options,
                                 uint64_t *job);

/**
 * Submits a job that does what `circlet_curve_batch_sample` does: the points of many curves of the same dimensions, each at
 * `points_each` evenly spaced parameters, one curve's points behind the other's. It looks for an abort before each curve.
 *
 * A job runs on one worker; give several of them parts of the curves to use more. Only a curve of more than 262,144 points
 * each is shared among further threads. Its type is `curve_batch` and its size the number of points, unless `options`, which may be
 * NULL, say otherwise. Its result is 0. As `circlet_pool_submit` else; CIRCLET_BAD_CURVE for a curve of other dimensions than the
 * first.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says: `curves` to `curves_count` curves, which live until the job's completion was
 * fetched (the array itself is copied), and `points` to room for `dimensions * points_each * curves_count` doubles, which are
 * nobody else's until then.
 */
int32_t circlet_pool_submit_curves(const struct circlet_pool *pool,
                                   const struct circlet_curve *const *curves,
                                   uint32_t curves_count,
                                   uint32_t points_each,
                                   double *points,
                                   const struct circlet_job_options *options,
                                   uint64_t *job);

/**
 * As `circlet_pool_submit_curves`, with points of floats: a coordinate beyond the largest float becomes infinite.
 *
 * # Safety
 * As `circlet_pool_submit_curves`, with floats.
 */
int32_t circlet_pool_submit_curves_f32(const struct circlet_pool *pool,
                                       const struct circlet_curve *const *curves,
                                       uint32_t curves_count,
                                       uint32_t points_each,
                                       float *points,
                                       const struct circlet_job_options *options,
                                       uint64_t *job);

/**
 * Tells whether the job that runs on the calling thread was asked to stop: by `circlet_pool_abort`, or as its deadline passed.
 *
 * Returns 1 or 0; 0 where no job of C runs on the thread, and so on threads that the job has started itself. It costs a few
 * nanoseconds. A job that stops for it says so by `circlet_job_give_in`.
 */
int32_t circlet_job_aborted(void);

/**
 * Ends the job that runs on the calling thread, once it returns, as CIRCLET_ABORTED or, if its deadline asked it to stop, as
 * CIRCLET_TIMED_OUT. What it returns is then no result.
 *
 * Returns 0, or CIRCLET_INVALID where no job of C runs on the thread.
 */
int32_t circlet_job_give_in(void);

/**
 * Ends the job that runs on the calling thread, once it returns, as CIRCLET_JOB_FAILED with a message. What it returns is then no
 * result.
 *
 * The message is UTF-8; where it is not, the job fails all the same, with U+FFFD for what is none. Returns 0, or CIRCLET_INVALID
 * where no job of C runs on the thread, and for NULL, which ends nothing.
 *
 * # Safety
 * `message` is NULL or a string.
 */
int32_t circlet_job_fail(const char *message);

/**
 * Fetches how the next job ended, in the order in which jobs end; each comes once. A job that failed is no error here. The answer
 * of a call is dropped here, and told by `circlet_pool_answers`.
 *
 * `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns 0, CIRCLET_TIMED_OUT, or CIRCLET_CLOSED where the
 * pool is closed and everything has been fetched. Without a job that is under way, a wait without a deadline ends with the pool
 * alone. Any thread; each completion goes to one.
 *
 * # Safety
 * `pool` is NULL or a pool; `completion` is NULL or has room for one.
 */
int32_t circlet_pool_next(const struct circlet_pool *pool,
                          double timeout_ms,
                          struct circlet_completion *completion);

/**
 * Fetches how the next jobs ended: waits for one as `circlet_pool_next` does, and takes those that are there behind it, at most `max`.
 *
 * Returns how many, at least 1, or as `circlet_pool_next`; CIRCLET_INVALID for a `max` of 0.
 *
 * # Safety
 * `pool` is NULL or a pool; `completions` is NULL or has room for `max` of them.
 */
int32_t circlet_pool_next_many(const struct circlet_pool *pool,
                               struct circlet_completion *completions,
                               uint32_t max,
                               double timeout_ms);

/**
 * Copies why a job failed into `buffer`, cut to fit and ended by a zero byte; after its completion was fetched.
 *
 * Returns the message's length in bytes without the zero, which may be more than fits, or CIRCLET_NOT_FOUND for a job that did not
 * fail: messages are kept for CIRCLET_JOB_FAILED, CIRCLET_NO_WORKER and CIRCLET_WORKER_DIED alone, and for the last 1024 such jobs;
 * `circlet_pool_answers` tells them itself. `buffer` may be NULL if `size` is 0. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `job` is NULL or leads to a number; `buffer` has room for `size` bytes.
 */
int32_t circlet_pool_failure(const struct circlet_pool *pool,
                             const uint64_t *job,
                             char *buffer,
                             uint32_t size);

/**
 * Makes a descriptor for an event loop, which becomes readable when a job ends, or the pool is closed, after `circlet_pool_arm`
 * has asked for that.
 *
 * Returns 0, or CIRCLET_OS where there are no more descriptors. The caller owns `*fd` and closes it; what is read from it means
 * nothing, and may be read away or left to `circlet_pool_arm`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_pool_fd(const struct circlet_pool *pool,
                        int32_t *fd);

/**
 * Asks for the notice of `circlet_pool_fd`, which is given once. No job that ends makes a system call for it unless it was asked
 * for.
 *
 * Returns 1 where there is no need to wait: a completion is there, or the end; 0 where the descriptor tells when to look again. So
 * fetch until nothing is left, arm, and wait only after a 0. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_pool_arm(const struct circlet_pool *pool);

/**
 * Makes a side of a ring (CIRCLET_PRODUCER or CIRCLET_CONSUMER) a port of the pool, which any of its workers may use
 * (`circlet_job_port`). The side is the pool's until the port, or the pool, is closed: for the other side it lives, whichever
 * worker has it. The ring's own handle may be closed before.
 *
 * Returns 0; CIRCLET_BUSY where somebody has that side; CIRCLET_INVALID for a reader of a broadcast ring, or of messages in
 * fragments, which cannot go on where another stopped; CIRCLET_CLOSED. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_pool_port_open(const struct circlet_pool *pool,
                               const struct circlet_ring *ring,
                               int32_t side,
                               uint32_t *port);

/**
 * Hands a port to a worker, which alone may use it from then on, or with CIRCLET_ANY_WORKER to whichever asks. Whoever uses it
 * goes on until it gives it back. A worker that ends leaves its ports to all.
 *
 * Returns 0, or CIRCLET_NOT_FOUND where there is no such port or worker. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_pool_port_transfer(const struct circlet_pool *pool,
                                   uint32_t port,
                                   uint32_t worker);

/**
 * Closes a port: the other side of the ring learns it at once, or when whoever uses it has given it back. What is queued stays
 * in the ring.
 *
 * Returns 0, or CIRCLET_NOT_FOUND where there is no such port. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_pool_port_close(const struct circlet_pool *pool,
                                uint32_t port);

/**
 * Lists the ports in the order in which they were opened, and the last 64 that were closed.
 *
 * Returns how many there are, of which the first `room` were written. Any thread.
 *
 * # Safety
 * `pool` is NULL or a pool; `ports` leads to room for `room` of them, or is NULL if that is 0.
 */
int32_t circlet_pool_ports(const struct circlet_pool *pool, struct circlet_port *ports, uint32_t room);

/**
 * Takes a port of the pool whose job runs on the calling thread: waits until its worker may have it. An open port goes to
 * whoever asks while nobody uses it, one that was transferred to its worker alone.
 *
 * `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns CIRCLET_PRODUCER or CIRCLET_CONSUMER, the side
 * that `*ring` has, and has alone; CIRCLET_TIMED_OUT; CIRCLET_NOT_FOUND for a port that is closed or that there is not;
 * CIRCLET_BUSY where this job has it already; or what `circlet_ring_attach` says. Do not close the ring: give it back by
 * `circlet_job_port_back`, or the end of the job does. What was received and not released comes again for the next.
 *
 * # Safety
 * `ring` is NULL or has room for a pointer.
 */
int32_t circlet_job_port(uint32_t port,
                         double timeout_ms,
                         struct circlet_ring **ring);

/**
 * Gives a port back that `circlet_job_port` has lent, and ends its ring's handle. The next one goes on where this one stopped.
 *
 * Returns 0; CIRCLET_INVALID for a ring that is not lent to the job that runs on the calling thread; CIRCLET_BUSY while another
 * thread is inside.
 *
 * # Safety
 * No frame of the ring is used any more.
 */
int32_t circlet_job_port_back(struct circlet_ring *ring);

/**
 * Hands a port on that `circlet_job_port` has lent, as `circlet_pool_port_transfer`, and gives it back.
 *
 * Returns as both; where there is no such worker, the port stays lent.
 *
 * # Safety
 * As `circlet_job_port_back`.
 */
int32_t circlet_job_port_transfer(struct circlet_ring *ring, uint32_t worker);

/**
 * Returns the number of the worker that runs the job on the calling thread, or CIRCLET_INVALID where no job of C runs there.
 */
int32_t circlet_job_worker(void);

/**
 * Makes a payload that says where this process runs: its host, its id, its memory, as JSON.
 *
 * Returns 0; the caller owns `*json`. Any thread.
 *
 * # Safety
 * `json` is NULL or has room for a pointer.
 */
int32_t circlet_session_snapshot(struct circlet_text **json);

/**
 * Reads the newest snapshot on the page of a session, by the page's name, whichever process writes it: JSON with `payload`, `age_ms` (how
 * old it is; null where it does not say) and `is_live` (whether its writer lives: one that was killed leaves its last snapshot).
 *
 * Returns 0, CIRCLET_EMPTY where none was written yet, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA where the page is another's, or a code of a
 * page; the caller owns `*session`. Any thread.
 *
 * # Safety
 * `name` is a string; `session` is NULL or has room for a pointer.
 */
int32_t circlet_session_read(const char *name,
                             struct circlet_text **session);

/**
 * Says a session payload, given as JSON, in lines of at most 450 tokens, as a part of a prompt; see circlet_session_summary_within.
 *
 * Returns 0, or CIRCLET_BAD_JSON with the field and its place in the message; the caller owns `*summary`. Any thread.
 *
 * # Safety
 * `json` is a string; `summary` is NULL or has room for a pointer.
 */
int32_t circlet_session_summary(const char *json,
                                struct circlet_text **summary);

/**
 * Says a session payload, given as JSON, in lines of at most `tokens` tokens of o200k_base together. The last line has no newline.
 *
 * The same payload and budget give the same bytes. The least important lines are left out first, and counted in the last line.
 *
 * Returns 0, or CIRCLET_BAD_JSON with the field and its place in the message; the caller owns `*summary`. Any thread.
 *
 * # Safety
 * `json` is a string; `summary` is NULL or has room for a pointer.
 */
int32_t circlet_session_summary_within(const char *json,
                                       uint64_t tokens,
                                       struct circlet_text **summary);

/**
 * Starts a hub. `options` is a JSON object, or NULL for the defaults; each member may be left out: `addr` ("127.0.0.1:3010"; port 0 takes
 * a free one), `hz` (30: how often what is new is told at most, a second), `emit_token` and `view_token` (what emitters and viewers say;
 * nobody emits without one), `origins`, `hosts`, `allow` and `deny` (lists of who may connect), `websocket_only` (false), `threads`,
 * `max_rooms` (1000), `max_keys` (10000), `max_room_bytes` (4 MiB), `log` (256 events), `max_connections` (20000),
 * `max_connections_per_address` (1000, and any number from this machine), `viewer_limits` and `emitter_limits` (objects with
 * `messages_per_s`, `bytes_per_s`, `rooms`, `message_bytes`), `record` (a file that all is written to which viewers are told), `redis`
 * (a URL of the server by which rooms are shared with other hubs) and `redis_prefix`, and times in milliseconds: `idle_room_ms`,
 * `stalled_after_ms`, `ping_interval_ms`, `ping_timeout_ms`, `connect_timeout_ms`. They are those of `HubOptions` in Rust; see
 * `docs/hub.md`.
 *
 * Returns 0; CIRCLET_BAD_JSON and CIRCLET_INVALID for options, with what is allowed in the message; CIRCLET_BUSY where the port is taken;
 * CIRCLET_OS, also where the recording cannot be written or Redis refuses the hub. The caller owns `*hub`. Any thread.
 *
 * # Safety
 * `options` is NULL or a string; `hub` is NULL or has room for a pointer.
 */
int32_t circlet_hub_start(const char *options,
                          struct circlet_hub **hub);

/**
 * Gives the address and port that it listens at, such as "127.0.0.1:3010", also once it is stopped.
 *
 * Returns 0; the caller owns `*addr`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; `addr` is NULL or has room for a pointer.
 */
int32_t circlet_hub_addr(const struct circlet_hub *hub, struct circlet_text **addr);

/**
 * Sets the value of a key of a room to this JSON. The room is made where there is none; viewers are told the newest value with the next
 * tick.
 *
 * Returns 0; CIRCLET_INVALID for a name without bytes or with more than 200, CIRCLET_BAD_JSON, CIRCLET_FULL where the room or the hub has
 * no place for it, CIRCLET_CLOSED after `circlet_hub_stop`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; each other pointer is NULL or a string.
 */
int32_t circlet_hub_set(const struct circlet_hub *hub,
                        const char *room,
                        const char *key,
                        const char *value);

/**
 * As `circlet_hub_set`, of columns of numbers, which viewers get as bytes: `{"x": {"f32": ArrayBuffer}}`, for
 * `new Float32Array(value.x.f32)`. They are copied once.
 *
 * # Safety
 * `hub` is NULL or a hub; `room` and `key` are NULL or strings; `columns` leads to `count` columns, each with a string and as many numbers
 * as it says.
 */
int32_t circlet_hub_set_columns(const struct circlet_hub *hub,
                                const char *room,
                                const char *key,
                                const struct circlet_column *columns,
                                uint32_t count);

/**
 * Sets keys of a room to the members of a JSON object, and removes those of a JSON array of names: viewers are told of all of it
 * together. Either is NULL for none; what is in both is set. Where it fails, nothing is changed.
 *
 * Returns as `circlet_hub_set`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; each other pointer is NULL or a string.
 */
int32_t circlet_hub_update(const struct circlet_hub *hub,
                           const char *room,
                           const char *set,
                           const char *removed);

/**
 * Removes a key of a room. Returns 1, 0 where it was not there, or as `circlet_hub_set`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; each other pointer is NULL or a string.
 */
int32_t circlet_hub_remove(const struct circlet_hub *hub, const char *room, const char *key);

/**
 * Tells the viewers of a room of an event, such as "agent-action", with this JSON. It is not merged with others. `number` is NULL, or gets
 * its number in the room, from 1 on; 0 where rooms are shared with other hubs, as it has none before all of them are told.
 *
 * Returns as `circlet_hub_set`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; `number` is NULL or has room for one; each other pointer is NULL or a string.
 */
int32_t circlet_hub_emit(const struct circlet_hub *hub,
                         const char *room,
                         const char *event,
                         const char *data,
                         uint64_t *number);

/**
 * Shows the ring of a name in a room for as long as the hub is there: it may come later, and come again. What its messages say is in
 * `docs/hub.md`; the room "rings" says how full it is.
 *
 * Returns 0, CIRCLET_OS where no thread can be started, CIRCLET_CLOSED after `circlet_hub_stop`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; each other pointer is NULL or a string.
 */
int32_t circlet_hub_follow_ring(const struct circlet_hub *hub,
                                const char *name,
                                const char *room);

/**
 * Shows the page of a session in a room, as `circlet_hub_follow_ring` does: the payload's sections are its keys.
 *
 * # Safety
 * `hub` is NULL or a hub; each other pointer is NULL or a string.
 */
int32_t circlet_hub_follow_session(const struct circlet_hub *hub,
                                   const char *page,
                                   const char *room);

/**
 * Tells what it does and has done: a JSON object of counts, such as `viewers`, `rooms`, `told`, `behind`, `refused`, `published`.
 *
 * Returns 0, or CIRCLET_CLOSED after `circlet_hub_stop`; the caller owns `*stats`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; `stats` is NULL or has room for a pointer.
 */
int32_t circlet_hub_stats(const struct circlet_hub *hub,
                          struct circlet_text **stats);

/**
 * Tells what does not work at the moment, though the hub goes on: a JSON array of sentences, such as why a recording cannot be written or
 * that Redis does not answer.
 *
 * Returns as `circlet_hub_stats`; the caller owns `*troubles`. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub; `troubles` is NULL or has room for a pointer.
 */
int32_t circlet_hub_troubles(const struct circlet_hub *hub,
                             struct circlet_text **troubles);

/**
 * Stops it: tells what was published, asks viewers to come back later (close code 1013), and closes all connections. What takes longer
 * than `patience_ms` is ended. Other threads get CIRCLET_CLOSED from then on.
 *
 * Returns 0, also where it is stopped already. Any thread.
 *
 * # Safety
 * `hub` is NULL or a hub.
 */
int32_t circlet_hub_stop(const struct circlet_hub *hub,
                         double patience_ms);

/**
 * Stops it, with a second of patience, where it is not stopped, and ends the handle. NULL is fine.
 *
 * # Safety
 * `hub` is NULL or a hub that nobody uses any more.
 */
void circlet_hub_free(struct circlet_hub *hub);

/**
 * Starts a tracker. `options` is a JSON object, or NULL for the defaults; each member may be left out: `session` (an id), `runtime`
 * (`"native"`, or `"bun"`, `"node"`, `"python"`), `pid` (this process), `folder` (`"."`), `project` (true: look at the folder's git
 * state, lockfile and dependencies), `junit` and `lcov` (files of results to follow), `page` (the name of a page in shared memory to
 * publish snapshots to), `interval_ms` (250), `project_interval_ms` (5000), `history` (16 snapshots), `max_bytes` (262144), `redact`
 * (true).
 *
 * Returns 0, CIRCLET_INVALID, CIRCLET_BAD_JSON, CIRCLET_OS, or a code of a page; the caller owns `*tracker`. Any thread.
 *
 * # Safety
 * `options` is NULL or a string; `tracker` is NULL or has room for a pointer.
 */
int32_t circlet_tracker_start(const char *options,
                              struct circlet_tracker **tracker);

/**
 * Takes what the guest says: a JSON Merge Patch (RFC 7396) of the canonical payload. Returns how many paths were refused, as they are
 * measured; `refused` is NULL, or gets a JSON list of them, which the caller owns. CIRCLET_BAD_JSON or CIRCLET_TOO_LARGE: nothing of
 * it was taken. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_patch(const struct circlet_tracker *tracker,
                              const char *patch,
                              struct circlet_text **refused);

/**
 * Notes that the session uses an interface, at `apis` of its runtime. Each is noted once.
 *
 * Returns 0, CIRCLET_INVALID for a name without bytes or with more than 256, CIRCLET_TOO_LARGE. Any thread.
 *
 * # Safety
 * `tracker` is NULL or a tracker; `name` is NULL or a string.
 */
int32_t circlet_tracker_log_api_usage(const struct circlet_tracker *tracker, const char *name);

/**
 * Adds a worker that starts.
 *
 * Returns 0, CIRCLET_NAME_TAKEN where there is one of this id, CIRCLET_TOO_LARGE. Any thread.
 *
 * # Safety
 * `tracker` is NULL or a tracker; `id` is NULL or a string.
 */
int32_t circlet_tracker_register_worker(const struct circlet_tracker *tracker, const char *id);

/**
 * Changes what is said of a worker: a merge patch of its entry in `worker_threads.registry`, or `null` to forget it.
 *
 * Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_JSON, CIRCLET_TOO_LARGE. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_update_worker(const struct circlet_tracker *tracker,
                                      const char *id,
                                      const char *patch);

/**
 * Says what the program itself measured: a section such as `hub` or `test`, or a path in one such as `cache.hits`, and in JSON what it
 * is from now on.
 *
 * Returns 0; CIRCLET_INVALID for what is no section or is measured by the tracker; CIRCLET_BAD_JSON where it does not fit the schema: what
 * was known stays. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_measured(const struct circlet_tracker *tracker,
                                 const char *section,
                                 const char *value);

/**
 * Watches a ring from now on: its counters are at `rings` under this name, anew in each snapshot, until `circlet_ring_close` or
 * `circlet_tracker_unwatch`, in any order with `circlet_tracker_free`. It keeps neither the ring nor its name.
 *
 * Returns 0, CIRCLET_NAME_TAKEN where something is watched under this name, CIRCLET_INVALID, CIRCLET_OS. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_watch_ring(const struct circlet_tracker *tracker,
                                   const char *name,
                                   const struct circlet_ring *ring);

/**
 * As `circlet_tracker_watch_ring`, of a pool, until it is closed: it is `worker_threads`. Of several the workers stand side by side, and
 * the counts are those of all together.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_watch_pool(const struct circlet_tracker *tracker,
                                   const char *name,
                                   const struct circlet_pool *pool);

/**
 * As `circlet_tracker_watch_ring`, of an executor, until `circlet_executor_free`: it is at `executors`, and what confines it at
 * `policies`, and what that denied and warned of is `audit`, where its policy has an audit, such as `audit.payload`. Also while another
 * thread is in the executor.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_watch_executor(const struct circlet_tracker *tracker,
                                       const char *name,
                                       const struct circlet_executor *executor);

/**
 * As `circlet_tracker_watch_ring`, of a pool of sessions, until it and its last executor are freed: each session that lives is at
 * `executors`, as `name/w_0001`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_watch_session_pool(const struct circlet_tracker *tracker,
                                           const char *name,
                                           const struct circlet_session_pool *pool);

/**
 * As `circlet_tracker_watch_ring`, of a hub, until `circlet_hub_stop` or `circlet_hub_free`: it is `hub`. Of several the counts are those
 * of all together, without an address.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_watch_hub(const struct circlet_tracker *tracker,
                                  const char *name,
                                  const struct circlet_hub *hub);

/**
 * Watches something no more, whatever it is: it is in no snapshot from now on.
 *
 * Returns 0, or CIRCLET_NOT_FOUND where nothing is watched under this name, as it has been closed or unwatched. Any thread.
 *
 * # Safety
 * `tracker` is NULL or a tracker; `name` is NULL or a string.
 */
int32_t circlet_tracker_unwatch(const struct circlet_tracker *tracker,
                                const char *name);

/**
 * Takes a snapshot, as JSON in the canonical form, and remembers it. It takes some microseconds.
 *
 * Returns 0; the caller owns `*snapshot`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_snapshot(const struct circlet_tracker *tracker, struct circlet_text **snapshot);

/**
 * Gives the snapshots that are remembered as a JSON list, the newest at the end.
 *
 * Returns how many; the caller owns `*snapshots`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_history(const struct circlet_tracker *tracker, struct circlet_text **snapshots);

/**
 * Takes a snapshot, and gives the merge patch that leads to it from a remembered one, named by its `seq`.
 *
 * Returns 0, or CIRCLET_NOT_FOUND where it is not remembered; the caller owns `*patch`. Any thread.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_tracker_diff(const struct circlet_tracker *tracker,
                             uint64_t from,
                             struct circlet_text **patch);

/**
 * Waits until the project has been looked at once, for `timeout_ms` at the most (below 0 for ever).
 *
 * Returns 0, CIRCLET_TIMED_OUT, or CIRCLET_INVALID where no project is looked at. Any thread.
 *
 * # Safety
 * `tracker` is NULL or a tracker.
 */
int32_t circlet_tracker_wait_for_project(const struct circlet_tracker *tracker, double timeout_ms);

/**
 * Ends a tracker and its page. NULL is fine.
 *
 * # Safety
 * `tracker` is NULL or a tracker that nobody uses any more.
 */
void circlet_tracker_free(struct circlet_tracker *tracker);

/**
 * Starts a session and waits until it is ready. `options` may be NULL for the defaults.
 *
 * The library that the session loads is this one, or what CIRCLET_LIBRARY names. Returns 0, CIRCLET_NO_PYTHON,
 * CIRCLET_NO_LIBRARY, CIRCLET_NOT_READY, CIRCLET_INVALID for a module that cannot be loaded, or CIRCLET_WORKER_DIED; no process stays then. The caller owns `*executor`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says, the arrays to `ring_count` and `preload_count` entries.
 */
int32_t circlet_executor_new(const struct circlet_executor_options *options,
                             struct circlet_executor **executor);

/**
 * Runs a code string and waits for what comes of it. After `timeout_ms` (below 0 never) it is interrupted.
 *
 * Returns 0 also where the code raised an exception, `KeyboardInterrupt` for an interrupt: that is part of the outcome, which is JSON
 * with the fields `value` (of the last expression) or `repr`, `data` (how it shows itself, by MIME type), `error` (`type`, `message`,
 * `traceback`), `stopped` (`interrupted`, `group_interrupted`), `stdout`, `stderr`, `usage` and `elapsed_ms`; the caller owns `*outcome`.
 * CIRCLET_TIMED_OUT, where the code did not stop, and CIRCLET_WORKER_DIED: the names of its code are gone, and the next run has new ones.
 * CIRCLET_BUSY where a run is under way that `circlet_executor_begin` has begun.
 *
 * # Safety
 * `executor` is NULL or an executor; `code` is a string; `outcome` is NULL or has room for a pointer.
 */
int32_t circlet_executor_run(const struct circlet_executor *executor,
                             const char *code,
                             double timeout_ms,
                             struct circlet_text **outcome);

/**
 * Stops the run that is under way: SIGINT for it alone, and after the graces of the options SIGINT for its group, and SIGKILL. Any
 * thread, also while another waits in `circlet_executor_next`. Returns 1, or 0 where no run is under way.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_interrupt(const struct circlet_executor *executor);

/**
 * Has `circlet_executor_next`, where another thread waits there now or does so next, return CIRCLET_TIMED_OUT at once. Any
 * thread. Returns 0.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_wake(const struct circlet_executor *executor);

/**
 * Kills the session, whatever it does, with all that it has started in its group: a run that is under way fails with that, and the
 * next one has a new session. Any thread. Returns 0.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_kill(const struct circlet_executor *executor);

/**
 * Ends the session, whatever it does, and starts another, without the names of its code. What came of a run and was not fetched is
 * gone. Returns 0, or as `circlet_executor_new`.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_restart(const struct circlet_executor *executor);

/**
 * Returns the process id of the session that was started last, which may have ended. Any thread.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_process_id(const struct circlet_executor *executor);

/**
 * Stops the session, kills it where it does not stop within 2 s, and ends the handle. NULL is fine.
 *
 * # Safety
 * `executor` is NULL or an executor that nobody uses any more.
 */
void circlet_executor_free(struct circlet_executor *executor);

/**
 * Begins to run a code string of `len` bytes of UTF-8; `circlet_executor_next` tells what comes of it. `options` may be NULL.
 *
 * Returns 0, or 1 where a new session runs it, whose descriptor is another; CIRCLET_BUSY while a run is under way, which is until its
 * end was fetched; CIRCLET_TOO_LARGE; and what `circlet_executor_new` returns, where the last session has ended.
 *
 * # Safety
 * `executor` is NULL or an executor; `code` leads to `len` bytes; `options` is NULL or leads to as many bytes as it says.
 */
int32_t circlet_executor_begin(const struct circlet_executor *executor,
                               const void *code,
                               uint64_t len,
                               const struct circlet_run_options *options);

/**
 * Begins a heap snapshot as `circlet_executor_begin` does a run, between two of them: its outcome has for its value what
 * `circlet_pool_heap_snapshot` gives. `options` may be NULL for the defaults; after `within_ms` it is interrupted as a run.
 *
 * Returns as `circlet_executor_begin`.
 *
 * # Safety
 * `executor` is NULL or an executor; `options` is NULL or leads to as many bytes as it says, and its file is NULL or a string.
 */
int32_t circlet_executor_begin_heap_snapshot(const struct circlet_executor *executor,
                                             const struct circlet_heap_options *options);

/**
 * Waits for what comes next of the run that is under way, and returns its kind, CIRCLET_EVENT_OUTPUT to CIRCLET_EVENT_FAILURE, of
 * which the last two end the run; 0 where no run is under way, or CIRCLET_TIMED_OUT.
 *
 * `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. `circlet_executor_wake` ends it before.
 *
 * # Safety
 * `executor` is NULL or an executor; `event` is NULL or has room for one.
 */
int32_t circlet_executor_next(const struct circlet_executor *executor,
                              double timeout_ms,
                              struct circlet_event *event);

/**
 * Takes the bytes of the event that was fetched last out of the executor: those of the value where it has some, else the body.
 * They stay where the event says, until `circlet_block_free`.
 *
 * Returns 0. The caller owns `*block`.
 *
 * # Safety
 * `executor` is NULL or an executor; `block` is NULL or has room for a pointer.
 */
int32_t circlet_executor_take(const struct circlet_executor *executor,
                              struct circlet_block **block);

/**
 * Ends a block. NULL is fine.
 *
 * # Safety
 * `block` is NULL or a block that nobody uses any more.
 */
void circlet_block_free(struct circlet_block *block);

/**
 * Sends bytes to the code, which takes them by `circlet.session.receive()`. Does not wait: what finds no room is copied, and sent
 * while somebody is in `circlet_executor_next`, and before the next run.
 *
 * Returns 0, CIRCLET_TOO_LARGE above 1 GiB, or CIRCLET_WORKER_DIED where the session has ended.
 *
 * # Safety
 * `executor` is NULL or an executor; `data` leads to `len` bytes, or is NULL if `len` is 0.
 */
int32_t circlet_executor_send(const struct circlet_executor *executor,
                              const void *data,
                              uint64_t len);

/**
 * Gives the code the line of `len` bytes of UTF-8 that it asked for, without a newline; NULL for the end of its input. Waits as
 * little as `circlet_executor_send`, and returns what that returns.
 *
 * # Safety
 * `executor` is NULL or an executor; `line` is NULL or leads to `len` bytes.
 */
int32_t circlet_executor_answer(const struct circlet_executor *executor,
                                const char *line,
                                uint64_t len);

/**
 * Makes a descriptor for an event loop, which becomes readable when there may be an event, after `circlet_executor_arm` has asked for
 * that. It is of the session that there is: `circlet_executor_begin` says when there is another.
 *
 * Returns 0, or CIRCLET_OS where there are no more descriptors. The caller owns `*fd` and closes it; what is read from it means
 * nothing, and may be read away or left to `circlet_executor_arm`.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says.
 */
int32_t circlet_executor_fd(const struct circlet_executor *executor,
                            int32_t *fd);

/**
 * Asks for the notice of `circlet_executor_fd`, which is given once: so fetch until nothing is left, arm, and wait only after a 0.
 *
 * Returns 1 where there is no need to wait, as an event is there or no run is under way; 0 where the descriptor tells when to look
 * again; 2 where it does so too, and bytes that were sent have found no room: call `circlet_executor_next` in a millisecond.
 *
 * # Safety
 * `executor` is NULL or an executor.
 */
int32_t circlet_executor_arm(const struct circlet_executor *executor);

/**
 * Starts a fork server, which keeps `options->ready` sessions ready (1 for 0), and waits until it can make them. `options` may be NULL
 * for the defaults.
 *
 * Returns as `circlet_executor_new`. The caller owns `*pool`.
 *
 * # Safety
 * As `circlet_executor_new`.
 */
int32_t circlet_session_pool_new(const struct circlet_executor_options *options,
                                 struct circlet_session_pool **pool);

/**
 * Opens an executor with a session of its own: one that is ready, else one that is forked now. It lives on without the pool's handle.
 * Returns as `circlet_executor_new`. The caller owns `*executor`.
 *
 * # Safety
 * `pool` is NULL or a pool; `executor` is NULL or has room for a pointer.
 */
int32_t circlet_session_pool_open(const struct circlet_session_pool *pool,
                                  struct circlet_executor **executor);

/**
 * Waits until as many sessions are ready as are to be kept, for `timeout_ms` at the most (below 0 for ever). Returns 0,
 * CIRCLET_TIMED_OUT, or why the last session could not be made.
 *
 * # Safety
 * `pool` is NULL or a pool.
 */
int32_t circlet_session_pool_wait(const struct circlet_session_pool *pool,
                                  double timeout_ms);

/**
 * Looks at every session: JSON with `pool` (how many are in which state) and `registry` (every session, by name), as the
 * `worker_threads` of a session payload. The caller owns `*snapshot`.
 *
 * # Safety
 * `pool` is NULL or a pool; `snapshot` is NULL or has room for a pointer.
 */
int32_t circlet_session_pool_snapshot(const struct circlet_session_pool *pool,
                                      struct circlet_text **snapshot);

/**
 * Ends a pool's handle, and with the last executor of its all of its processes. NULL is fine.
 *
 * # Safety
 * `pool` is NULL or a pool that nobody uses any more.
 */
void circlet_session_pool_free(struct circlet_session_pool *pool);

/**
 * Opens a session's side from the descriptors that its supervisor passed on. They belong to it from then on, also if this
 * fails. Returns 0 or what the descriptors are not. The caller owns `*shell`.
 *
 * # Safety
 * The descriptors are open and nobody else's; `shell` is NULL or has room for a pointer.
 */
int32_t circlet_shell_new(int32_t requests,
                          int32_t answers,
                          int32_t words,
                          int32_t bell,
                          struct circlet_shell **shell);

/**
 * Says that the session can take requests: once, before the first. Returns 0, or 1 where the supervisor wants to know which
 * code asks it something, by circlet_shell_report; or CIRCLET_CLOSED, CIRCLET_PEER_DIED.
 *
 * # Safety
 * `shell` is NULL or a shell.
 */
int32_t circlet_shell_ready(const struct circlet_shell *shell);

/**
 * Says which code is about to do something in this thread: what it does, such as `open`, the file of the code, and the line in
 * it. Of long names a part is kept. Returns 0.
 *
 * # Safety
 * `shell` is NULL or a shell; `event` and `file` are NULL or strings.
 */
int32_t circlet_shell_report(const struct circlet_shell *shell,
                             const char *event,
                             const char *file,
                             uint32_t line);

/**
 * Waits for the next request, and returns its kind: 1 a run, 2 bytes for the code, 3 a line for it, 4 a heap snapshot that is
 * wanted. CIRCLET_CLOSED and CIRCLET_PEER_DIED are the end of the session. The bytes stay until this thread takes another.
 *
 * # Safety
 * `shell` is NULL or a shell; `taken` is NULL or has room for a request.
 */
int32_t circlet_shell_next(const struct circlet_shell *shell,
                           struct circlet_request *taken);

/**
 * Waits for the next run, or heap snapshot that is wanted, and returns its kind, as [`circlet_shell_next`]: what else comes is
 * kept for those who take it.
 *
 * # Safety
 * As [`circlet_shell_next`].
 */
int32_t circlet_shell_begin(const struct circlet_shell *shell,
                            struct circlet_request *taken);

/**
 * As [`circlet_shell_next`], of some kinds alone: `kinds` has the bit `1 << kind` set for each. Others are kept for those who
 * take them. After `timeout_ms` (below 0 never) it returns CIRCLET_TIMED_OUT, or before. Any thread may take requests.
 *
 * # Safety
 * As [`circlet_shell_next`].
 */
int32_t circlet_shell_take(const struct circlet_shell *shell,
                           uint32_t kinds,
                           double timeout_ms,
                           struct circlet_request *taken);

/**
 * Returns the doorbell of the requests: a descriptor that becomes readable when one may have come since circlet_shell_arm, or an
 * error. The caller owns it and closes it; what is read from it means nothing.
 *
 * # Safety
 * `shell` is NULL or a shell.
 */
int32_t circlet_shell_fd(const struct circlet_shell *shell);

/**
 * Asks for the doorbell. Returns 1 where there is no need to wait: there is a request, or the end of the session, which
 * circlet_shell_take tells of; 0 where the descriptor tells when to look again.
 *
 * # Safety
 * `shell` is NULL or a shell.
 */
int32_t circlet_shell_arm(const struct circlet_shell *shell);

/**
 * Sends a frame of the run that is under way, of a kind that `docs/protocol.md` names; an outcome (2) ends the run. Waits
 * for room.
 *
 * # Safety
 * `shell` is NULL or a shell; `body` leads to `len` bytes, or is NULL if `len` is 0.
 */
int32_t circlet_shell_answer(const struct circlet_shell *shell,
                             int32_t kind,
                             const void *body,
                             uint64_t len);

/**
 * Prints to standard output (1) or error (2): to the run that is under way, else to the descriptor. Waits for room.
 *
 * # Safety
 * As [`circlet_shell_answer`].
 */
int32_t circlet_shell_print(const struct circlet_shell *shell,
                            int32_t stream,
                            const void *body,
                            uint64_t len);

/**
 * Tells whether the run that is under way is to stop: 1 or 0. It costs two loads from memory.
 *
 * # Safety
 * `shell` is NULL or a shell.
 */
int32_t circlet_shell_stopped(const struct circlet_shell *shell);

/**
 * Returns the number of the run that was last asked to stop, which may be over: its signal is on the way, or has come. 0 for none.
 *
 * # Safety
 * `shell` is NULL or a shell.
 */
uint32_t circlet_shell_last_stopped(const struct circlet_shell *shell);

/**
 * Makes the `write` of a stream (1 or 2) of Python: a built-in function that takes a `str`. It is for a process in which
 * Python runs, whose lock the caller has. Returns a new reference, or NULL with the exception set, or without one where this
 * is no Python.
 *
 * # Safety
 * `shell` is a shell that nobody ends before the process.
 */
void *circlet_shell_writer(const struct circlet_shell *shell,
                           int32_t stream);

/**
 * As [`circlet_shell_take`] of one kind, for a process in which Python runs, whose lock the caller has: it waits without that.
 * Returns a new reference: the request's bytes as `bytes`, copied once from the ring to there, or a status as `int`
 * (CIRCLET_TIMED_OUT, CIRCLET_CLOSED, CIRCLET_PEER_DIED); or NULL, with the exception set where this is Python.
 *
 * # Safety
 * `shell` is a shell that nobody ends before the process.
 */
void *circlet_shell_receive(const struct circlet_shell *shell,
                            int32_t kind,
                            double timeout_ms);

/**
 * Ends a session's side. NULL is fine.
 *
 * # Safety
 * `shell` is NULL or a shell that nobody uses any more.
 */
void circlet_shell_free(struct circlet_shell *shell);

/**
 * Says to the supervisor at the other end of a socket that orders to fork can come. Returns 0 or CIRCLET_OS.
 *
 * # Safety
 * `socket` is open.
 */
int32_t circlet_fork_server_ready(int32_t socket);

/**
 * Takes orders from the supervisor, and forks a process for each: returns 1 in the forked ones, which have the supervisor for
 * their parent and are prepared by then, and 0 in the server when there is no supervisor any more. The socket is closed by then.
 *
 * `before`, `parent` and `child` are what the language does around a fork, such as `PyOS_BeforeFork`,
 * `PyOS_AfterFork_Parent` and `PyOS_AfterFork_Child`, whose lock the caller has.
 *
 * # Safety
 * The process has one thread, `socket` is open and nobody else's, the functions are the language's own, and `forked` is NULL or
 * has room for one.
 */
int32_t circlet_fork_server_next(int32_t socket,
                                 void (*before)(void),
                                 void (*parent)(void),
                                 void (*child)(void),
                                 struct circlet_forked *forked);

/**
 * Opens a worker's side from the descriptors that its supervisor passed on: requests, answers, claims, ports. They belong to the
 * worker from then on, also if this fails.
 *
 * Returns 0 or what the descriptors are not. The caller owns `*worker`.
 *
 * # Safety
 * The descriptors are open and nobody else's; `worker` is NULL or has room for a pointer.
 */
int32_t circlet_worker_new(int32_t requests,
                           int32_t answers,
                           int32_t claims,
                           int32_t ports,
                           struct circlet_worker **worker);

/**
 * Says that the worker can take calls: once, before the first. Returns 0 or CIRCLET_CLOSED, CIRCLET_PEER_DIED.
 *
 * # Safety
 * `worker` is NULL or a worker.
 */
int32_t circlet_worker_ready(const struct circlet_worker *worker);

/**
 * Takes the next call, which is to be answered. Returns 1; 0 where there is none and `waits` is 0, which looks for a
 * moment: the supervisor then sends a byte over the worker's standard input when there is one.
 *
 * CIRCLET_CLOSED and CIRCLET_PEER_DIED are the end of the worker.
 *
 * # Safety
 * `worker` is NULL or a worker; `taken` is NULL or has room for a call.
 */
int32_t circlet_worker_next(const struct circlet_worker *worker,
                            int32_t waits,
                            struct circlet_call *taken);

/**
 * Answers the call that was taken: `status` 0 with the value, in the call's codec; 1 with what was raised, JSON of `type`,
 * `message` and `traceback`; 2 where it gave in to an abort. Waits for room in the ring.
 *
 * # Safety
 * `worker` is NULL or a worker; `body` leads to `len` bytes, or is NULL if `len` is 0.
 */
int32_t circlet_worker_answer(const struct circlet_worker *worker,
                              uint32_t status,
                              const void *body,
                              uint64_t len);

/**
 * Tells whether the call that runs was asked to stop: 1 or 0. It costs two loads from memory.
 *
 * # Safety
 * `worker` is NULL or a worker.
 */
int32_t circlet_worker_aborted(const struct circlet_worker *worker);

/**
 * Returns the source of a module of the Python package, such as "circlet.ring", as this library knows it: a static string,
 * or NULL for a module that there is not.
 *
 * # Safety
 * `name` is NULL or a string.
 */
const char *circlet_worker_source(const char *name);

/**
 * Ends a worker's side. NULL is fine.
 *
 * # Safety
 * `worker` is NULL or a worker that nobody uses any more.
 */
void circlet_worker_free(struct circlet_worker *worker);

/**
 * Waits until this worker may have a port of its pool, and takes it. Any thread; of several, one at a time is served.
 *
 * `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns CIRCLET_PRODUCER or CIRCLET_CONSUMER, the side
 * that `*ring` has, and has alone; CIRCLET_TIMED_OUT; CIRCLET_NOT_FOUND for a port that is closed or that there is not;
 * CIRCLET_BUSY where this worker has it already. The caller owns `*ring`, and gives the port back before the call that runs is
 * answered.
 *
 * # Safety
 * `worker` is NULL or a worker; `ring` is NULL or has room for a pointer.
 */
int32_t circlet_worker_port(const struct circlet_worker *worker,
                            uint32_t port,
                            double timeout_ms,
                            struct circlet_ring **ring);

/**
 * Gives a port back: lets go of the side that the ring has, and of the port. The handle stays, and is closed by
 * `circlet_ring_close`; NULL where that was done already. What was received and not released comes again for the next.
 *
 * Returns 0, or CIRCLET_BUSY while another thread is inside the ring.
 *
 * # Safety
 * Each pointer is NULL or leads to what its type says; no frame of the ring is used any more.
 */
int32_t circlet_worker_port_back(const struct circlet_worker *worker,
                                 uint32_t port,
                                 const struct circlet_ring *ring);

/**
 * Hands a port that this worker uses to another (CIRCLET_ANY_WORKER: to whichever asks), once it is given back.
 *
 * Returns 0, or CIRCLET_NOT_FOUND where there is no such port or worker.
 *
 * # Safety
 * `worker` is NULL or a worker.
 */
int32_t circlet_worker_port_transfer(const struct circlet_worker *worker,
                                     uint32_t port,
                                     uint32_t to);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CIRCLET_H */

/* What the layout and the structs rest on. */
#if defined(__cplusplus)
#define CIRCLET_ASSERT(condition, message) static_assert(condition, message)
#else
#define CIRCLET_ASSERT(condition, message) _Static_assert(condition, message)
#endif
CIRCLET_ASSERT(CIRCLET_LAYOUT_DATA % 8 == 4, "payloads are aligned to 8");
CIRCLET_ASSERT(CIRCLET_LAYOUT_HEAD / 128 != CIRCLET_LAYOUT_TAIL / 128, "two sides never write one line");
CIRCLET_ASSERT(sizeof(circlet_ring_options) == 32 + sizeof(void *), "circlet_ring_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_ring_stats) == 112, "circlet_ring_stats has 112 bytes");
CIRCLET_ASSERT(sizeof(circlet_completion) == 16, "circlet_completion has 16 bytes");
CIRCLET_ASSERT(sizeof(circlet_port) == 24, "circlet_port has 24 bytes");
CIRCLET_ASSERT(sizeof(circlet_pool_options) == 64 + 2 * sizeof(void *), "circlet_pool_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_process_options) == 64 + 5 * sizeof(void *), "circlet_process_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_executor_options) == 72 + 6 * sizeof(void *), "circlet_executor_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_run_options) == 16, "circlet_run_options has 16 bytes");
CIRCLET_ASSERT(sizeof(circlet_event) == 32 + 2 * sizeof(void *), "circlet_event has no padding");
CIRCLET_ASSERT(sizeof(circlet_heap_options) == 24 + sizeof(void *), "circlet_heap_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_answer) == 24 + sizeof(void *), "circlet_answer has no padding");
CIRCLET_ASSERT(sizeof(circlet_job_options) == 40 + sizeof(void *), "circlet_job_options has no padding");
CIRCLET_ASSERT(sizeof(circlet_column) == 16 + 2 * sizeof(void *), "circlet_column has no padding");
CIRCLET_ASSERT(sizeof(circlet_frame) == 8 + sizeof(void *), "circlet_frame has no padding");
#undef CIRCLET_ASSERT
