//! Where a session runs: the runtime, the process and the machine.

use super::section::section;

section! {
    /// Says where and in what the session runs.
    pub struct Metadata {
        /// Names the field of work, such as `perf-vis`.
        pub domain: Option<String>,
        /// Names what the session is limited to, such as `bun-native`.
        pub scope: Option<String>,
        /// Describes the Bun that runs the session; absent in any other runtime.
        pub bun: Option<BunRuntime>,
        /// Describes the process.
        pub env: Option<Env>,
        /// Describes the machine.
        pub platform: Option<Platform>,
    }
}

section! {
    /// Describes one Bun runtime.
    pub struct BunRuntime {
        /// Gives the version, such as `1.3.2`.
        pub version: Option<String>,
        /// Gives the revision, a date or a commit.
        pub revision: Option<String>,
        /// Names version, platform and architecture in one word.
        pub fingerprint: Option<String>,
        /// Says what the runtime was built with.
        pub features: Option<BunFeatures>,
        /// Says how the runtime was built.
        pub build: Option<BunBuild>,
    }
}

section! {
    /// Says what a Bun runtime has.
    pub struct BunFeatures {
        /// Says whether JavaScriptCore is the engine.
        pub jsc: Option<bool>,
        /// Says whether HTTP/2 is there.
        pub http2: Option<bool>,
        /// Says whether TLS comes from BoringSSL.
        pub boringssl: Option<bool>,
        /// Says whether the Web Crypto API is there.
        pub webcrypto: Option<bool>,
        /// Lists the experimental features in use.
        pub experimental: Option<Vec<String>>,
    }
}

section! {
    /// Says how a Bun runtime was built.
    pub struct BunBuild {
        /// Names the processor architecture, such as `arm64`.
        pub arch: Option<String>,
        /// Names the platform, such as `darwin`.
        pub platform: Option<String>,
        /// Says whether it is a debug build.
        pub is_debug: Option<bool>,
        /// Says whether it uses vector instructions.
        pub simd: Option<bool>,
    }
}

section! {
    /// Describes the process that the session runs in.
    pub struct Env {
        /// Names the session: `sess-`, the day it began (UTC), and a part that makes it unique.
        pub session: Option<String>,
        /// Gives the git commit that the session works on, as a hash of any length.
        pub head: Option<String>,
        /// Gives the age of the process, in milliseconds.
        pub uptime_ms: Option<u64>,
        /// Gives the id of the process.
        pub process_id: Option<u64>,
        /// Gives the id of the thread, as the runtime writes it.
        pub thread_id: Option<String>,
    }
}

section! {
    /// Describes the machine that the session runs on.
    pub struct Platform {
        /// Names the runtime and the platform in one line, such as `circlet/0.1.0 (Linux x86_64)`.
        pub useragent: Option<String>,
        /// Names the kernel and its release, as `uname -sr` does.
        pub os: Option<String>,
        /// Gives the kernel's release, as `uname -r` does.
        pub kernel: Option<String>,
        /// Names the processor's model.
        pub cpu: Option<String>,
        /// Counts the logical processors that are online, whether this process may use them or not.
        pub cpu_count: Option<u64>,
        /// Gives the machine's memory in bytes, whether this process may use it or not.
        pub memory_bytes: Option<u64>,
    }
}
