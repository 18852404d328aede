/** The C library: where it is found, and the one table of its functions. */

import { closeSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { dlopen, suffix, type FFIFunction, type Pointer } from "bun:ffi";
import { CircletError, errorOf } from "./errors.ts";

/** The major ABI version that this package is written for. */
export const ABI_MAJOR = 1;
/** The layout version of shared memory that this package is written for. */
export const LAYOUT_VERSION = 1;

/**
 * What each function takes and returns. A `ptr` argument takes a typed array as it stands, which keeps it alive during
 * the call; an address taken beforehand would go stale when the array moves out of the JavaScript heap.
 */
export const SIGNATURES = {
  circlet_version: { args: [], returns: "cstring" },
  circlet_abi_version: { args: [], returns: "u32" },
  circlet_layout_version: { args: [], returns: "u32" },
  circlet_status_str: { args: ["i32"], returns: "cstring" },
  circlet_last_error: { args: ["ptr", "u32"], returns: "i32" },
  circlet_ring_create: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_ring_open: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_ring_anonymous: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_ring_from_fd: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  circlet_ring_export_fd: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_ring_close: { args: ["ptr"], returns: "void" },
  circlet_ring_unlink: { args: ["ptr"], returns: "i32" },
  circlet_ring_attach: { args: ["ptr", "i32"], returns: "i32" },
  circlet_ring_detach: { args: ["ptr", "i32"], returns: "i32" },
  circlet_ring_set_spin: { args: ["ptr", "i32", "f64"], returns: "i32" },
  circlet_ring_set_overflow: { args: ["ptr", "u32"], returns: "i32" },
  circlet_ring_fd: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  circlet_ring_arm: { args: ["ptr", "i32", "u32"], returns: "i32" },
  circlet_ring_send: { args: ["ptr", "ptr", "u32", "f64"], returns: "i32" },
  circlet_ring_send_part: { args: ["ptr", "ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_ring_send_many: { args: ["ptr", "ptr", "ptr", "u32", "f64"], returns: "i32" },
  circlet_ring_claim: { args: ["ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_ring_commit: { args: ["ptr", "u32"], returns: "i32" },
  circlet_ring_abort: { args: ["ptr"], returns: "i32" },
  circlet_ring_recv: { args: ["ptr", "f64", "ptr"], returns: "i32" },
  circlet_ring_recv_many: { args: ["ptr", "ptr", "u32", "f64"], returns: "i32" },
  circlet_ring_release: { args: ["ptr"], returns: "i32" },
  circlet_ring_missed: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_ring_schema: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_ring_memory: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_ring_get_stats: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_port_open: { args: ["ptr", "ptr", "i32", "ptr"], returns: "i32" },
  circlet_pool_port_transfer: { args: ["ptr", "u32", "u32"], returns: "i32" },
  circlet_pool_port_close: { args: ["ptr", "u32"], returns: "i32" },
  circlet_pool_ports: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_worker_port: { args: ["ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_worker_port_back: { args: ["ptr", "u32", "ptr"], returns: "i32" },
  circlet_worker_port_transfer: { args: ["ptr", "u32", "u32"], returns: "i32" },
  circlet_page_create: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  circlet_page_open: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_page_anonymous: { args: ["u32", "ptr", "ptr"], returns: "i32" },
  circlet_page_from_fd: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  circlet_page_export_fd: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_page_close: { args: ["ptr"], returns: "void" },
  circlet_page_write: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_page_read: { args: ["ptr", "f64", "ptr", "ptr"], returns: "i32" },
  circlet_page_fd: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_page_arm: { args: ["ptr"], returns: "i32" },
  circlet_text_data: { args: ["ptr"], returns: "cstring" },
  circlet_text_free: { args: ["ptr"], returns: "void" },
  circlet_curve_new: { args: ["ptr", "ptr", "u32", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_new_segments: { args: ["u32", "ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_new_fit: { args: ["u32", "ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_curve_new_svg: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_curve_free: { args: ["ptr"], returns: "void" },
  circlet_curve_dimensions: { args: ["ptr"], returns: "i32" },
  circlet_curve_domain: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_curve_knots: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_curve_segments: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  circlet_curve_eval: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_eval_f32: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_eval_columns: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_derivative: { args: ["ptr", "u32", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_derivative_f32: { args: ["ptr", "u32", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_sample: { args: ["ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_sample_f32: { args: ["ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_sample_columns: { args: ["ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_batch_sample: { args: ["ptr", "u32", "u32", "ptr"], returns: "i32" },
  circlet_curve_batch_sample_f32: { args: ["ptr", "u32", "u32", "ptr"], returns: "i32" },
  circlet_curve_bounds: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_curve_tangent: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_normal: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_curvature: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  circlet_curve_length: { args: ["ptr", "f64", "ptr"], returns: "i32" },
  circlet_curve_length_to: { args: ["ptr", "ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_curve_parameter_at_length: { args: ["ptr", "ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_curve_sample_by_length: { args: ["ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_curve_split: { args: ["ptr", "f64", "ptr", "ptr"], returns: "i32" },
  circlet_curve_subcurve: { args: ["ptr", "f64", "f64", "ptr"], returns: "i32" },
  circlet_curve_reversed: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_curve_concat: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_curve_nearest: { args: ["ptr", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
  circlet_curve_intersections: { args: ["ptr", "ptr", "f64", "ptr", "u32"], returns: "i32" },
  circlet_curve_flatten: { args: ["ptr", "f64", "ptr", "u32"], returns: "i32" },
  circlet_curve_flatten_fewest: { args: ["ptr", "f64", "ptr", "u32"], returns: "i32" },
  circlet_curve_flatten_scaled: { args: ["ptr", "f64", "f64", "ptr", "u32"], returns: "i32" },
  circlet_curve_offset: { args: ["ptr", "f64", "f64", "ptr", "u32"], returns: "i32" },
  circlet_curve_to_svg: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_curve_fit_to_box: { args: ["ptr", "ptr", "i32", "ptr", "ptr"], returns: "i32" },
  circlet_curve_transform: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_simplify: { args: ["u32", "ptr", "u32", "f64", "ptr", "u32"], returns: "i32" },
  circlet_pool_new: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_drain: { args: ["ptr", "f64"], returns: "i32" },
  circlet_pool_close: { args: ["ptr"], returns: "i32" },
  circlet_pool_snapshot: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_free: { args: ["ptr"], returns: "void" },
  circlet_pool_submit: { args: ["ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_pool_submit_many: { args: ["ptr", "ptr", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
  circlet_pool_submit_curves: { args: ["ptr", "ptr", "u32", "u32", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_pool_submit_curves_f32: { args: ["ptr", "ptr", "u32", "u32", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_pool_abort: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_call: { args: ["ptr", "ptr", "u32", "ptr", "u64", "ptr", "ptr"], returns: "i32" },
  circlet_pool_answers: { args: ["ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_answers_free: { args: ["ptr"], returns: "void" },
  circlet_pool_output: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_heap_submit: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  circlet_pool_next_many: { args: ["ptr", "ptr", "u32", "f64"], returns: "i32" },
  circlet_pool_failure: { args: ["ptr", "ptr", "ptr", "u32"], returns: "i32" },
  circlet_executor_new: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_executor_begin: { args: ["ptr", "ptr", "u64", "ptr"], returns: "i32" },
  circlet_executor_begin_heap_snapshot: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_executor_next: { args: ["ptr", "f64", "ptr"], returns: "i32" },
  circlet_executor_send: { args: ["ptr", "ptr", "u64"], returns: "i32" },
  circlet_executor_answer: { args: ["ptr", "ptr", "u64"], returns: "i32" },
  circlet_executor_interrupt: { args: ["ptr"], returns: "i32" },
  circlet_executor_kill: { args: ["ptr"], returns: "i32" },
  circlet_executor_restart: { args: ["ptr"], returns: "i32" },
  circlet_executor_process_id: { args: ["ptr"], returns: "i32" },
  circlet_executor_fd: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_executor_arm: { args: ["ptr"], returns: "i32" },
  circlet_executor_free: { args: ["ptr"], returns: "void" },
  circlet_session_pool_new: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_session_pool_open: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_session_pool_wait: { args: ["ptr", "f64"], returns: "i32" },
  circlet_session_pool_snapshot: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_session_pool_free: { args: ["ptr"], returns: "void" },
  circlet_session_summary: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_session_summary_within: { args: ["ptr", "u64", "ptr"], returns: "i32" },
  circlet_tracker_start: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_patch: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_log_api_usage: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_register_worker: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_update_worker: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_measured: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_snapshot: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_history: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_wait_for_project: { args: ["ptr", "f64"], returns: "i32" },
  circlet_tracker_diff: { args: ["ptr", "u64", "ptr"], returns: "i32" },
  circlet_tracker_watch_ring: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_watch_pool: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_watch_executor: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_watch_session_pool: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_tracker_watch_hub: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_start: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_hub_addr: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_hub_set: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_set_columns: { args: ["ptr", "ptr", "ptr", "ptr", "u32"], returns: "i32" },
  circlet_hub_update: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_remove: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_emit: { args: ["ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_follow_ring: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_follow_session: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  circlet_hub_stats: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_hub_troubles: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_hub_stop: { args: ["ptr", "f64"], returns: "i32" },
  circlet_hub_free: { args: ["ptr"], returns: "void" },
  circlet_tracker_unwatch: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_session_read: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_tracker_free: { args: ["ptr"], returns: "void" },
  circlet_pool_fd: { args: ["ptr", "ptr"], returns: "i32" },
  circlet_pool_arm: { args: ["ptr"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

/** Returns where the library may be, in the order in which the places are tried. */
function candidates(): string[] {
  const given = process.env["CIRCLET_LIBRARY"];
  // Somebody who sets it means it: another library would not do.
  if (given) return [resolve(given)];
  const file = process.platform === "win32" ? "circlet.dll" : `libcirclet.${suffix}`;
  const here = import.meta.dir;
  // A checkout: bun/src lies beside target.
  const target = resolve(process.env["CARGO_TARGET_DIR"] || join(here, "../../target"));
  return [join(here, file), join(target, "release", file), join(target, "debug", file)];
}

function find(): string {
  const places = candidates();
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  const looked = places.map((place) => `\n  ${place}`).join("");
  throw new Error(
    `the circlet library was found in none of these places:${looked}\n` +
      "build it with `cargo clib`, or set CIRCLET_LIBRARY to its path",
  );
}

function load(found: string) {
  // The versions alone come first: a library of another ABI need not have the other functions.
  const { circlet_abi_version, circlet_layout_version } = SIGNATURES;
  const versions = open(found, { circlet_abi_version, circlet_layout_version });
  const abi = versions.circlet_abi_version() >>> 16;
  const layout = versions.circlet_layout_version();
  if (abi !== ABI_MAJOR || layout !== LAYOUT_VERSION) {
    throw new Error(
      `${found} has ABI ${abi} and layout ${layout}; this package needs ${ABI_MAJOR} and ${LAYOUT_VERSION}`,
    );
  }
  return open(found, SIGNATURES);
}

function open<Table extends Record<string, FFIFunction>>(path: string, table: Table) {
  try {
    return dlopen(path, table).symbols;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} is no circlet library, or older than this package: ${reason}`, { cause });
  }
}

/** Where the library was found. */
export const libraryPath = find();

/** The functions of the library. */
export const symbols = load(libraryPath);

/** What a submission returns that found no room. */
export const FULL = statusOf("CIRCLET_FULL");
/** A status that is waited for, and no error to the one who waits. */
export const EMPTY = statusOf("CIRCLET_EMPTY");
/** What a wait returns that found nothing. */
export const TIMED_OUT = statusOf("CIRCLET_TIMED_OUT");
/** The status behind the last frame. */
export const CLOSED = statusOf("CIRCLET_CLOSED");
/** What a reader gets that was overtaken, once. */
export const LAGGED = statusOf("CIRCLET_LAGGED");

/** Finds a status by its name, so that its number is written in the library alone. */
function statusOf(name: string): number {
  for (let status = -1; status > -1000; status--) {
    if (nameOf(status) === name) return status;
  }
  throw new Error(`the circlet library has no status ${name}`);
}

/** Returns the name of a status. */
export function nameOf(status: number): string {
  return symbols.circlet_status_str(status) ?? "";
}

/** Returns what a function returned, or throws what a negative status means. */
export function check(status: number): number {
  if (status < 0) throw failure(status);
  return status;
}

/** Makes the error of the call that has just returned `status`. */
export function failure(status: number): CircletError {
  const message = new Uint8Array(symbols.circlet_last_error(null, 0) + 1);
  symbols.circlet_last_error(message, message.length);
  return errorOf(nameOf(status), new TextDecoder().decode(message.subarray(0, -1)));
}

/** Calls a function that writes one descriptor, and returns the descriptor. */
export function descriptorFrom(call: (out: Int32Array) => number): number {
  const out = new Int32Array(1);
  check(call(out));
  return out[0]!;
}

/** Makes something for the one who owns a descriptor; closes the descriptor where that throws. */
export function owning<Made>(fd: number, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Calls a function that writes one handle, and returns the handle. */
export function handleFrom(call: (out: BigUint64Array) => number): Pointer {
  const out = new BigUint64Array(1);
  check(call(out));
  return addressAt(out, 0);
}

/** Calls a function that writes a text, and returns that. */
export function textFrom(call: (out: BigUint64Array) => number): string {
  const handle = handleFrom(call);
  try {
    return String(symbols.circlet_text_data(handle));
  } finally {
    symbols.circlet_text_free(handle);
  }
}

/** Reads an address: user space has at most 2^52 of them, which a number holds exactly. */
export function addressAt(words: BigUint64Array, index: number): Pointer {
  return Number(words[index]) as Pointer;
}
