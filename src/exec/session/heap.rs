//! What a session has on its heap.

use super::frames::request;
use super::{Outcome, RunOptions, Session};
use crate::exec::{Error, Exception, HeapOptions, HeapSnapshot};

impl Session {
    /// Says what the session has on its heap, between two runs. [`HeapOptions::within`] is a deadline as that of a run: the snapshot is
    /// interrupted then, and killed where that does not help.
    ///
    /// ```no_run
    /// use circlet::exec::{Executor, HeapOptions};
    ///
    /// let mut python = Executor::builder().start()?;
    /// python.heap_snapshot(&HeapOptions::new())?; // traces from here on
    /// python.run("kept = [bytes(1000) for _ in range(1000)]")?;
    /// let snapshot = python.heap_snapshot(&HeapOptions::new().stop())?;
    /// assert_eq!(snapshot.lines[0].file, "<run-2>");
    /// # Ok::<(), circlet::exec::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Running`] where a run is under way; [`Error::Raised`] where the session could not take it, as with a file that it cannot
    /// write; [`Error::TookTooLong`]; those of [`Session::next`].
    pub fn heap_snapshot(&mut self, options: &HeapOptions) -> Result<HeapSnapshot, Error> {
        let within = options.limit();
        self.begin_heap_snapshot(options)?;
        let Outcome { value, error, stopped, .. } = self.finish()?;
        if stopped.is_some() {
            return Err(Error::TookTooLong { within });
        }
        if let Some(raised) = error {
            let (kind, message, traceback) = (raised.kind, raised.message, raised.traceback);
            return Err(Error::Raised(Exception { kind, message, traceback, encoded: None }));
        }
        serde_json::from_value(value.unwrap_or_default())
            .map_err(|source| Error::Json { what: "the heap snapshot", source })
    }

    /// Begins a heap snapshot as [`Session::begin`] does a run: its outcome has it for its value, as [`HeapSnapshot`] serializes.
    ///
    /// # Errors
    /// Those of [`Session::begin`].
    pub fn begin_heap_snapshot(&mut self, options: &HeapOptions) -> Result<(), Error> {
        let run = RunOptions::new().within(options.limit());
        self.begin_request(request::HEAP, 0, &options.arguments(), run)
    }
}
