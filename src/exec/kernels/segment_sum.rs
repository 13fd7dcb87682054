//! Sums of the rows of a segment: `sum(over = axis)`, pooling of several-valued features, gradients of lookups.

use super::binary::Write;
use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// `out[s] = sum of x[i]` for the rows `i` of segment `s`, or `+=`. `x` is `rows x width`; segment `s` is the rows
/// `offsets[s] .. offsets[s + 1]` less `offsets[0]`, so that a block passes its part of an axis's offsets. An empty segment gives 0.
/// Two offsets give the sum of all rows: the gradient of a bias. Memory bound from about `width = 16`.
pub fn segment_sum(x: &[f32], width: usize, offsets: &[u32], write: Write, out: &mut [f32]) {
    sum(Sum { x, width, weights: None, sources: None, offsets, write, out });
}

/// `out[s] = sum of weights[i] x[i]`, as `segment_sum`; one weight per row.
pub fn segment_weighted_sum(x: &[f32], width: usize, weights: &[f32], offsets: &[u32], write: Write, out: &mut [f32]) {
    sum(Sum { x, width, weights: Some(weights), sources: None, offsets, write, out });
}

/// `out[s] = sum of x[sources[p]]` for `p` in segment `s`: the gradient of table rows, where `sources` lists the uses of each
/// unique id in order. Offsets count entries of `sources`; rows of `x` may be named in any order and more than once.
pub fn segment_gather_sum(x: &[f32], width: usize, sources: &[u32], offsets: &[u32], write: Write, out: &mut [f32]) {
    sum(Sum { x, width, weights: None, sources: Some(sources), offsets, write, out });
}

fn sum(kernel: Sum) {
    let Sum { x, width, weights, sources, offsets, ref out, .. } = kernel;
    let Some((first, last)) = offsets.first().zip(offsets.last()) else { return };
    assert!(offsets.is_sorted(), "segment sum: offsets are not sorted");
    let rows = (last - first) as usize;
    assert!(out.len() == (offsets.len() - 1) * width, "segment sum: the result has another number of segments");
    assert!(sources.map_or(x.len() / width.max(1), <[u32]>::len) >= rows, "segment sum: too few rows");
    assert!(weights.is_none_or(|w| w.len() >= rows), "segment sum: too few weights");
    dispatch::run(kernel);
}

struct Sum<'a> {
    x: &'a [f32],
    width: usize,
    weights: Option<&'a [f32]>,
    sources: Option<&'a [u32]>,
    offsets: &'a [u32],
    write: Write,
    out: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let base = self.offsets[0] as usize;
        for s in 0..self.offsets.len() - 1 {
            let rows = self.offsets[s] as usize - base..self.offsets[s + 1] as usize - base;
            if self.width == 1 && self.sources.is_none() {
                // One column is contiguous: lanes run along the segment.
                let x = &self.x[rows.clone()];
                let sum = self.weights.map_or_else(|| lanes::sum(simd, x), |w| lanes::dot(simd, x, &w[rows]));
                self.out[s] = if self.write == Write::Add { self.out[s] + sum } else { sum };
                continue;
            }
            let lanes = S::F32_LANES;
            let mut from = 0;
            while from < self.width {
                from += match (self.width - from) / lanes {
                    0 => self.tail(simd, s, rows.clone(), from),
                    1 => self.columns::<S, 1>(simd, s, rows.clone(), from),
                    2 | 3 => self.columns::<S, 2>(simd, s, rows.clone(), from),
                    _ => self.columns::<S, 4>(simd, s, rows.clone(), from),
                };
            }
        }
    }
}

impl Sum<'_> {
    /// `W` full registers from column `from`. Returns the number of columns done.
    #[inline(always)]
    fn columns<S: Simd, const W: usize>(
        &mut self,
        simd: S,
        s: usize,
        rows: std::ops::Range<usize>,
        from: usize,
    ) -> usize {
        let count = W * S::F32_LANES;
        let (out, _) = S::as_mut_simd_f32s(&mut self.out[s * self.width + from..][..count]);
        let mut sums = [simd.splat_f32s(0.0); W];
        if self.write == Write::Add {
            sums.iter_mut().zip(&*out).for_each(|(sum, out)| *sum = *out);
        }
        for p in rows {
            let row = self.sources.map_or(p, |sources| sources[p] as usize);
            let (x, _) = S::as_simd_f32s(&self.x[row * self.width + from..][..count]);
            let weight = self.weights.map(|w| simd.splat_f32s(w[p]));
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = add(simd, *x, weight, *sum);
            }
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
        count
    }

    /// The columns that do not fill a register.
    #[inline(always)]
    fn tail<S: Simd>(&mut self, simd: S, s: usize, rows: std::ops::Range<usize>, from: usize) -> usize {
        let count = self.width - from;
        let out = &mut self.out[s * self.width + from..][..count];
        let mut sum = if self.write == Write::Add { lanes::load(simd, out) } else { simd.splat_f32s(0.0) };
        for p in rows {
            let row = self.sources.map_or(p, |sources| sources[p] as usize);
            let x = lanes::load(simd, &self.x[row * self.width + from..][..count]);
            sum = add(simd, x, self.weights.map(|w| simd.splat_f32s(w[p])), sum);
        }
        lanes::store(simd, out, sum);
        count
    }
}

#[inline(always)]
fn add<S: Simd>(simd: S, x: S::f32s, weight: Option<S::f32s>, sum: S::f32s) -> S::f32s {
    match weight {
        None => simd.add_f32s(sum, x),
        Some(weight) => simd.mul_add_e_f32s(x, weight, sum),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    const OFFSETS: [u32; 6] = [10, 13, 13, 14, 33, 33];

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + 11) % 64) as f32 * 0.125 - 4.0).collect()
    }

    #[test]
    fn segments_of_every_width_agree_with_f64() {
        on_every_arch(|| {
            for width in (1..40).chain([64, 65, 100, 200]) {
                let x = numbers(23 * width);
                let weights: Vec<f32> = (0..23).map(|i| i as f32 * 0.5 - 3.0).collect();
                let sources: Vec<u32> = (0..23).map(|p| p * 7 % 23).collect();
                let old = numbers(5 * width);
                for write in [Write::Set, Write::Add] {
                    let mut plain = old.clone();
                    segment_sum(&x, width, &OFFSETS, write, &mut plain);
                    let mut weighted = old.clone();
                    segment_weighted_sum(&x, width, &weights, &OFFSETS, write, &mut weighted);
                    let mut gathered = old.clone();
                    segment_gather_sum(&x, width, &sources, &OFFSETS, write, &mut gathered);
                    for at in 0..5 * width {
                        let (s, j) = (at / width, at % width);
                        let rows = OFFSETS[s] as usize - 10..OFFSETS[s + 1] as usize - 10;
                        let start = if write == Write::Add { f64::from(old[at]) } else { 0.0 };
                        let value = |i: usize| f64::from(x[i * width + j]);
                        let total = |f: &dyn Fn(usize) -> f64| start + rows.clone().map(f).sum::<f64>();
                        // All values are multiples of 1/16 and small: sums are exact in any order.
                        assert_eq!(f64::from(plain[at]), total(&value), "width {width}");
                        assert_eq!(
                            f64::from(weighted[at]),
                            total(&|i| value(i) * f64::from(weights[i])),
                            "width {width}"
                        );
                        assert_eq!(f64::from(gathered[at]), total(&|i| value(sources[i] as usize)), "width {width}");
                    }
                }
            }
        });
    }

    #[test]
    fn a_segment_has_the_same_bits_in_every_block() {
        on_every_arch(|| {
            for width in [1, 5, 20, 32] {
                let x: Vec<f32> = numbers(23 * width).iter().map(|x| x * 0.1).collect();
                let mut whole = vec![0.0; 5 * width];
                segment_sum(&x, width, &OFFSETS, Write::Set, &mut whole);
                let mut part = vec![0.0; 2 * width];
                segment_sum(&x[3 * width..], width, &OFFSETS[2..5], Write::Set, &mut part);
                assert_eq!(part, whole[2 * width..4 * width]);
            }
        });
    }

    #[test]
    fn no_segments_are_legal() {
        segment_sum(&[], 4, &[0], Write::Set, &mut []);
        segment_sum(&[], 4, &[], Write::Set, &mut []);
    }
}
