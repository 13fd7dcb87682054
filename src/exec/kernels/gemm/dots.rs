//! Products whose right side is one column: a dot product per row.

use super::super::lanes;
use super::Start;
use pulp::{MemMask, Simd, WithSimd};

/// `n = 1` with contiguous rows: a dot product per row.
pub(super) struct Dots<'a> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) a: &'a [f32],
    pub(super) a_stride: usize,
    pub(super) b: &'a [f32],
    pub(super) start: Start<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) c_stride: usize,
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut this = self;
        let mut i = 0;
        while i < this.m {
            // Eight rows share the loads of b and hide the latency of each other's reduction.
            i += if this.m - i >= 8 { this.rows::<S, 8>(simd, i) } else { this.rows::<S, 1>(simd, i) };
        }
    }
}

impl Dots<'_> {
    /// Rows `i .. i + H`. Returns `H`.
    #[inline(always)]
    #[allow(unsafe_code, reason = "bounds checks in the innermost loop would cost more than the arithmetic")]
    fn rows<S: Simd, const H: usize>(&mut self, simd: S, i: usize) -> usize {
        let lanes = S::F32_LANES;
        let mut sums = [simd.splat_f32s(0.0); H];
        let a = &self.a[i * self.a_stride..];
        let whole = self.k / lanes;
        let mask = MemMask::new(lanes::first(simd, self.k - whole * lanes));
        // SAFETY: `gemm` checked that entry (m - 1, k - 1) of A and entry k - 1 of B lie inside their slices. Registers below
        // `whole` end at or before k, and the mask of the last ends at k; i + H <= m.
        unsafe {
            let (a, b) = (a.as_ptr(), self.b.as_ptr());
            for p in 0..whole {
                let right = b.add(p * lanes).cast::<S::f32s>().read_unaligned();
                for (h, sum) in sums.iter_mut().enumerate() {
                    let left = a.add(h * self.a_stride + p * lanes).cast::<S::f32s>().read_unaligned();
                    *sum = simd.mul_add_e_f32s(left, right, *sum);
                }
            }
            if whole * lanes < self.k {
                let right = simd.mask_load_ptr_f32s(mask, b.add(whole * lanes));
                for (h, sum) in sums.iter_mut().enumerate() {
                    let left = simd.mask_load_ptr_f32s(mask, a.add(h * self.a_stride + whole * lanes));
                    *sum = simd.mul_add_e_f32s(left, right, *sum);
                }
            }
        }
        for (i, sum) in (i..i + H).zip(sums) {
            let c = &mut self.c[i * self.c_stride];
            let start = match self.start {
                Start::Zero => 0.0,
                Start::Keep => *c,
                Start::Row(row) => row[0],
                Start::Rows(rows) => rows[i],
                Start::Mapped { rows, map } => rows[map[i] as usize],
            };
            *c = start + simd.reduce_sum_f32s(sum);
        }
        H
    }
}
