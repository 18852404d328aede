//! A live hub under load: what it costs and how fast it is, beside other servers in the same run.
//!
//! `cargo bench --features hub --bench hub -- [OPTION...]`; `--help` has the options. Each peer is a server process of its own on
//! loopback, and all are asked for the same by the same viewers: raw WebSockets on one thread of this program, which read what comes and
//! keep next to nothing of it. The servers make the frames themselves, each with the time of CLOCK_MONOTONIC in it, so that what is
//! timed goes from the server's event to the viewer's read. The viewers share the machine with the server: where their own processor time,
//! which is told, comes near to the whole, the latencies are theirs. Medians of the rounds, with the order of the peers rotated.
//! npm's packages are installed under the target folder. Linux, two cores that nothing else uses.

#[cfg(target_os = "linux")]
mod circlet;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod frames;
#[cfg(target_os = "linux")]
mod meter;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod protocol;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod serve;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod slow;
#[cfg(target_os = "linux")]
mod system;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod viewer;
#[cfg(target_os = "linux")]
mod websocket;

#[cfg(target_os = "linux")]
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
