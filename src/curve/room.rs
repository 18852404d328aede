//! Points where they lie: over the bytes of a frame or of a claim, in whatever memory.
#![allow(
    unsafe_code,
    reason = "bytes become numbers in place, which no safe cast of the standard library does"
)]

use std::slice;

use super::error::Error;

/// Sees bytes as points, in place: the payload of a received frame as what its sender sampled.
///
/// Coordinates are doubles in the machine's own byte order, one point's behind the other's. Any bytes are points: one that does
/// not trust the sender looks for NaN and infinities itself.
///
/// # Errors
///
/// [`Error::PointBytes`] unless the bytes are a whole number of points, [`Error::PointAddress`] unless they begin at a multiple of 8,
/// as every payload of a ring does.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use circlet::curve::{Curve, Point, as_points, as_points_mut, sample_batch};
/// use circlet::ring::{self, Options};
///
/// let ring = ring::anonymous(&Options::new())?;
/// let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
/// let lines = [Curve::bezier(&[[0.0, 0.0], [4.0, 0.0]])?, Curve::bezier(&[[1.0, 1.0], [1.0, 5.0]])?];
///
/// let mut claim = sender.claim(6 * size_of::<Point>())?;
/// sample_batch(&lines, 3, as_points_mut(&mut claim)?)?; // straight into shared memory
/// claim.commit();
///
/// let frame = receiver.recv()?;
/// let points: &[Point] = as_points(&frame)?;
/// assert_eq!(points[1], [2.0, 0.0]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_points<const D: usize>(bytes: &[u8]) -> Result<&[[f64; D]], Error> {
    let count = count_of::<D>(bytes)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: there are so many points of bytes, at an address that doubles may have (`count_of`); every pattern of bits is a
    // double; the bytes stay borrowed for as long.
    Ok(unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), count) })
}

/// Sees bytes as points to be written in place: a claim as the room for what [`sample_batch`](super::sample_batch),
/// [`sample_into`](super::PiecewiseCubic::sample_into) and their like write.
///
/// What is there before are whatever numbers the bytes are.
///
/// # Errors
///
/// As [`as_points`].
///
/// # Examples
///
/// ```
/// use circlet::curve::{Error, as_points_mut};
///
/// let mut words = [0_u64; 4];
/// let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
/// as_points_mut::<2>(bytes)?[1] = [3.0, 4.0];
/// assert_eq!(as_points_mut::<2>(&mut bytes[..20]), Err(Error::PointBytes { given: 20, each: 16 }));
/// assert_eq!(words[2..], [3.0_f64.to_bits(), 4.0_f64.to_bits()]);
/// # Ok::<(), Error>(())
/// ```
pub fn as_points_mut<const D: usize>(bytes: &mut [u8]) -> Result<&mut [[f64; D]], Error> {
    let count = count_of::<D>(bytes)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `as_points`, and the bytes are borrowed alone; every double is bytes that may be written there.
    Ok(unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), count) })
}

/// Returns how many points the bytes are, unless they cannot be seen as points.
fn count_of<const D: usize>(bytes: &[u8]) -> Result<usize, Error> {
    const { assert!(D > 0, "points have coordinates") };
    let each = size_of::<[f64; D]>();
    if !bytes.len().is_multiple_of(each) {
        return Err(Error::PointBytes { given: bytes.len(), each });
    }
    let beyond = bytes.as_ptr().addr() % align_of::<[f64; D]>();
    // No bytes may be anywhere.
    if beyond != 0 && !bytes.is_empty() {
        return Err(Error::PointAddress { beyond });
    }
    Ok(bytes.len() / each)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many bytes at so many beyond a multiple of 8.
    fn at(words: &mut [u64], beyond: usize, len: usize) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(words)[beyond..beyond + len]
    }

    #[test]
    fn points_are_the_bytes_themselves() {
        let mut words: Vec<u64> = (0..6).map(|i| f64::from(i).to_bits()).collect();
        let place = words.as_ptr().addr();
        let bytes = at(&mut words, 0, 48);
        assert_eq!(as_points(bytes), Ok(&[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]][..]));
        assert_eq!(as_points(bytes), Ok(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]][..]));
        let points = as_points_mut::<2>(bytes).unwrap();
        assert_eq!(points.as_ptr().addr(), place);
        points[2] = [-0.0, f64::INFINITY];
        assert_eq!(words[4..], [1 << 63, f64::INFINITY.to_bits()]);
    }

    #[test]
    fn a_part_of_a_point_is_refused_with_the_bytes_of_one() {
        let mut words = [0; 4];
        for len in [1, 8, 15, 17, 24, 31] {
            let refused = Error::PointBytes { given: len, each: 16 };
            assert_eq!(as_points::<2>(at(&mut words, 0, len)), Err(refused.clone()));
            assert_eq!(as_points_mut::<2>(at(&mut words, 0, len)), Err(refused));
        }
        assert_eq!(as_points::<3>(at(&mut words, 0, 24)), Ok(&[[0.0; 3]][..]));
        let error = as_points::<2>(at(&mut words, 0, 24)).unwrap_err();
        assert_eq!(error.to_string(), "24 bytes are no whole number of points of 16 bytes; give 16 or 32");
    }

    #[test]
    fn an_address_between_doubles_is_refused_and_said() {
        let mut words = [0; 5];
        for beyond in 1..8 {
            let refused = Error::PointAddress { beyond };
            assert_eq!(as_points::<2>(at(&mut words, beyond, 16)), Err(refused.clone()));
            assert_eq!(as_points_mut::<2>(at(&mut words, beyond, 16)), Err(refused));
        }
        assert_eq!(as_points::<2>(at(&mut words, 8, 32)), Ok(&[[0.0; 2]; 2][..]));
        let error = as_points::<2>(at(&mut words, 3, 16)).unwrap_err();
        assert!(error.to_string().contains("3 bytes after a multiple of 8"), "{error}");
    }

    #[test]
    fn no_bytes_are_no_points_wherever_they_are() {
        let mut words = [0; 1];
        for beyond in 0..8 {
            assert_eq!(as_points::<2>(at(&mut words, beyond, 0)), Ok(&[][..]));
            assert_eq!(as_points_mut::<2>(at(&mut words, beyond, 0)), Ok(&mut [][..]));
        }
        assert_eq!(as_points::<4>(&[]), Ok(&[][..]));
    }
}
