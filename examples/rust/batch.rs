//! A thousand curves that move, sampled straight into shared memory frame by frame, and read there by another thread.

use std::thread;

use circlet::curve::{Curve, Ends, Point, as_points, as_points_mut, sample_batch};
use circlet::ring::{self, Options};

const FRAMES: usize = 10;
const CURVES: usize = 1000;
const POINTS_EACH: usize = 100;

/// A curve through six points that turn about its own center.
fn curve(number: usize, frame: usize) -> Result<Curve, circlet::curve::Error> {
    let points: [Point; 6] = std::array::from_fn(|i| {
        let angle = (i * 60 + frame) as f64;
        let (sin, cos) = angle.to_radians().sin_cos();
        [(number % 40) as f64 + 0.4 * cos, (number / 40) as f64 + 0.2 * sin]
    });
    Curve::catmull_rom(&points, 0.5, Ends::Closed)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ring = ring::anonymous(&Options::new().capacity(8 << 20))?;
    let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
    // In another process it is ring::open, and the rest is the same.
    let reader = thread::spawn(move || -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let mut points = 0;
        loop {
            match receiver.recv() {
                Ok(frame) => points += as_points::<2>(&frame)?.len(),
                Err(ring::Error::Closed) => return Ok(points),
                Err(error) => return Err(error.into()),
            }
        }
    });
    for frame in 0..FRAMES {
        let curves = (0..CURVES).map(|number| curve(number, frame)).collect::<Result<Vec<_>, _>>()?;
        let mut claim = sender.claim(CURVES * POINTS_EACH * size_of::<Point>())?;
        sample_batch(&curves, POINTS_EACH, as_points_mut(&mut claim)?)?;
        claim.commit();
    }
    drop(sender);
    let points = reader.join().expect("the reader does not panic").map_err(|error| error.to_string())?;
    println!("{points} points read where they were written");
    Ok(())
}
