//! Vector registers over slices: loads, stores and loops whose last lanes run under a mask.

use pulp::{MemMask, Simd};

/// The mask of the first `count` lanes (all of them if `count` is larger).
#[inline(always)]
pub(super) fn first<S: Simd>(simd: S, count: usize) -> S::m32s {
    simd.mask_between_m32s(0, count.min(S::F32_LANES) as u32).mask()
}

/// The first lanes from `x`, zero in those beyond its end.
#[inline(always)]
#[allow(unsafe_code, reason = "a masked load; pulp's safe partial_load jumps through opaque assembly for every call")]
pub(super) fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    if let [whole, ..] = S::as_simd_f32s(x).0 {
        return *whole;
    }
    // SAFETY: lane i is enabled only if i < x.len(), and disabled lanes are not read.
    unsafe { simd.mask_load_ptr_f32s(MemMask::new(first(simd, x.len())), x.as_ptr()) }
}

/// Writes the first lanes of `value` to `y`, as many as it has room for.
#[inline(always)]
#[allow(unsafe_code, reason = "a masked store")]
pub(super) fn store<S: Simd>(simd: S, y: &mut [f32], value: S::f32s) {
    if let [whole, ..] = S::as_mut_simd_f32s(y).0 {
        *whole = value;
        return;
    }
    if S::REGISTER_COUNT < 32 {
        // AVX2's masked store takes dozens of cycles on AMD; loads do not.
        simd.partial_store_f32s(y, value);
        return;
    }
    // SAFETY: lane i is enabled only if i < y.len(), and disabled lanes are not written.
    unsafe { simd.mask_store_ptr_f32s(MemMask::new(first(simd, y.len())), y.as_mut_ptr(), value) }
}

/// `sum a[i] b[i]`, as far as the shorter one goes: one sum per lane, then the lanes in a fixed tree.
#[inline(always)]
pub(super) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    simd.reduce_sum_f32s(dot_lanes(simd, a, b))
}

/// The products `a[i] b[i]`, summed lane by lane.
#[inline(always)]
pub(super) fn dot_lanes<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> S::f32s {
    let len = a.len().min(b.len());
    let (a, a_tail) = S::as_simd_f32s(&a[..len]);
    let (b, b_tail) = S::as_simd_f32s(&b[..len]);
    let mut sum = simd.splat_f32s(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = simd.mul_add_e_f32s(*a, *b, sum);
    }
    if !a_tail.is_empty() {
        sum = simd.mul_add_e_f32s(load(simd, a_tail), load(simd, b_tail), sum);
    }
    sum
}

/// `sum x[i]`: one sum per lane, then the lanes in a fixed tree.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, x: &[f32]) -> f32 {
    let (x, tail) = S::as_simd_f32s(x);
    let mut sum = simd.splat_f32s(0.0);
    for x in x {
        sum = simd.add_f32s(sum, *x);
    }
    if !tail.is_empty() {
        sum = simd.add_f32s(sum, load(simd, tail));
    }
    simd.reduce_sum_f32s(sum)
}

/// The largest `x[i]` of each lane, minus infinity without any. A NaN may be dropped.
#[inline(always)]
pub(super) fn max<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    let low = simd.splat_f32s(f32::NEG_INFINITY);
    let (x, tail) = S::as_simd_f32s(x);
    let mut max = low;
    for x in x {
        max = simd.max_f32s(max, *x);
    }
    let tail = simd.select_f32s(first(simd, tail.len()), load(simd, tail), low);
    simd.max_f32s(max, tail)
}

/// The last lanes of rows of one length, for loops over many rows: the mask is made once.
#[derive(Clone, Copy)]
pub(super) struct Tail<S: Simd> {
    /// Entries of a row beyond its last full register.
    pub(super) count: usize,
    mask: MemMask<S::m32s>,
}

impl<S: Simd> Tail<S> {
    #[inline(always)]
    pub(super) fn new(simd: S, width: usize) -> Self {
        let count = width % S::F32_LANES;
        Tail { count, mask: MemMask::new(first(simd, count)) }
    }

    /// The first `count` lanes from `x`, zero in the others.
    #[inline(always)]
    #[allow(unsafe_code, reason = "a masked load")]
    pub(super) fn load(&self, simd: S, x: &[f32]) -> S::f32s {
        assert!(x.len() >= self.count);
        // SAFETY: the mask enables lane i only if i < count, and x is at least that long.
        unsafe { simd.mask_load_ptr_f32s(self.mask, x.as_ptr()) }
    }

    /// Writes the first `count` lanes.
    #[inline(always)]
    #[allow(unsafe_code, reason = "a masked store")]
    pub(super) fn store(&self, simd: S, y: &mut [f32], value: S::f32s) {
        let y = &mut y[..self.count];
        if S::REGISTER_COUNT < 32 {
            simd.partial_store_f32s(y, value);
            return;
        }
        // SAFETY: the mask enables lane i only if i < count, the length of y.
        unsafe { simd.mask_store_ptr_f32s(self.mask, y.as_mut_ptr(), value) }
    }
}
