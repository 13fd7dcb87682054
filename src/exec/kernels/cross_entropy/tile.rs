//! What happens to a tile of scores, `classes x rows`.

use super::super::{lanes, math};
use pulp::{Simd, WithSimd};

/// Adds the classes of a tile to the maxima and sums of its rows.
pub(super) struct Absorb<'a> {
    pub(super) tile: &'a [f32],
    pub(super) rows: usize,
    pub(super) max: &'a mut [f32],
    pub(super) sum: &'a mut [f32],
}

impl WithSimd for Absorb<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let low = simd.splat_f32s(f32::NEG_INFINITY);
        for from in (0..self.rows).step_by(S::F32_LANES) {
            let at = from..self.rows.min(from + S::F32_LANES);
            let old = lanes::load(simd, &self.max[at.clone()]);
            let mut max = old;
            for scores in self.tile.chunks_exact(self.rows) {
                max = simd.max_f32s(max, lanes::load(simd, &scores[at.clone()]));
            }
            // While all classes are left out, there is no finite number to subtract.
            let shift = simd.select_f32s(simd.equal_f32s(max, low), simd.splat_f32s(0.0), max);
            let kept = math::exp(simd, simd.sub_f32s(old, shift));
            let mut sum = simd.mul_f32s(lanes::load(simd, &self.sum[at.clone()]), kept);
            for scores in self.tile.chunks_exact(self.rows) {
                let score = lanes::load(simd, &scores[at.clone()]);
                sum = simd.add_f32s(sum, math::exp(simd, simd.sub_f32s(score, shift)));
            }
            lanes::store(simd, &mut self.max[at.clone()], max);
            lanes::store(simd, &mut self.sum[at], sum);
        }
    }
}

/// Scores become `g e^(score - log_sum)`: the slopes of the losses, but for the targets.
pub(super) struct Slopes<'a> {
    pub(super) tile: &'a mut [f32],
    pub(super) rows: usize,
    pub(super) log_sum: &'a [f32],
    pub(super) g: &'a [f32],
}

impl WithSimd for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for from in (0..self.rows).step_by(S::F32_LANES) {
            let at = from..self.rows.min(from + S::F32_LANES);
            let log_sum = lanes::load(simd, &self.log_sum[at.clone()]);
            let g = lanes::load(simd, &self.g[at.clone()]);
            for scores in self.tile.chunks_exact_mut(self.rows) {
                let scores = &mut scores[at.clone()];
                let share = math::exp(simd, simd.sub_f32s(lanes::load(simd, scores), log_sum));
                lanes::store(simd, scores, simd.mul_f32s(share, g));
            }
        }
    }
}
