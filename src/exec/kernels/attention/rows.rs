//! The rows of weights of a block of queries: softmax, and its gradient.

use super::super::{lanes, math};
use pulp::{Simd, WithSimd};

/// Softmax of every row of `p`, in place, of the scaled products plus the bias; `first` is the causal limit of the first row.
pub(super) struct Weights<'a> {
    pub(super) p: &'a mut [f32],
    pub(super) seen: usize,
    pub(super) scale: f32,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) keys: usize,
    pub(super) first: Option<usize>,
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let scale = simd.splat_f32s(self.scale);
        let zero = simd.splat_f32s(0.0);
        let low = simd.splat_f32s(f32::NEG_INFINITY);
        for (i, p) in self.p.chunks_exact_mut(self.seen.max(1)).enumerate() {
            let limit = self.first.map_or(self.seen, |first| first + i + 1);
            let (p, hidden) = p.split_at_mut(limit);
            hidden.fill(0.0);
            let bias = self.bias.map(|b| &b[i * self.keys..][..limit]);
            let mut largest = low;
            for from in (0..limit).step_by(S::F32_LANES) {
                let to = limit.min(from + S::F32_LANES);
                let bias = bias.map_or(zero, |b| lanes::load(simd, &b[from..to]));
                let score = simd.mul_add_e_f32s(lanes::load(simd, &p[from..to]), scale, bias);
                lanes::store(simd, &mut p[from..to], score);
                largest = simd.max_f32s(largest, simd.select_f32s(lanes::first(simd, to - from), score, low));
            }
            let largest = simd.reduce_max_f32s(largest);
            let none = largest == f32::NEG_INFINITY;
            let shift = simd.splat_f32s(if none { 0.0 } else { largest });
            let mut sum = zero;
            for from in (0..limit).step_by(S::F32_LANES) {
                let to = limit.min(from + S::F32_LANES);
                let e = math::exp(simd, simd.sub_f32s(lanes::load(simd, &p[from..to]), shift));
                lanes::store(simd, &mut p[from..to], e);
                sum = simd.add_f32s(sum, simd.select_f32s(lanes::first(simd, to - from), e, zero));
            }
            let share = simd.splat_f32s(if none { 0.0 } else { 1.0 / simd.reduce_sum_f32s(sum) });
            for p in p.chunks_mut(S::F32_LANES) {
                let weight = simd.mul_f32s(lanes::load(simd, p), share);
                lanes::store(simd, p, weight);
            }
        }
    }
}

/// `dp` becomes the gradient of the products, `scale p (dp - sum of p dp)`; without the scale it is added to `dbias`.
pub(super) struct Scores<'a> {
    pub(super) p: &'a [f32],
    pub(super) dp: &'a mut [f32],
    pub(super) seen: usize,
    pub(super) scale: f32,
    pub(super) dbias: Option<&'a mut [f32]>,
    pub(super) keys: usize,
}

impl WithSimd for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let scale = simd.splat_f32s(self.scale);
        let rows = self.p.chunks_exact(self.seen).zip(self.dp.chunks_exact_mut(self.seen));
        for (i, (p, dp)) in rows.enumerate() {
            let dot = simd.splat_f32s(lanes::dot(simd, p, dp));
            for from in (0..self.seen).step_by(S::F32_LANES) {
                let to = self.seen.min(from + S::F32_LANES);
                let deviation = simd.sub_f32s(lanes::load(simd, &dp[from..to]), dot);
                let slope = simd.mul_f32s(lanes::load(simd, &p[from..to]), deviation);
                lanes::store(simd, &mut dp[from..to], simd.mul_f32s(slope, scale));
                if let Some(dbias) = &mut self.dbias {
                    let dbias = &mut dbias[i * self.keys..][from..to];
                    let sum = simd.add_f32s(lanes::load(simd, dbias), slope);
                    lanes::store(simd, dbias, sum);
                }
            }
        }
    }
}
