//! Softmax over the rows of a segment, column by column: attention weights over a history.

use super::binary::Write;
use super::{dispatch, lanes, math};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// `y[i, j] = e^x[i, j] / sum of e^x[i', j]` over the rows `i'` of the segment of `i`. Segments as in `segment_sum`. Rows whose
/// `keep` is 0 take no part and get 0; a segment without any row that takes part (or with `x` of minus infinity only) is all 0.
/// Three passes over `y`, one exponential per element; nothing overflows.
pub fn segment_softmax(x: &[f32], width: usize, keep: Option<&[f32]>, offsets: &[u32], y: &mut [f32]) {
    let rows = check(x.len(), width, offsets);
    assert!(y.len() == rows * width, "segment softmax: the result has another number of rows");
    assert!(keep.is_none_or(|k| k.len() >= rows), "segment softmax: too few flags");
    y.copy_from_slice(&x[..rows * width]);
    if let Some(keep) = keep {
        for (row, keep) in y.chunks_mut(width.max(1)).zip(keep) {
            if *keep == 0.0 {
                row.fill(f32::NEG_INFINITY);
            }
        }
    }
    dispatch::run(Forward { width, offsets, y });
}

/// The gradient of `segment_softmax`: `dx[i, j] = y[i, j] (g[i, j] - sum of y[i', j] g[i', j])`, or `+=`.
pub fn segment_softmax_grad(g: &[f32], y: &[f32], width: usize, offsets: &[u32], write: Write, dx: &mut [f32]) {
    let len = check(y.len(), width, offsets) * width;
    assert!(g.len() >= len && dx.len() == len, "segment softmax: lengths differ");
    dispatch::run(Backward { g, y, width, offsets, write, dx });
}

/// The number of rows in all segments.
fn check(len: usize, width: usize, offsets: &[u32]) -> usize {
    assert!(offsets.is_sorted(), "segment softmax: offsets are not sorted");
    let rows = offsets.first().zip(offsets.last()).map_or(0, |(first, last)| (last - first) as usize);
    assert!(len >= rows * width, "segment softmax: too few rows");
    rows
}

/// The rows of each segment that has some.
#[inline(always)]
fn segments(offsets: &[u32]) -> impl Iterator<Item = Range<usize>> {
    let base = offsets.first().map_or(0, |o| *o as usize);
    offsets.windows(2).map(move |ends| ends[0] as usize - base..ends[1] as usize - base).filter(|rows| !rows.is_empty())
}

struct Forward<'a> {
    width: usize,
    offsets: &'a [u32],
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { width, offsets, y } = self;
        for rows in segments(offsets) {
            let y = &mut y[rows.start * width..rows.end * width];
            if S::F32_LANES.is_multiple_of(width) {
                packed(simd, y, width);
                continue;
            }
            for from in (0..width).step_by(S::F32_LANES) {
                columns(simd, y, width, from);
            }
        }
    }
}

/// Few columns: a register holds several whole rows, so that a column is every `width`th lane of it.
#[inline(always)]
fn packed<S: Simd>(simd: S, y: &mut [f32], width: usize) {
    let largest = max_of_columns(simd, lanes::max(simd, y), width);
    let (whole, tail) = S::as_mut_simd_f32s(y);
    let mut sum = simd.splat_f32s(0.0);
    for y in &mut *whole {
        *y = shifted_exp(simd, *y, largest);
        sum = simd.add_f32s(sum, *y);
    }
    let mask = lanes::first(simd, tail.len());
    let rest = simd.select_f32s(mask, shifted_exp(simd, lanes::load(simd, tail), largest), simd.splat_f32s(0.0));
    let sum = sum_of_columns(simd, simd.add_f32s(sum, rest), width);
    let scale = scale(simd, largest, sum);
    for y in whole {
        *y = simd.mul_f32s(*y, scale);
    }
    lanes::store(simd, tail, simd.mul_f32s(rest, scale));
}

/// In every lane the sum of the lanes of its column. Rotations by halves add the same pairs in every lane.
#[inline(always)]
fn sum_of_columns<S: Simd>(simd: S, x: S::f32s, width: usize) -> S::f32s {
    let (mut x, mut by) = (x, S::F32_LANES / 2);
    while by >= width {
        x = simd.add_f32s(x, simd.rotate_right_f32s(x, by));
        by /= 2;
    }
    x
}

#[inline(always)]
fn max_of_columns<S: Simd>(simd: S, x: S::f32s, width: usize) -> S::f32s {
    let (mut x, mut by) = (x, S::F32_LANES / 2);
    while by >= width {
        x = simd.max_f32s(x, simd.rotate_right_f32s(x, by));
        by /= 2;
    }
    x
}

/// A register of neighbouring columns from `from` on, which steps from row to row of the segment `y`.
#[inline(always)]
fn columns<S: Simd>(simd: S, y: &mut [f32], width: usize, from: usize) {
    let count = S::F32_LANES.min(width - from);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for row in y.chunks_exact(width) {
        largest = simd.max_f32s(largest, lanes::load(simd, &row[from..from + count]));
    }
    let mut sum = simd.splat_f32s(0.0);
    for row in y.chunks_exact_mut(width) {
        let y = &mut row[from..from + count];
        let e = shifted_exp(simd, lanes::load(simd, y), largest);
        lanes::store(simd, y, e);
        sum = simd.add_f32s(sum, e);
    }
    let scale = scale(simd, largest, sum);
    for row in y.chunks_exact_mut(width) {
        let y = &mut row[from..from + count];
        let scaled = simd.mul_f32s(lanes::load(simd, y), scale);
        lanes::store(simd, y, scaled);
    }
}

/// `e^(x - largest)`, 0 where all are minus infinity.
#[inline(always)]
fn shifted_exp<S: Simd>(simd: S, x: S::f32s, largest: S::f32s) -> S::f32s {
    let none = simd.equal_f32s(largest, simd.splat_f32s(f32::NEG_INFINITY));
    let shift = simd.select_f32s(none, simd.splat_f32s(0.0), largest);
    math::exp(simd, simd.sub_f32s(x, shift))
}

/// `1 / sum`, 0 where all are minus infinity.
#[inline(always)]
fn scale<S: Simd>(simd: S, largest: S::f32s, sum: S::f32s) -> S::f32s {
    let none = simd.equal_f32s(largest, simd.splat_f32s(f32::NEG_INFINITY));
    simd.select_f32s(none, simd.splat_f32s(0.0), simd.div_f32s(simd.splat_f32s(1.0), sum))
}

struct Backward<'a> {
    g: &'a [f32],
    y: &'a [f32],
    width: usize,
    offsets: &'a [u32],
    write: Write,
    dx: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { g, y, width, offsets, write, dx } = self;
        for rows in segments(offsets) {
            if S::F32_LANES.is_multiple_of(width) {
                let all = rows.start * width..rows.end * width;
                let dot = sum_of_columns(simd, lanes::dot_lanes(simd, &g[all.clone()], &y[all.clone()]), width);
                for from in all.clone().step_by(S::F32_LANES) {
                    let at = from..all.end.min(from + S::F32_LANES);
                    gradient(simd, &g[at.clone()], &y[at.clone()], dot, write, &mut dx[at]);
                }
                continue;
            }
            for from in (0..width).step_by(S::F32_LANES) {
                let to = width.min(from + S::F32_LANES);
                let mut dot = simd.splat_f32s(0.0);
                for i in rows.clone() {
                    let at = i * width + from..i * width + to;
                    dot = simd.mul_add_e_f32s(lanes::load(simd, &g[at.clone()]), lanes::load(simd, &y[at]), dot);
                }
                for i in rows.clone() {
                    let at = i * width + from..i * width + to;
                    gradient(simd, &g[at.clone()], &y[at.clone()], dot, write, &mut dx[at]);
                }
            }
        }
    }
}

/// `dx (+)= y (g - dot)` for a register.
#[inline(always)]
fn gradient<S: Simd>(simd: S, g: &[f32], y: &[f32], dot: S::f32s, write: Write, dx: &mut [f32]) {
    let term = simd.mul_f32s(lanes::load(simd, y), simd.sub_f32s(lanes::load(simd, g), dot));
    let old = if write == Write::Add { lanes::load(simd, dx) } else { simd.splat_f32s(0.0) };
    lanes::store(simd, dx, simd.add_f32s(old, term));
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    const OFFSETS: [u32; 6] = [3, 5, 5, 6, 46, 48];
    const ROWS: usize = 45;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 * 0.1 - 5.0).collect()
    }

    /// Softmax of column `j` of every segment in f64; `keep` as given.
    fn reference(x: &[f32], width: usize, keep: &[f32]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        for ends in OFFSETS.windows(2) {
            let rows: Vec<usize> = (ends[0] as usize - 3..ends[1] as usize - 3).filter(|i| keep[*i] != 0.0).collect();
            for j in 0..width {
                let e = |i: &usize| f64::from(x[i * width + j]).exp();
                let sum: f64 = rows.iter().map(e).sum();
                rows.iter().for_each(|i| y[i * width + j] = e(i) / sum);
            }
        }
        y
    }

    #[test]
    fn weights_and_gradients_agree_with_f64() {
        on_every_arch(|| {
            for width in (1..40).chain([64]) {
                let x = numbers(1, ROWS * width);
                let g = numbers(2, ROWS * width);
                // Row 2 is a segment of its own: everything in it is left out.
                let some: Vec<f32> = (0..ROWS).map(|i| if i % 3 == 2 { 0.0 } else { 1.0 }).collect();
                for keep in [None, Some(some.as_slice())] {
                    let expected = reference(&x, width, keep.unwrap_or(&[1.0; ROWS]));
                    let mut y = vec![f32::NAN; x.len()];
                    segment_softmax(&x, width, keep, &OFFSETS, &mut y);
                    let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6 * (1.0 + b.abs());
                    assert!(y.iter().zip(&expected).all(|(a, b)| close(*a, *b)), "width {width}");
                    let mut dx = vec![0.5; x.len()];
                    segment_softmax_grad(&g, &y, width, &OFFSETS, Write::Add, &mut dx);
                    let mut set = vec![f32::NAN; x.len()];
                    segment_softmax_grad(&g, &y, width, &OFFSETS, Write::Set, &mut set);
                    for ends in OFFSETS.windows(2) {
                        let rows = ends[0] as usize - 3..ends[1] as usize - 3;
                        for j in 0..width {
                            let dot: f64 =
                                rows.clone().map(|i| expected[i * width + j] * f64::from(g[i * width + j])).sum();
                            for at in rows.clone().map(|i| i * width + j) {
                                let slope = expected[at] * (f64::from(g[at]) - dot);
                                assert!(close(set[at], slope) && close(dx[at], slope + 0.5), "width {width}");
                            }
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn large_scores_do_not_overflow() {
        on_every_arch(|| {
            let mut y = [0.0; 3];
            segment_softmax(&[1000.0, 1000.0, f32::NEG_INFINITY], 1, None, &[0, 3], &mut y);
            assert_eq!(y, [0.5, 0.5, 0.0]);
            let mut y = [5.0; 4];
            segment_softmax(&[f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY, 1.0], 2, None, &[0, 2], &mut y);
            assert_eq!(y, [0.0, 0.5, 0.0, 0.5]);
        });
    }

    #[test]
    fn nan_spreads_over_its_segment_only() {
        on_every_arch(|| {
            let mut y = [0.0; 4];
            segment_softmax(&[f32::NAN, 1.0, 2.0, 2.0], 1, None, &[0, 2, 4], &mut y);
            assert!(y[0].is_nan() && y[1].is_nan());
            assert_eq!(y[2..], [0.5, 0.5]);
        });
    }
}
