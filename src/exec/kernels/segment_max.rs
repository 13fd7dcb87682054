//! The largest row entry of a segment, column by column, and where it stood.

use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// The place of the maximum of an empty segment.
pub const NOWHERE: u32 = u32::MAX;

/// `out[s, j] = max of x[i, j]` over the rows `i` of segment `s`, and `place[s, j]` the first such row of `x`. Segments as in
/// `segment_sum`. NaN counts as largest. An empty segment gives 0 and `NOWHERE`.
pub fn segment_max(x: &[f32], width: usize, offsets: &[u32], out: &mut [f32], place: &mut [u32]) {
    let Some((first, last)) = offsets.first().zip(offsets.last()) else { return };
    assert!(offsets.is_sorted(), "segment max: offsets are not sorted");
    assert!(x.len() >= (last - first) as usize * width, "segment max: too few rows");
    let len = (offsets.len() - 1) * width;
    assert!(out.len() == len && place.len() == len, "segment max: the result has another number of segments");
    dispatch::run(Max { x, width, offsets, out, place });
}

/// The gradient of `segment_max`: `dx[place[s, j], j] += g[s, j]`.
pub fn segment_max_grad(g: &[f32], width: usize, place: &[u32], dx: &mut [f32]) {
    assert_eq!(g.len(), place.len(), "segment max: lengths differ");
    for (at, (g, place)) in g.iter().zip(place).enumerate() {
        if *place != NOWHERE {
            dx[*place as usize * width + at % width] += g;
        }
    }
}

struct Max<'a> {
    x: &'a [f32],
    width: usize,
    offsets: &'a [u32],
    out: &'a mut [f32],
    place: &'a mut [u32],
}

impl WithSimd for Max<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let base = self.offsets[0];
        for (s, ends) in self.offsets.windows(2).enumerate() {
            let (begin, end) = (ends[0] - base, ends[1] - base);
            for from in (0..self.width).step_by(S::F32_LANES) {
                let count = S::F32_LANES.min(self.width - from);
                let at = s * self.width + from;
                let mut best = simd.splat_f32s(if begin < end { f32::NEG_INFINITY } else { 0.0 });
                let mut place = simd.splat_u32s(if begin < end { begin } else { NOWHERE });
                for i in begin..end {
                    let x = lanes::load(simd, &self.x[i as usize * self.width + from..][..count]);
                    // Not `x <= best` is also true for NaN in x; a NaN in `best` stays.
                    let beaten = simd.not_m32s(simd.less_than_or_equal_f32s(x, best));
                    let larger = simd.and_m32s(beaten, simd.equal_f32s(best, best));
                    best = simd.select_f32s(larger, x, best);
                    place = simd.select_u32s(larger, simd.splat_u32s(i), place);
                }
                lanes::store(simd, &mut self.out[at..at + count], best);
                simd.partial_store_u32s(&mut self.place[at..at + count], place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    #[test]
    fn the_first_of_equal_rows_wins() {
        on_every_arch(|| {
            for width in (1..40).chain([100]) {
                let x: Vec<f32> = (0..9 * width).map(|i| (i * 5 % 7) as f32 - 9.0).collect();
                let offsets = [4, 4, 10, 11, 13];
                let mut out = vec![5.0; 4 * width];
                let mut place = vec![5; 4 * width];
                segment_max(&x, width, &offsets, &mut out, &mut place);
                for at in 0..4 * width {
                    let (s, j) = (at / width, at % width);
                    let rows = offsets[s] - 4..offsets[s + 1] - 4;
                    let value = |i: u32| x[i as usize * width + j];
                    match rows.clone().max_by(|a, b| value(*a).total_cmp(&value(*b)).then(b.cmp(a))) {
                        Some(i) => assert_eq!((out[at], place[at]), (value(i), i), "width {width}"),
                        None => assert_eq!((out[at], place[at]), (0.0, NOWHERE)),
                    }
                }
            }
        });
    }

    #[test]
    fn nan_and_minus_infinity_have_places() {
        on_every_arch(|| {
            let (mut out, mut place) = ([0.0; 2], [9; 2]);
            segment_max(&[1.0, f32::NAN, 3.0, f32::NEG_INFINITY], 1, &[0, 3, 4], &mut out, &mut place);
            assert!(out[0].is_nan());
            assert_eq!((out[1], place), (f32::NEG_INFINITY, [1, 3]));
        });
    }

    #[test]
    fn the_gradient_goes_to_the_place() {
        let mut dx = [0.0; 4];
        segment_max_grad(&[2.0, 3.0, 4.0, 5.0], 2, &[1, 0, NOWHERE, NOWHERE], &mut dx);
        assert_eq!(dx, [0.0, 3.0, 2.0, 0.0]);
    }
}
