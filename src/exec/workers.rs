//! A pool of worker processes, as its users see it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::boots::Boots;
use super::crew::Crew;
use super::setup::{Functions, Output, Python, Setup};
use super::shift::Processes;
use super::{Call, Error, HeapOptions, HeapSnapshot, Limits, Refused, Stream, find_library, interpreter};
use crate::pool::{
    Builder, Completer, Handle, JobId, Overflow, Pool, PortId, PortRegistry, Snapshot, Statistics, Strategy,
    WorkerId,
};
use crate::ring::{Ring, Role};

/// How long a worker has to become ready unless the builder is told.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How long an aborted call has to give in before its worker is killed, unless the builder is told.
const GRACE: Duration = Duration::from_secs(1);

/// Worker processes that run functions by name, as many as the calls need, between the bounds that the builder was given.
///
/// It is a [`Pool`] whose jobs are [`Call`]s: handles, completions, priorities, keys, deadlines, overflow, strategies and
/// snapshots are the same. Calls that are short are sent to a worker ahead of their turn, and taken back when one before
/// them takes long. A worker that dies takes no call with it but the one that it ran, which fails as
/// [`Failure::Crashed`](crate::pool::Failure::Crashed) or, if it was called [idempotent](Call::idempotent), runs again.
///
/// Dropping it gives up what waits as [`Failure::Closed`](crate::pool::Failure::Closed). What runs has the
/// [grace](WorkersBuilder::grace) to end; then its worker is killed, and it ends as `Closed` too. [`Workers::close`] finishes
/// all of it before that.
///
/// ```no_run
/// use circlet::exec::{Call, Workers};
/// use serde_json::json;
///
/// let pool = Workers::python().max(4).build()?;
/// let root = pool.submit(Call::new("math:sqrt", &json!([2])))?;
/// assert_eq!(root.wait()?, json!(2_f64.sqrt()));
/// pool.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Workers {
    pool: Pool,
    crew: Arc<Crew>,
    grace: Duration,
}

impl Workers {
    /// Describes a pool of Python processes.
    pub fn python() -> WorkersBuilder {
        WorkersBuilder {
            pool: Pool::builder(),
            program: PathBuf::from("python3"),
            library: None,
            functions: Functions::Python(Python::default()),
            ready_within: READY_WITHIN,
            grace: GRACE,
            limits: Limits::new(),
            output: None,
        }
    }

    /// Describes a pool of Bun processes, whose functions are what a script exports, or what is in that (`a.b`). A function may
    /// return a promise. What it can ask about its call is in `circlet`: `aborted()`, and `signal`, an `AbortSignal`; one that
    /// throws an `AbortError` after an abort has given in.
    ///
    /// # Errors
    /// None here: that there is no such script is what the workers say, and calls fail with.
    pub fn bun(script: impl Into<PathBuf>) -> WorkersBuilder {
        let script = script.into();
        let script = std::path::absolute(&script).unwrap_or(script);
        WorkersBuilder { program: PathBuf::from("bun"), functions: Functions::Bun(script), ..Self::python() }
    }

    /// Returns the pool that the calls are jobs of.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the name that the threads' names begin with.
    pub fn name(&self) -> &str {
        self.pool.name()
    }

    /// Returns the number of workers that there are now, booting ones included.
    pub fn size(&self) -> usize {
        self.pool.size()
    }

    /// Submits a call. Where as many calls wait as may, it does what [`WorkersBuilder::overflow`] was given, which is to wait.
    ///
    /// # Errors
    /// [`Error::Json`], [`Error::FunctionName`], [`Error::CallTooLong`] for what cannot be sent; [`Error::Pool`] with
    /// [`crate::pool::Error::Closed`] or [`crate::pool::Error::Full`].
    pub fn submit<T: Send + 'static>(&self, call: Call<T>) -> Result<Handle<T>, Error> {
        Ok(self.pool.submit(call.into_job()?)?)
    }

    /// As [`Workers::submit`], but waits for room for at most `timeout`, whatever the builder was given.
    ///
    /// # Errors
    /// The call itself with the reason, which is one of those of [`Workers::submit`].
    pub fn submit_timeout<T: Send + 'static>(
        &self,
        call: Call<T>,
        timeout: Duration,
    ) -> Result<Handle<T>, Refused<T>> {
        call.checked(|job| self.pool.submit_timeout(job, timeout))
    }

    /// As [`Workers::submit`], but neither waits nor gives up another call.
    ///
    /// # Errors
    /// The call itself with the reason, which is one of those of [`Workers::submit`].
    pub fn try_submit<T: Send + 'static>(&self, call: Call<T>) -> Result<Handle<T>, Refused<T>> {
        call.checked(|job| self.pool.try_submit(job))
    }

    /// Submits many calls at once, and returns their handles in the same order.
    ///
    /// # Errors
    /// As [`Workers::submit`]: nothing is submitted if one of the calls cannot be sent; those before one that was refused stay
    /// submitted, without handles.
    pub fn submit_batch<T: Send + 'static>(
        &self,
        calls: impl IntoIterator<Item = Call<T>>,
    ) -> Result<Vec<Handle<T>>, Error> {
        let jobs = calls.into_iter().map(Call::into_job).collect::<Result<Vec<_>, _>>()?;
        Ok(self.pool.submit_batch(jobs)?)
    }

    /// Submits a call whose result goes into a line of [`completions`](crate::pool::completions()) instead of a handle.
    ///
    /// # Errors
    /// As [`Workers::submit`]; the line then learns nothing of the call.
    pub fn submit_to<T: Send + 'static>(
        &self,
        call: Call<T>,
        completer: &Completer<T>,
    ) -> Result<JobId, Error> {
        Ok(self.pool.submit_to(call.into_job()?, completer)?)
    }

    /// Aborts a call by its id, as [`Handle::abort`] does: one that runs finds a flag, is then interrupted (SIGINT, which
    /// Python raises as `KeyboardInterrupt`), and is killed with its worker if it has not ended within the
    /// [grace](WorkersBuilder::grace). `false` if no call of that id waits or runs.
    pub fn abort(&self, id: JobId) -> bool {
        self.pool.abort(id)
    }

    /// As [`Pool::open_port`]: a call takes the port as `circlet.job.port(id)` in Python, and in Bun as `jobPort(id)`. The ring goes
    /// to the worker as a descriptor.
    ///
    /// # Errors
    /// As [`Pool::open_port`].
    pub fn open_port(&self, ring: &Ring, role: Role) -> Result<PortId, Error> {
        Ok(self.pool.open_port(ring, role)?)
    }

    /// As [`Pool::transfer_port`].
    ///
    /// # Errors
    /// As [`Pool::transfer_port`].
    pub fn transfer_port(&self, port: PortId, to: Option<WorkerId>) -> Result<(), Error> {
        Ok(self.pool.transfer_port(port, to)?)
    }

    /// As [`Pool::close_port`].
    ///
    /// # Errors
    /// As [`Pool::close_port`].
    pub fn close_port(&self, port: PortId) -> Result<(), Error> {
        Ok(self.pool.close_port(port)?)
    }

    /// As [`Pool::ports`].
    pub fn ports(&self) -> PortRegistry {
        self.pool.ports()
    }

    /// Looks at every worker at one moment.
    pub fn snapshot(&self) -> Snapshot {
        self.pool.snapshot()
    }

    /// Asks a worker, named as in the registry of a snapshot, what it has on its heap: see [`HeapSnapshot`]. It looks between
    /// two calls, and calls that were sent to it ahead are done by others meanwhile. A worker that nobody asks traces nothing.
    ///
    /// # Errors
    /// [`Error::NoSuchWorker`], also of one that ends before it has looked; [`Error::NotTaken`] where a call runs for longer than
    /// [`HeapOptions::within`]; [`Error::Raised`] where the file could not be written; and what ended the worker.
    pub fn heap_snapshot(&self, worker: WorkerId, options: &HeapOptions) -> Result<HeapSnapshot, Error> {
        heap_snapshot(&self.crew, worker, options)
    }

    /// Returns what takes heap snapshots as [`Workers::heap_snapshot`] does, on any thread, and knows of no worker any more once
    /// this pool has ended.
    #[cfg(feature = "capi")]
    pub(crate) fn heap(
        &self,
    ) -> impl Fn(WorkerId, &HeapOptions) -> Result<HeapSnapshot, Error> + Send + use<> {
        let crew = self.crew.clone();
        move |worker, options| heap_snapshot(&crew, worker, options)
    }

    /// Returns the statistics of [`Workers::snapshot`] alone.
    pub fn statistics(&self) -> Statistics {
        self.pool.statistics()
    }

    /// As [`Pool::drain`].
    ///
    /// # Errors
    /// As [`Pool::drain`].
    pub fn drain(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.pool.drain(timeout)?)
    }

    /// As [`Pool::close`]: takes no more calls, finishes those that were submitted, and ends the workers. No process is left.
    ///
    /// # Errors
    /// As [`Pool::close`].
    pub fn close(&self) -> Result<(), Error> {
        Ok(self.pool.close()?)
    }
}

fn heap_snapshot(crew: &Crew, worker: WorkerId, options: &HeapOptions) -> Result<HeapSnapshot, Error> {
    let answer = crew.order(worker, ":heap_snapshot", &options.arguments(), options.limit())?;
    serde_json::from_slice(&answer).map_err(|source| Error::Json { what: "the heap snapshot", source })
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.crew.end(self.grace);
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("pool", &self.pool).finish()
    }
}

/// Describes a pool of worker processes, and builds it. Nothing starts before [`WorkersBuilder::build`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WorkersBuilder {
    pool: Builder,
    program: PathBuf,
    library: Option<PathBuf>,
    functions: Functions,
    ready_within: Duration,
    grace: Duration,
    limits: Limits,
    output: Option<Output>,
}

impl WorkersBuilder {
    /// Names the interpreter: a path, or a program on `PATH`. `python3` or `bun` without it. Of a script that
    /// looks for the interpreter, as pyenv has one in the place of `python3`, the first worker says where it led to
    /// (`sys.executable`), and those after it, in all pools of this process, are started there: such a script may take ten times
    /// as long as the interpreter's own start. A change of what it would lead to is not seen.
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Names the C library that the workers load; [`find_library`] looks for it without.
    pub fn library(self, path: impl Into<PathBuf>) -> Self {
        Self { library: Some(path.into()), ..self }
    }

    /// Adds a folder to look for modules in, before all others. Bun looks beside its script alone.
    pub fn module_path(mut self, folder: impl Into<PathBuf>) -> Self {
        if let Functions::Python(python) = &mut self.functions {
            python.folders.push(folder.into());
        }
        self
    }

    /// Names what stands for `__main__` in Python workers: the path of a script, or `-m` and a module's name, as in
    /// `-m package.module`. Where a call or its arguments need something of `__main__`, it is run for that, once in each
    /// worker, as `__mp_main__`: what is under `if __name__ == "__main__":` is not. Without it `__main__` is empty.
    pub fn main_module(mut self, main: impl Into<OsString>) -> Self {
        if let Functions::Python(python) = &mut self.functions {
            python.main = main.into();
        }
        self
    }

    /// Sets how long a worker has to become ready, 10 s without it.
    pub fn ready_within(self, time: Duration) -> Self {
        Self { ready_within: time, ..self }
    }

    /// Sets how long an aborted call that runs has to give in before its worker is killed, and how long one has to end when the
    /// pool is dropped; 1 s without it.
    pub fn grace(self, time: Duration) -> Self {
        Self { grace: time, ..self }
    }

    /// Sets who gets what the workers print, as it comes: the worker, which of its outputs, and the bytes. It is called on a
    /// thread of each worker, and the worker waits where it is slow. Without it, the last of standard error is kept for
    /// [`Crashed`](crate::pool::Failure::Crashed), as it is with it, and the rest is dropped.
    pub fn output(self, taker: impl Fn(WorkerId, Stream, &[u8]) + Send + Sync + 'static) -> Self {
        Self { output: Some(Output::new(taker)), ..self }
    }

    /// Sets what each worker may use before another takes its place: nothing is limited without it.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Takes everything that a pool of threads is described by.
    #[cfg(feature = "capi")]
    pub(crate) fn pool(self, pool: Builder) -> Self {
        Self { pool, ..self }
    }

    /// As [`Builder::workers`].
    pub fn workers(self, workers: usize) -> Self {
        Self { pool: self.pool.workers(workers), ..self }
    }

    /// As [`Builder::min`].
    pub fn min(self, min: usize) -> Self {
        Self { pool: self.pool.min(min), ..self }
    }

    /// As [`Builder::max`].
    pub fn max(self, max: usize) -> Self {
        Self { pool: self.pool.max(max), ..self }
    }

    /// As [`Builder::target_wait`].
    pub fn target_wait(self, time: Duration) -> Self {
        Self { pool: self.pool.target_wait(time), ..self }
    }

    /// As [`Builder::keep`].
    pub fn keep(self, time: Duration) -> Self {
        Self { pool: self.pool.keep(time), ..self }
    }

    /// As [`Builder::queue`].
    pub fn queue(self, calls: usize) -> Self {
        Self { pool: self.pool.queue(calls), ..self }
    }

    /// As [`Builder::overflow`].
    pub fn overflow(self, overflow: Overflow) -> Self {
        Self { pool: self.pool.overflow(overflow), ..self }
    }

    /// As [`Builder::strategy`].
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { pool: self.pool.strategy(strategy), ..self }
    }

    /// As [`Builder::window`].
    pub fn window(self, window: Duration) -> Self {
        Self { pool: self.pool.window(window), ..self }
    }

    /// As [`Builder::name`].
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { pool: self.pool.name(name), ..self }
    }

    /// Starts the fewest workers, and waits for none of them.
    ///
    /// # Errors
    /// [`Error::NoLibrary`]; [`Error::Pool`] for what no pool can be. That workers cannot boot is what calls then fail with,
    /// as [`NoWorker`](crate::pool::Failure::NoWorker).
    pub fn build(self) -> Result<Workers, Error> {
        let (crew, grace) = (Arc::<Crew>::default(), self.grace);
        let setup = Setup {
            functions: self.functions,
            shim: interpreter::shim(&self.program),
            program: self.program,
            library: find_library(self.library.as_deref())?,
            ready_within: self.ready_within,
            grace: self.grace,
            limits: self.limits,
            output: self.output,
        };
        Ok(Workers {
            pool: self.pool.build_of(Processes { setup, crew: crew.clone(), boots: Boots::new() })?,
            crew,
            grace,
        })
    }
}
