//! The loops of `binary`, one for each way in which two operands stand beside a run of the result.

use super::super::lanes::Tail;
use super::super::operand::{Beside, Source};
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
        if F::CHEAP { self.by_kind(a, b, out) } else { self.one_loop(a, b, out) }
    }

    /// One loop for all ways: the compiled code of an expensive function is there once, and the branches cost little beside it.
    #[inline(always)]
    fn one_loop(self, a: Option<Beside>, b: Beside, out: &mut [f32]) {
        let Runs { simd, f, size, add } = self;
        let tail = Tail::new(simd, size);
        for (run, out) in out.chunks_exact_mut(size).enumerate() {
            let (out, out_tail) = S::as_mut_simd_f32s(out);
            let b = Side::new(simd, Some(b.source(run, size)), out.len());
            let a = Side::new(simd, a.map(|a| a.source(run, size)), out.len());
            for (i, out) in out.iter_mut().enumerate() {
                let value = f.at(simd, a.whole(i, *out), b.whole(i, *out));
                *out = if add { simd.add_f32s(*out, value) } else { value };
            }
            if tail.count > 0 {
                let old = tail.load(simd, out_tail);
                let value = f.at(simd, a.tail(simd, tail, old), b.tail(simd, tail, old));
                tail.store(simd, out_tail, if add { simd.add_f32s(old, value) } else { value });
            }
        }
    }

    /// A loop for each way in which the operands can stand beside the result: nothing but the arithmetic is left inside.
    #[inline(always)]
    fn by_kind(self, a: Option<Beside>, b: Beside, out: &mut [f32]) {
        let Runs { simd, f, size, add } = self;
        let tail = Tail::new(simd, size);
        let runs = out.chunks_exact_mut(size).enumerate();
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

/// An operand of `one_loop`.
enum Side<'a, S: Simd> {
    Values(&'a [S::f32s], &'a [f32]),
    Splat(S::f32s),
    /// The result, before it is written.
    Target,
}

impl<'a, S: Simd> Side<'a, S> {
    #[inline(always)]
    fn new(simd: S, source: Option<Source<'a>>, registers: usize) -> Self {
        match source {
            Some(Source::Values(values)) => {
                let (whole, tail) = S::as_simd_f32s(values);
                Side::Values(&whole[..registers], tail)
            }
            Some(Source::Splat(value)) => Side::Splat(simd.splat_f32s(value)),
            None => Side::Target,
        }
    }

    #[inline(always)]
    fn whole(&self, i: usize, old: S::f32s) -> S::f32s {
        match self {
            Side::Values(whole, _) => whole[i],
            Side::Splat(value) => *value,
            Side::Target => old,
        }
    }

    #[inline(always)]
    fn tail(&self, simd: S, tail: Tail<S>, old: S::f32s) -> S::f32s {
        match self {
            Side::Values(_, values) => tail.load(simd, values),
            Side::Splat(value) => *value,
            Side::Target => old,
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
