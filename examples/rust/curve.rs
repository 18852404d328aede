//! A curve: its bounds, its length, and points on it within a tolerance.

use circlet::curve::{Curve, Fit, Rect};

fn main() -> Result<(), circlet::curve::Error> {
    let arch = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]])?;
    let fitted = arch
        .transform(&arch.fit_to_box(Rect::from_corner_and_size([0.0, 0.0], [800.0, 600.0]), Fit::Contain)?)?;
    println!("bounds  {:?}", fitted.bounds());
    println!("length  {:.6}", fitted.length(1e-9)?);
    println!("points  {}", fitted.flatten(0.1)?.len());
    Ok(())
}
