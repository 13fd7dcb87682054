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
    // SAFETY: lane i is enabled only if i < x.len(), and disabled lanes are not read.
    unsafe { simd.mask_load_ptr_f32s(MemMask::new(first(simd, x.len())), x.as_ptr()) }
}

/// Writes the first lanes of `value` to `y`, as many as it has room for.
#[inline(always)]
#[allow(unsafe_code, reason = "a masked store; pulp's safe partial_store jumps through opaque assembly for every call")]
pub(super) fn store<S: Simd>(simd: S, y: &mut [f32], value: S::f32s) {
    // SAFETY: lane i is enabled only if i < y.len(), and disabled lanes are not written.
    unsafe { simd.mask_store_ptr_f32s(MemMask::new(first(simd, y.len())), y.as_mut_ptr(), value) }
}

/// A function of one lane.
pub(super) trait Map1: Copy {
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

/// `y = f(x)`, as far as the shorter one goes.
#[inline(always)]
pub(super) fn map<S: Simd, F: Map1>(simd: S, f: F, x: &[f32], y: &mut [f32]) {
    let len = x.len().min(y.len());
    let (xs, x_tail) = S::as_simd_f32s(&x[..len]);
    let (ys, y_tail) = S::as_mut_simd_f32s(&mut y[..len]);
    for (y, x) in ys.iter_mut().zip(xs) {
        *y = f.at(simd, *x);
    }
    if !x_tail.is_empty() {
        store(simd, y_tail, f.at(simd, load(simd, x_tail)));
    }
}

/// `y = f(y)`.
#[inline(always)]
pub(super) fn map_in_place<S: Simd, F: Map1>(simd: S, f: F, y: &mut [f32]) {
    let (ys, y_tail) = S::as_mut_simd_f32s(y);
    for y in ys {
        *y = f.at(simd, *y);
    }
    if !y_tail.is_empty() {
        let value = f.at(simd, load(simd, y_tail));
        store(simd, y_tail, value);
    }
}

/// `sum a[i] b[i]`, as far as the shorter one goes: one sum per lane, then the lanes in a fixed tree.
#[inline(always)]
pub(super) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
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
    simd.reduce_sum_f32s(sum)
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

/// The registers of a slice in order, the last one padded with `pad`.
#[inline(always)]
pub(super) fn fold<S: Simd>(
    simd: S,
    x: &[f32],
    pad: f32,
    start: S::f32s,
    mut step: impl FnMut(S::f32s, S::f32s) -> S::f32s,
) -> S::f32s {
    let (whole, tail) = S::as_simd_f32s(x);
    let mut state = start;
    for x in whole {
        state = step(state, *x);
    }
    if !tail.is_empty() {
        let padded = simd.select_f32s(first(simd, tail.len()), load(simd, tail), simd.splat_f32s(pad));
        state = step(state, padded);
    }
    state
}
