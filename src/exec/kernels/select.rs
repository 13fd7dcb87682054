//! A choice between two operands, element by element.

use super::operand::{CHUNK, Operand, Source, Walk};
use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// `out[i, j] = a[i, j]` where `condition[i, j]` is not 0 (NaN counts as such), else `b[i, j]`. `out` is `rows x width`; the
/// operands are broadcast to it. A value that is not chosen has no influence, not even NaN.
pub fn select(condition: Operand, a: Operand, b: Operand, out: &mut [f32], width: usize) {
    assert!(width > 0 && out.len().is_multiple_of(width), "select: {} entries are no rows of {width}", out.len());
    [condition, a, b].iter().for_each(|o| o.check(out.len() / width, width));
    dispatch::run(Select { condition, a, b, out, width });
}

struct Select<'a> {
    condition: Operand<'a>,
    a: Operand<'a>,
    b: Operand<'a>,
    out: &'a mut [f32],
    width: usize,
}

impl WithSimd for Select<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        let walk = Walk::new(&[self.condition, self.a, self.b], self.out.len(), width);
        let mut fetched = [[0.0; CHUNK]; 3];
        for (i, out) in self.out.chunks_mut(walk.chunk).enumerate() {
            let (from, count) = (i * walk.chunk, out.len());
            let size = walk.run.min(count);
            let [for_condition, for_a, for_b] = &mut fetched;
            let (mut condition, mut a, mut b) = (self.condition, self.a, self.b);
            if walk.fetch {
                condition = condition.part(from, count, for_condition);
                a = a.part(from, count, for_a);
                b = b.part(from, count, for_b);
            }
            let (condition, a, b) = (condition.beside(size, width), a.beside(size, width), b.beside(size, width));
            for (run, out) in out.chunks_exact_mut(size).enumerate() {
                let (condition, a, b) = (condition.source(run, size), a.source(run, size), b.source(run, size));
                for (at, to) in (0..size).step_by(S::F32_LANES).zip(out.chunks_mut(S::F32_LANES)) {
                    let no = simd.equal_f32s(load(simd, condition, at), simd.splat_f32s(0.0));
                    lanes::store(simd, to, simd.select_f32s(no, load(simd, b, at), load(simd, a, at)));
                }
            }
        }
    }
}

/// The lanes from entry `at` of a run on.
#[inline(always)]
fn load<S: Simd>(simd: S, source: Source, at: usize) -> S::f32s {
    match source {
        Source::Values(values) => lanes::load(simd, &values[at..]),
        Source::Splat(value) => simd.splat_f32s(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    #[test]
    fn the_value_not_chosen_has_no_influence() {
        on_every_arch(|| {
            let mut out = [0.0; 4];
            let condition = Operand::all(&[1.0, 0.0, -0.0, f32::NAN], 2);
            select(
                condition,
                Operand::one(&[1.0, f32::NAN]),
                Operand::mapped(&[f32::NAN, 7.0], 1, &[1, 1]),
                &mut out,
                2,
            );
            assert_eq!(out[..3], [1.0, 7.0, 7.0]);
            assert!(out[3].is_nan());
        });
    }

    #[test]
    fn every_width_chooses_by_row_and_by_element() {
        on_every_arch(|| {
            for width in 1..40 {
                let rows = 5;
                let a: Vec<f32> = (0..rows * width).map(|i| i as f32 + 1.0).collect();
                let flags = [1.0, 0.0, 2.0, 0.0, -1.0];
                let mut out = vec![0.0; rows * width];
                select(Operand::all(&flags, 1), Operand::all(&a, width), Operand::one(&[-1.0]), &mut out, width);
                for (i, out) in out.iter().enumerate() {
                    assert_eq!(*out, if flags[i / width] != 0.0 { a[i] } else { -1.0 });
                }
            }
        });
    }
}
