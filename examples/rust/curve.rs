//! A heart from SVG path data, fitted into a box of 100 by 100, and sampled straight into a frame of a ring.

use circlet::curve::{Align, Curve, Fit, Point, Rect, as_points_mut};
use circlet::ring::{self, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heart = &Curve::from_svg("M0,3 C-3,0 -1,-2 0,0 C1,-2 3,0 0,3 Z")?[0];
    let target = Rect::from_corner_and_size([0.0; 2], [100.0; 2]);
    let fitted = heart.transform(&heart.fit_to_box(target, Fit::Contain, Align::CENTER)?)?;
    println!("length {:.6}", fitted.length(1e-9)?);

    let ring = ring::anonymous(&Options::new())?;
    let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
    let mut claim = sender.claim(1000 * size_of::<Point>())?;
    fitted.sample_into(as_points_mut(&mut claim)?);
    claim.commit();
    println!("{} bytes of points in shared memory", receiver.recv()?.len());
    println!("{} points suffice to stay within 0.1 of it", fitted.flatten(0.1)?.len());
    Ok(())
}
