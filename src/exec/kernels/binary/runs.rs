//! The loops of `binary`, one for each way in which two operands stand beside a run of the result.

use super::super::lanes::Tail;
use super::super::operand::Beside;
use super::functions::Map2;
use pulp::Simd;

/// Runs of `size` entries.
#[derive(Clone, Copy)]
pub(super) struct Runs<S, F> {
    pub(super) simd: S,
    pub(super) f: F,
    pub(super) size: usize,
    /// Add to the result instead of overwriting it.
    pub(super) add: bool,
}

impl<S: Simd, F: Map2> Runs<S, F> {
    /// `out = f(a, b)`; without `a`, `out = f(out, b)`.
    #[inline(always)]
    pub(super) fn all(self, a: Option<Beside>, b: Beside, out: &mut [f32]) {
        let Runs { simd, f, size, add } = self;
        let tail = Tail::new(simd, size);
        let runs = out.chunks_exact_mut(size).enumerate();
        // The way is chosen once, not for every run: rows may be as short as one register.
        match (a, b) {
            (Some(a), b) if !a.splat && !b.splat => {
                for (run, out) in runs {
                    let (a, a_tail) = S::as_simd_f32s(a.values(run, size));
                    let (b, b_tail) = S::as_simd_f32s(b.values(run, size));
                    let (out, out_tail) = S::as_mut_simd_f32s(out);
                    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                        *out = result(simd, f, *a, *b, add, *out);
                    }
                    if tail.count > 0 {
                        let old = tail.load(simd, out_tail);
                        let new = result(simd, f, tail.load(simd, a_tail), tail.load(simd, b_tail), add, old);
                        tail.store(simd, out_tail, new);
                    }
                }
            }
            (Some(a), b) if !a.splat => {
                for (run, out) in runs {
                    beside_one(simd, f, a.values(run, size), b.value(run), add, out, tail);
                }
            }
            (Some(a), b) if !b.splat => {
                for (run, out) in runs {
                    beside_one(simd, Flipped(f), b.values(run, size), a.value(run), add, out, tail);
                }
            }
            (Some(a), b) => {
                for (run, out) in runs {
                    let value = f.at(simd, simd.splat_f32s(a.value(run)), simd.splat_f32s(b.value(run)));
                    on_target(simd, Fill { add }, value, out, tail);
                }
            }
            (None, b) if !b.splat => {
                for (run, out) in runs {
                    let (b, b_tail) = S::as_simd_f32s(b.values(run, size));
                    let (out, out_tail) = S::as_mut_simd_f32s(out);
                    for (out, b) in out.iter_mut().zip(b) {
                        *out = f.at(simd, *out, *b);
                    }
                    if tail.count > 0 {
                        let new = f.at(simd, tail.load(simd, out_tail), tail.load(simd, b_tail));
                        tail.store(simd, out_tail, new);
                    }
                }
            }
            (None, b) => {
                for (run, out) in runs {
                    on_target(simd, f, simd.splat_f32s(b.value(run)), out, tail);
                }
            }
        }
    }
}

#[inline(always)]
fn result<S: Simd, F: Map2>(simd: S, f: F, a: S::f32s, b: S::f32s, add: bool, old: S::f32s) -> S::f32s {
    if add { f.add_to(simd, a, b, old) } else { f.at(simd, a, b) }
}

/// `out = f(a, b)`, or `+=`, for one value `b`.
#[inline(always)]
fn beside_one<S: Simd, F: Map2>(simd: S, f: F, a: &[f32], b: f32, add: bool, out: &mut [f32], tail: Tail<S>) {
    let b = simd.splat_f32s(b);
    let (a, a_tail) = S::as_simd_f32s(a);
    let (out, out_tail) = S::as_mut_simd_f32s(out);
    for (out, a) in out.iter_mut().zip(a) {
        *out = result(simd, f, *a, b, add, *out);
    }
    if tail.count > 0 {
        let old = tail.load(simd, out_tail);
        tail.store(simd, out_tail, result(simd, f, tail.load(simd, a_tail), b, add, old));
    }
}

/// `out = f(out, b)` for one value `b`.
#[inline(always)]
fn on_target<S: Simd, F: Map2>(simd: S, f: F, b: S::f32s, out: &mut [f32], tail: Tail<S>) {
    let (out, out_tail) = S::as_mut_simd_f32s(out);
    for out in out {
        *out = f.at(simd, *out, b);
    }
    if tail.count > 0 {
        let new = f.at(simd, tail.load(simd, out_tail), b);
        tail.store(simd, out_tail, new);
    }
}

/// `f(b, a)`.
#[derive(Clone, Copy)]
struct Flipped<F>(F);

impl<F: Map2> Map2 for Flipped<F> {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.at(simd, b, a)
    }

    #[inline(always)]
    fn add_to<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        self.0.add_to(simd, b, a, sum)
    }
}

/// `b`, or `a + b`.
#[derive(Clone, Copy)]
struct Fill {
    add: bool,
}

impl Map2 for Fill {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        if self.add { simd.add_f32s(a, b) } else { b }
    }
}
