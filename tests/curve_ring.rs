//! Curves are sampled where a reader finds them: a claim's bytes are the points' room, and a frame's bytes the points.
#![cfg(target_os = "linux")]

use circlet::curve::{Curve, Ends, Error, Point, as_points, as_points_mut, sample_batch};
use circlet::ring::{self, Mode, Options};

const CURVES: usize = 50;

fn curves() -> Vec<Curve> {
    let at = |i: usize, k: usize| ((i * 7 + k * 13) as f64 * 0.7).sin() * 10.0;
    let through = |i| -> Vec<Point> { (0..5).map(|k| [at(i, k), at(i + 3, 2 * k)]).collect() };
    (0..CURVES).map(|i| Curve::catmull_rom(&through(i), 0.5, Ends::Whole).unwrap()).collect()
}

fn bits(points: &[Point]) -> Vec<u64> {
    points.as_flattened().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_batch_sampled_into_a_claim_is_read_where_it_was_written() {
    let curves = curves();
    for mode in [Mode::Spsc, Mode::Mpsc] {
        let ring = ring::anonymous(&Options::new().mode(mode).capacity(1 << 20)).unwrap();
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        let segment = ring.segment();
        let mapping = segment.base().as_ptr().addr();
        let mapping = mapping..mapping + segment.geometry().segment_bytes() as usize;
        // Several sizes, around the end of the ring more than once, with odd frames between.
        for each in [1, 2, 33, 500, 100, 411, 64] {
            sender.send(b"odd").unwrap();
            let mut claim = sender.claim(CURVES * each * size_of::<Point>()).unwrap();
            sample_batch(&curves, each, as_points_mut(&mut claim).unwrap()).unwrap();
            claim.commit();

            let mut wanted = vec![[0.0; 2]; CURVES * each];
            sample_batch(&curves, each, &mut wanted).unwrap();
            assert_eq!(&*receiver.recv().unwrap(), b"odd");
            let frame = receiver.recv().unwrap();
            let points = as_points(&frame).unwrap();
            assert_eq!(bits(points), bits(&wanted), "{mode}: {each} points each");
            assert!(mapping.contains(&points.as_ptr().addr()), "{mode}: it was copied");
        }
    }
}

#[test]
fn threads_fill_a_claim_with_the_same_bits() {
    let curves = curves();
    let each = 4000;
    let ring = ring::anonymous(&Options::new().capacity(16 << 20)).unwrap();
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let mut claim = sender.claim(CURVES * each * size_of::<Point>()).unwrap();
    sample_batch(&curves, each, as_points_mut(&mut claim).unwrap()).unwrap();
    claim.commit();
    let mut one = vec![[0.0; 2]; each];
    let frame = receiver.recv().unwrap();
    for (curve, points) in curves.iter().zip(as_points(&frame).unwrap().chunks(each)) {
        curve.sample_into(&mut one);
        assert_eq!(bits(points), bits(&one));
    }
}

#[test]
fn a_claim_behind_a_header_and_of_another_size_is_refused_and_given_up() {
    let ring = ring::anonymous(&Options::new()).unwrap();
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let mut claim = sender.claim(4 + 32).unwrap();
    assert_eq!(as_points_mut::<2>(&mut claim[4..]), Err(Error::PointAddress { beyond: 4 }));
    assert_eq!(as_points_mut::<2>(&mut claim), Err(Error::PointBytes { given: 36, each: 16 }));
    drop(claim);
    // A header of 8 bytes leaves the points where doubles may lie.
    let mut claim = sender.claim(8 + 32).unwrap();
    claim[..8].copy_from_slice(b"a header");
    as_points_mut(&mut claim[8..]).unwrap().copy_from_slice(&[[1.0, 2.0], [3.0, 4.0]]);
    claim.commit();
    let frame = receiver.recv().unwrap();
    assert_eq!(as_points(&frame[8..]), Ok(&[[1.0, 2.0], [3.0, 4.0]][..]));
}
