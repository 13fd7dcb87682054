//! The micro kernel: a tile of `C` in registers, the whole of `k` in one loop.

use super::super::lanes;
use super::{Start, Strided};
use pulp::{MemMask, Simd, WithSimd};

/// A checked product: every entry that `gemm` promises lies inside its slice.
pub(super) struct Tiles<'a> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) a: Strided<'a>,
    pub(super) b: &'a [f32],
    pub(super) b_stride: usize,
    pub(super) start: Start<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) c_stride: usize,
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Accumulators, one row of B, and a broadcast must fit: 8 x 3 in 32 registers, 6 x 2 in 16.
        let most = if S::REGISTER_COUNT >= 32 { 3 } else { 2 };
        let registers = self.n.div_ceil(S::F32_LANES);
        let panels = registers.div_ceil(most);
        let mut first = 0;
        for panel in 0..panels {
            // As even as possible: 4 registers are 2 + 2, since a panel of one is short of arithmetic.
            let width = (registers - first).div_ceil(panels - panel);
            // A mask has registers of its own in AVX-512. Elsewhere it takes one that the tile needs.
            let full = S::REGISTER_COUNT < 32 && (first + width) * S::F32_LANES <= self.n;
            match (width, full) {
                (1, false) => self.panel::<S, 1, false>(simd, first),
                (1, true) => self.panel::<S, 1, true>(simd, first),
                (2, false) => self.panel::<S, 2, false>(simd, first),
                (2, true) => self.panel::<S, 2, true>(simd, first),
                _ => self.panel::<S, 3, false>(simd, first),
            }
            first += width;
        }
    }
}

impl Tiles<'_> {
    /// All rows of the columns that the registers `first .. first + W` of a row hold; `FULL` if they are full.
    #[inline(always)]
    fn panel<S: Simd, const W: usize, const FULL: bool>(&mut self, simd: S, first: usize) {
        let from = first * S::F32_LANES;
        let height = match (S::REGISTER_COUNT >= 32, FULL || W == 1) {
            (true, _) => 8,
            (false, true) => 6,
            (false, false) => 4,
        };
        let mut i = 0;
        while i < self.m {
            let rest = self.m - i;
            i += if height == 8 && rest >= 8 {
                self.tile::<S, 8, W, FULL>(simd, i, from)
            } else if height == 6 && rest >= 6 {
                self.tile::<S, 6, W, FULL>(simd, i, from)
            } else if rest >= 4 {
                self.tile::<S, 4, W, FULL>(simd, i, from)
            } else if rest >= 2 {
                self.tile::<S, 2, W, FULL>(simd, i, from)
            } else {
                self.tile::<S, 1, W, FULL>(simd, i, from)
            };
        }
    }

    /// Rows `i .. i + H`, columns from `from`, `W` registers wide of which the last may end at column `n`. Returns `H`.
    ///
    /// All loops over `H` and `W` must unroll, or the sums leave their registers: no branch but on constants inside.
    #[inline(always)]
    #[allow(unsafe_code, reason = "bounds checks in the innermost loop would cost more than the arithmetic")]
    fn tile<S: Simd, const H: usize, const W: usize, const FULL: bool>(
        &mut self,
        simd: S,
        i: usize,
        from: usize,
    ) -> usize {
        let lanes = S::F32_LANES;
        let last = (W - 1) * lanes;
        let mask = MemMask::new(lanes::first(simd, self.n - from - last));
        let mut sums = [[simd.splat_f32s(0.0); W]; H];

        for (h, sum) in sums.iter_mut().enumerate() {
            let row = match self.start {
                Start::Zero => break,
                Start::Keep => &self.c[(i + h) * self.c_stride + from..],
                Start::Row(row) => &row[from..],
                Start::Rows(rows) => &rows[(i + h) * self.n + from..],
                Start::Mapped { rows, map } => &rows[map[i + h] as usize * self.n + from..],
            };
            // SAFETY: `row` has n - from entries or more (checked in `gemm`), as many as the registers hold.
            *sum = unsafe { load_row::<S, W, FULL>(simd, row.as_ptr(), mask) };
        }

        // SAFETY: `with_simd` and `panel` keep i + H <= m and from + last < n, and W full registers end at or before column n if
        // FULL; otherwise the mask of the last ends there. `gemm` checked that entries (m - 1, k - 1) of A and (k - 1, n - 1) of B
        // lie inside their slices, and offsets grow with the indices. Pointers beyond are computed after the last round,
        // wrapping, and not read.
        unsafe {
            let mut a = self.a.data.as_ptr().wrapping_add(i * self.a.row);
            let mut b = self.b.as_ptr().wrapping_add(from);
            for _ in 0..self.k {
                let right = load_row::<S, W, FULL>(simd, b, mask);
                for (h, sum) in sums.iter_mut().enumerate() {
                    let left = simd.splat_f32s(*a.wrapping_add(h * self.a.row));
                    for (sum, right) in sum.iter_mut().zip(right) {
                        *sum = simd.mul_add_e_f32s(left, right, *sum);
                    }
                }
                a = a.wrapping_add(self.a.column);
                b = b.wrapping_add(self.b_stride);
            }
        }

        for (h, sum) in sums.iter().enumerate() {
            let row = &mut self.c[(i + h) * self.c_stride + from..];
            for (w, sum) in sum.iter().enumerate() {
                if FULL || w + 1 < W {
                    // SAFETY: as for the loads: registers before the last end before column n of row i + h.
                    unsafe { row.as_mut_ptr().add(w * lanes).cast::<S::f32s>().write_unaligned(*sum) };
                } else if S::REGISTER_COUNT >= 32 {
                    // SAFETY: and the mask of the last ends there.
                    unsafe { simd.mask_store_ptr_f32s(mask, row.as_mut_ptr().add(last), *sum) };
                } else {
                    lanes::store(simd, &mut row[last..self.n - from], *sum);
                }
            }
        }
        H
    }
}

/// # Safety
/// `W` registers from `from` on must be readable, of the last one only the lanes of `mask` unless `FULL`.
#[inline(always)]
#[allow(unsafe_code, reason = "loads of the micro kernel")]
unsafe fn load_row<S: Simd, const W: usize, const FULL: bool>(
    simd: S,
    from: *const f32,
    mask: MemMask<S::m32s>,
) -> [S::f32s; W] {
    let mut row = [simd.splat_f32s(0.0); W];
    for (w, to) in row.iter_mut().enumerate() {
        // SAFETY: promised by the caller.
        unsafe {
            let from = from.add(w * S::F32_LANES);
            *to = if FULL || w + 1 < W {
                from.cast::<S::f32s>().read_unaligned()
            } else {
                simd.mask_load_ptr_f32s(mask, from)
            };
        }
    }
    row
}
