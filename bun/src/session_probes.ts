/** What Bun alone knows of itself, for session payloads. */

import { isBuiltin } from "node:module";
import { arch, release, type } from "node:os";
import { EventLoop, microseconds } from "./session_guest.mjs";

/** The modules of Node that its documentation lists as stable or nearly so. */
const NODE_MODULES =
  "assert async_hooks buffer child_process cluster console crypto dgram diagnostics_channel dns domain events fs http http2 https " +
  "inspector module net os path perf_hooks process punycode querystring readline repl sea sqlite stream string_decoder test " +
  "timers tls trace_events tty url util v8 vm wasi worker_threads zlib";

/** A module of WebAssembly with one function, which returns a vector: an engine with vector instructions has it valid. */
const VECTOR_MODULE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // One type: nothing to v128. One function, of that type. Its code: v128.const 0.
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 22, 1, 20, 0, 0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b],
);

const FLAGS = ["smol", "bun", "inspect", "hot", "watch"] as const;

/** What of the payload Bun says, but for the interfaces in use and the workers. */
export class Probes {
  readonly #loop = new EventLoop();
  readonly #constant = constants();

  /** Returns the sections as they are now; what is not known is absent. */
  look(): Record<string, unknown> {
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    const { lag_us, lag_longest_us } = this.#loop.look();
    const { bun, ...others } = this.#constant;
    const memory = { heap_bytes: heapUsed, external_bytes: external, array_buffers_bytes: arrayBuffers };
    return {
      ...others,
      bun: {
        ...bun,
        performance: { ...bun.performance, memory },
        resources: { event_loop_lag_us: lag_us, event_loop_lag_longest_us: lag_longest_us },
      },
    };
  }

  /** Looks no more. */
  end(): void {
    this.#loop.end();
  }
}

/** Names the runtime and the platform in one line. */
export function userAgent(): string {
  return `Bun/${Bun.version} (${type()}/${release()}; ${arch().toUpperCase()})`;
}

function constants() {
  const features: object = process.features;
  const has = (feature: string) => Object.entries(features).some(([name, value]) => name === feature && value === true);
  return {
    unavailable: { "bun.performance.gc": "Bun tells nothing of its collections" },
    metadata: {
      bun: {
        version: Bun.version,
        revision: Bun.revision,
        fingerprint: `fp-bun-${Bun.version}-${process.platform}-${process.arch}`,
        features: {
          jsc: process.versions["webkit"] !== undefined,
          http2: isBuiltin("node:http2"),
          boringssl: has("openssl_is_boringssl"),
          webcrypto: typeof crypto === "object" && crypto.subtle !== undefined,
        },
        build: {
          arch: process.arch,
          platform: process.platform,
          is_debug: has("debug"),
          simd: WebAssembly.validate(VECTOR_MODULE),
        },
      },
    },
    bun: {
      performance: { startup_us: microseconds(performance.now()) },
      flags: Object.fromEntries(FLAGS.map((flag) => [flag, isOn(flag)])),
    },
    node_compat: {
      enabled: true,
      // How well one works that is there is nothing that Bun tells.
      apis: NODE_MODULES.split(" ")
        .map((name) => `node:${name}`)
        .map((name) => (isBuiltin(name) ? { name } : { name, status: "missing" })),
    },
  };
}

function isOn(flag: string): boolean {
  const isFlag = new RegExp(`^--${flag}(-brk|-wait)?(=|$)`);
  return process.execArgv.some((argument) => isFlag.test(argument));
}
