//! Points in other forms: rounded to `f32`, or an array for each coordinate.

use super::error::Error;
use super::eval::{Prepared, SERIAL};
use super::piecewise::PiecewiseCubic;

/// Points that are computed before they are stored: 16 KiB of the plane, on the stack and in the nearest cache.
const PART: usize = 1024;

impl<const D: usize> PiecewiseCubic<D> {
    /// Writes the point at each parameter of `us` into `out`: what [`eval_into`](Self::eval_into) gives, rounded to `f32`.
    ///
    /// A coordinate beyond `f32::MAX` becomes infinite. More than 262,144 points are shared among the threads of the rayon pool
    /// that is current where this is called.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless `out` is as long as `us`; nothing is written then.
    pub fn eval_into_f32(&self, us: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        check_length(us.len(), out.len())?;
        self.eval_room(us, out);
        Ok(())
    }

    /// Fills `out` with evenly spaced points, as [`sample_into`](Self::sample_into) does, rounded to `f32`.
    ///
    /// A coordinate beyond `f32::MAX` becomes infinite. More than 262,144 points are shared among the threads of the rayon pool
    /// that is current where this is called.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let line = Curve::bezier(&[[0.0, 0.0], [0.1, 4.0]])?;
    /// let mut points = [[0.0_f32; 2]; 3];
    /// line.sample_into_f32(&mut points);
    /// assert_eq!(points, [[0.0, 0.0], [0.05, 2.0], [0.1, 4.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn sample_into_f32(&self, out: &mut [[f32; D]]) {
        self.sample_room(out);
    }

    /// Writes the coordinates of the point at each parameter of `us` into an array each: the bits of
    /// [`eval_into`](Self::eval_into).
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless each array is as long as `us`; nothing is written then.
    pub fn eval_into_columns(&self, us: &[f64], out: [&mut [f64]; D]) -> Result<(), Error> {
        out.iter().try_for_each(|column| check_length(us.len(), column.len()))?;
        self.eval_room(us, out);
        Ok(())
    }

    /// Fills an array for each coordinate with evenly spaced points, as [`sample_into`](Self::sample_into) does.
    ///
    /// A point may differ from that one's by the rounding of its parameter; the number of threads changes no bit.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless the arrays are of one length; nothing is written then.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let line = Curve::bezier(&[[0.0, 5.0], [8.0, 1.0]])?;
    /// let (mut x, mut y) = ([0.0; 3], [0.0; 3]);
    /// line.sample_into_columns([&mut x, &mut y])?;
    /// assert_eq!((x, y), ([0.0, 4.0, 8.0], [5.0, 3.0, 1.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn sample_into_columns(&self, out: [&mut [f64]; D]) -> Result<(), Error> {
        out.iter().try_for_each(|column| check_length(out[0].len(), column.len()))?;
        self.sample_room(out);
        Ok(())
    }

    fn eval_room<R: Room<D>>(&self, us: &[f64], out: R) {
        let prepared = Prepared::new(self, us.len());
        fill(out, 0, &|start, points| prepared.fill(&us[start..start + points.len()], points));
    }

    fn sample_room<R: Room<D>>(&self, out: R) {
        let count = out.len();
        let grid = self.grid(count);
        fill(out, 0, &|start, points| {
            self.sample_chunk(&grid, start, points);
            if count > 1 && start + points.len() == count {
                points[count - start - 1] = self.end();
            }
        });
    }
}

/// Where points go that do not stay as they are computed.
pub(super) trait Room<const D: usize>: Send + Sized {
    fn len(&self) -> usize;

    /// Keeps the room of the points before `at`, and returns the rest.
    fn split_off(&mut self, at: usize) -> Self;

    /// Stores points from the place `start` on.
    fn store(&mut self, start: usize, points: &[[f64; D]]);
}

impl<const D: usize> Room<D> for &mut [[f32; D]] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn split_off(&mut self, at: usize) -> Self {
        self.split_off_mut(at..).unwrap_or_default()
    }

    fn store(&mut self, start: usize, points: &[[f64; D]]) {
        for (slot, point) in self[start..start + points.len()].iter_mut().zip(points) {
            *slot = point.map(|x| x as f32);
        }
    }
}

impl<const D: usize> Room<D> for [&mut [f64]; D] {
    fn len(&self) -> usize {
        self.first().map_or(0, |column| column.len())
    }

    fn split_off(&mut self, at: usize) -> Self {
        self.each_mut().map(|column| column.split_off_mut(at..).unwrap_or_default())
    }

    fn store(&mut self, start: usize, points: &[[f64; D]]) {
        for (axis, column) in self.iter_mut().enumerate() {
            for (slot, point) in column[start..start + points.len()].iter_mut().zip(points) {
                *slot = point[axis];
            }
        }
    }
}

/// Fills the room of the points from number `start` on, each a function of its number alone.
pub(super) fn fill<const D: usize, R: Room<D>>(
    mut room: R,
    start: usize,
    compute: &(impl Fn(usize, &mut [[f64; D]]) + Sync),
) {
    let count = room.len();
    if count > SERIAL {
        let middle = count / 2;
        let rest = room.split_off(middle);
        rayon::join(|| fill(room, start, compute), || fill(rest, start + middle, compute));
        return;
    }
    let mut buffer = [[0.0; D]; PART];
    for from in (0..count).step_by(PART) {
        let points = &mut buffer[..PART.min(count - from)];
        compute(start + from, points);
        room.store(from, points);
    }
}

pub(super) fn check_length(needed: usize, given: usize) -> Result<(), Error> {
    if given == needed { Ok(()) } else { Err(Error::BufferLength { needed, given }) }
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, Family};
    use super::*;

    fn wave() -> Curve {
        let points: Vec<_> = (0..40).map(|i| [f64::from(i) * 1.7, f64::from(i * i % 11)]).collect();
        Family::named("natural", serde_json::json!({"knots": "chordal"})).unwrap().make(&points).unwrap()
    }

    const COUNTS: [usize; 9] = [0, 1, 2, 3, PART, PART + 1, 5000, SERIAL + 1, 300_003];

    #[test]
    fn samples_of_every_form_are_the_plain_ones_but_for_rounding() {
        for count in COUNTS {
            let mut plain = vec![[f64::NAN; 2]; count];
            wave().sample_into(&mut plain);
            let mut floats = vec![[f32::NAN; 2]; count];
            wave().sample_into_f32(&mut floats);
            let (mut x, mut y) = (vec![f64::NAN; count], vec![f64::NAN; count]);
            wave().sample_into_columns([&mut x, &mut y]).unwrap();
            // Coordinates go up to 70.
            let near = |a: f64, b: f64, rounding| (a - b).abs() <= rounding * 70.0;
            for (j, point) in plain.iter().enumerate() {
                let (column, float) = ([x[j], y[j]], floats[j].map(f64::from));
                for axis in 0..2 {
                    assert!(
                        near(column[axis], point[axis], 1e-14),
                        "{j} of {count}: {column:?}, not {point:?}"
                    );
                    assert!(near(float[axis], point[axis], 6e-8), "{j} of {count}: {float:?}, not {point:?}");
                }
            }
            if count > 1 {
                assert_eq!([x[count - 1], y[count - 1]], wave().end());
            }
        }
    }

    #[test]
    fn points_of_every_form_have_the_numbers_of_the_plain_ones() {
        for count in COUNTS {
            let us: Vec<_> = (0..count).map(|i| (i * 7919 % 1000) as f64 / 9.0 - 1.0).collect();
            let mut plain = vec![[f64::NAN; 2]; count];
            wave().eval_into(&us, &mut plain).unwrap();
            let mut floats = vec![[f32::NAN; 2]; count];
            wave().eval_into_f32(&us, &mut floats).unwrap();
            assert!(plain.iter().map(|p| p.map(|x| x as f32)).eq(floats), "{count} points");
            let (mut x, mut y) = (vec![f64::NAN; count], vec![f64::NAN; count]);
            wave().eval_into_columns(&us, [&mut x, &mut y]).unwrap();
            assert!(x.into_iter().zip(y).map(<[f64; 2]>::from).eq(plain), "{count} points");
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit_of_any_form() {
        let sample = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut floats = vec![[0.0; 2]; 3 * SERIAL + 17];
            let (mut x, mut y) = (vec![0.0; floats.len()], vec![0.0; floats.len()]);
            pool.install(|| {
                wave().sample_into_f32(&mut floats);
                wave().sample_into_columns([&mut x, &mut y]).unwrap();
            });
            (floats, x, y)
        };
        assert!(sample(1) == sample(3));
    }

    #[test]
    fn a_coordinate_beyond_f32_is_infinite_and_a_nan_parameter_gives_nan() {
        let far = Curve::bezier(&[[0.0, -1e300], [1.0, 1e300]]).unwrap();
        let mut out = [[0.0; 2]; 3];
        far.sample_into_f32(&mut out);
        assert_eq!(out, [[0.0, f32::NEG_INFINITY], [0.5, 0.0], [1.0, f32::INFINITY]]);
        far.eval_into_f32(&[f64::NAN], &mut out[..1]).unwrap();
        assert!(out[0].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn room_of_another_length_is_refused_untouched() {
        let (mut x, mut y, mut floats) = ([7.0; 3], [7.0; 2], [[7.0; 2]; 2]);
        let wanted = Err(Error::BufferLength { needed: 3, given: 2 });
        assert_eq!(wave().sample_into_columns([&mut x, &mut y]), wanted);
        assert_eq!(wave().eval_into_columns(&[0.0; 3], [&mut x, &mut y]), wanted);
        assert_eq!(wave().eval_into_f32(&[0.0; 3], &mut floats), wanted);
        assert_eq!((x, y, floats), ([7.0; 3], [7.0; 2], [[7.0; 2]; 2]));
    }
}
