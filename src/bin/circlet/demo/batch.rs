//! The job of type `bezier_batch`: one path, flattened straight into the ring.

use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use circlet::curve::{self, Point, Rect, as_points_mut};
use circlet::pool::{self, Aborted, JobContext};
use circlet::ring::{self, Ring, Sender};
use circlet::shm::layout::SLOTS;
use crossbeam_channel::Receiver;

use super::drawing::Drawing;
use crate::failure::Failure;

/// A frame begins with the numbers of its path and its curve, two `u32`; points follow, two `f64` each.
const HEADER_BYTES: usize = 8;
/// How often a job that waits for room looks whether it still should.
const SLICE: Duration = Duration::from_millis(50);
/// How exactly the length of a curve is computed, in the units of the box.
const LENGTH_TOLERANCE: f64 = 1e-6;

/// What a job found out about its path.
#[derive(Debug)]
pub(super) struct Measured {
    /// The path's place in the drawing.
    pub(super) number: usize,
    /// Points written.
    pub(super) points: usize,
    /// Length of the curves, to within the tolerance above.
    pub(super) length: f64,
    /// Length of the lines between the points.
    pub(super) polyline: f64,
    /// Exact bounds of the curves; none for a path that draws nothing.
    pub(super) bounds: Option<Rect>,
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error("path {id:?} needs a frame of {bytes} bytes for its {points} points, and the ring takes at most {max}: give --capacity above {}, or a larger --tolerance", bytes.saturating_mul(2).saturating_add(7))]
    TooLarge { id: String, points: usize, bytes: usize, max: u32 },
    #[error(transparent)]
    Curve(#[from] curve::Error),
    #[error(transparent)]
    Ring(#[from] ring::Error),
    #[error(transparent)]
    Aborted(#[from] Aborted),
    #[error("the ring was closed before the job was done")]
    Closed,
}

/// Why not all jobs are done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The worker has gone, and knows better why.
    ReaderGone,
    /// Anything else.
    Own(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Own(failure)
    }
}

impl From<pool::Failure> for Trouble {
    fn from(failure: pool::Failure) -> Self {
        let cause = match &failure {
            pool::Failure::Error(error) => error.downcast_ref(),
            _ => None,
        };
        match cause {
            Some(BatchError::Ring(ring::Error::PeerDied | ring::Error::Closed)) => Self::ReaderGone,
            Some(BatchError::TooLarge { .. } | BatchError::Curve(_)) => Self::Own(Failure::input(failure)),
            _ => Self::Own(Failure::run(failure)),
        }
    }
}

/// The way into the ring: a producer for each of the pool's threads, as far as the ring takes so many.
#[derive(Debug)]
pub(super) struct Feed {
    idle: (crossbeam_channel::Sender<Sender>, Receiver<Sender>),
    max_frame: u32,
    tolerance: f64,
    stopped: AtomicBool,
}

impl Feed {
    pub(super) fn new(ring: &Ring, threads: usize, tolerance: f64) -> Result<Self, ring::Error> {
        let idle = crossbeam_channel::unbounded();
        for _ in 0..threads.clamp(1, SLOTS) {
            // The channel's other end is beside it.
            let _ = idle.0.send(ring.sender()?);
        }
        Ok(Self { idle, max_frame: ring.max_frame(), tolerance, stopped: AtomicBool::new(false) })
    }

    /// Tells the reader that no more points will come, once no job runs any more.
    pub(super) fn close(&self) {
        self.stop();
        while self.idle.1.try_recv().is_ok() {}
    }

    /// Has the jobs that wait for room, or for a producer, give up.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    fn check(&self) -> Result<(), BatchError> {
        if self.stopped.load(Relaxed) { Err(BatchError::Closed) } else { Ok(()) }
    }

    /// Borrows a producer for one frame.
    fn with_sender(
        &self,
        body: impl FnOnce(&mut Sender) -> Result<(), BatchError>,
    ) -> Result<(), BatchError> {
        let mut sender = loop {
            self.check()?;
            if let Ok(sender) = self.idle.1.recv_timeout(SLICE) {
                break sender;
            }
        };
        let done = body(&mut sender);
        let _ = self.idle.0.send(sender);
        done
    }

    /// Writes a frame of so many bytes in place, once it has room.
    fn write_frame(
        &self,
        bytes: usize,
        write: impl Fn(&mut [u8]) -> Result<(), BatchError>,
    ) -> Result<(), BatchError> {
        self.with_sender(|sender| {
            loop {
                match sender.claim_timeout(bytes, SLICE) {
                    Ok(mut claim) => {
                        write(&mut claim)?;
                        claim.commit();
                        return Ok(());
                    }
                    Err(ring::Error::TimedOut { .. }) => self.check()?,
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    /// Flattens a path into the ring, a frame for each of its curves.
    pub(super) fn write(
        &self,
        drawing: &Drawing,
        number: usize,
        context: &JobContext,
    ) -> Result<Measured, BatchError> {
        let path = &drawing.paths[number];
        let mut measured = Measured { number, points: 0, length: 0.0, polyline: 0.0, bounds: None };
        for (curve_number, curve) in path.curves.iter().enumerate() {
            context.check()?;
            let points = curve.flatten_count(self.tolerance)?;
            let bytes = points.saturating_mul(size_of::<Point>()).saturating_add(HEADER_BYTES);
            if bytes > self.max_frame as usize {
                return Err(BatchError::TooLarge { id: path.id.clone(), points, bytes, max: self.max_frame });
            }
            measured.length += curve.length(LENGTH_TOLERANCE)?;
            let bounds = curve.bounds();
            measured.bounds = Some(measured.bounds.map_or(bounds, |before| before.union(bounds)));
            measured.points += points;

            let polyline = Cell::new(0.0);
            self.write_frame(bytes, |frame| {
                let (header, room) = frame.split_at_mut(HEADER_BYTES);
                header[..4].copy_from_slice(&(number as u32).to_le_bytes());
                header[4..].copy_from_slice(&(curve_number as u32).to_le_bytes());
                let room: &mut [Point] = as_points_mut(room)?;
                curve.flatten_into(self.tolerance, room)?;
                polyline.set(room.windows(2).map(|pair| distance(pair[0], pair[1])).sum());
                Ok(())
            })?;
            measured.polyline += polyline.get();
        }
        Ok(measured)
    }
}

fn distance(from: Point, to: Point) -> f64 {
    (to[0] - from[0]).hypot(to[1] - from[1])
}
