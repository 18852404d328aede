//! Functions of Python modules, called in worker processes that come and go with the calls.

use std::time::Duration;

use circlet::exec::{Call, Limits, Workers};
use circlet::pool::Failure;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::new().memory(256 << 20);
    let pool = Workers::python().min(0).max(2).limits(limits).build()?;

    let root = pool.submit(Call::new("math:sqrt", &json!([2])))?;
    let process =
        pool.submit(Call::new("os:getpid", &json!([])).deadline(Duration::from_secs(10)))?.wait()?;
    if std::env::args().any(|argument| argument == "--wait") {
        // For whoever wants to see what is left when this is killed.
        println!("{process}");
        pool.submit(Call::new("time:sleep", &json!([3600])))?.wait()?;
    }
    println!("{}", root.wait()?);

    let crash = pool.submit(Call::new("os:_exit", &json!([3])))?.wait();
    assert!(matches!(crash, Err(Failure::Crashed { exit_code: Some(3), .. })));
    let batch = pool.submit_batch((0..1000).map(|n| Call::new("operator:neg", &json!([n])).idempotent()))?;
    let sum: i64 = batch
        .into_iter()
        .map(|handle| Ok(handle.wait()?.as_i64().unwrap_or(0)))
        .sum::<Result<_, Failure>>()?;
    println!("{sum}");
    pool.close()?;
    Ok(())
}
