//! Reductions along a row: sums, maxima, dot products.

use super::binary::{Binary, Write, binary};
use super::operand::{Operand, Rows};
use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// `out[i] = sum over j of a[i, j] b[i, j]`, or `+=`. Both operands are `width` wide; either may be one row or behind a row map:
/// scores of events against their sample, and the gradient of a weight per row.
pub fn row_dot(a: Operand, b: Operand, width: usize, write: Write, out: &mut [f32]) {
    assert!(a.width == width && b.width == width, "row dot: widths {} and {} for {width}", a.width, b.width);
    [a, b].iter().for_each(|o| o.check(out.len(), width));
    if width == 1 {
        binary(Binary::Mul, a, b, write, out, 1);
    } else {
        dispatch::run(Dot { a, b, width, write, out });
    }
}

/// `out[i] = sum over j of x[i, j]`, or `+=`: the gradient of a value repeated over the row.
pub fn row_sum(x: &[f32], width: usize, write: Write, out: &mut [f32]) {
    assert_eq!(x.len(), out.len() * width, "row sum: lengths differ");
    dispatch::run(Sum { x, width, write, out });
}

/// `out[i] = max over j of x[i, j]`; NaN if one is, minus infinity without columns.
pub fn row_max(x: &[f32], width: usize, out: &mut [f32]) {
    assert_eq!(x.len(), out.len() * width, "row max: lengths differ");
    dispatch::run(Max { x, width, out });
}

/// `sum of x[i]^2` in f64: the norm that gradient clipping asks for. The order of additions depends on the length alone.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    dispatch::run(Accumulate { x, square: true })
}

/// `sum of x[i]` in f64: losses and statistics. The order of additions depends on the length alone.
pub fn sum(x: &[f32]) -> f64 {
    dispatch::run(Accumulate { x, square: false })
}

struct Accumulate<'a> {
    x: &'a [f32],
    square: bool,
}

impl WithSimd for Accumulate<'_> {
    type Output = f64;

    /// Sixteen chains of plain code, which the compiler turns into vectors; each instruction set gives the same bits.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut sums = [0.0; 16];
        for x in self.x.chunks(16) {
            for (sum, x) in sums.iter_mut().zip(x) {
                let x = f64::from(*x);
                *sum += if self.square { x * x } else { x };
            }
        }
        sums.iter().sum()
    }
}

struct Dot<'a> {
    a: Operand<'a>,
    b: Operand<'a>,
    width: usize,
    write: Write,
    out: &'a mut [f32],
}

impl WithSimd for Dot<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let dot = lanes::dot(simd, row(&self.a, i, self.width), row(&self.b, i, self.width));
            *out = if self.write == Write::Add { *out + dot } else { dot };
        }
    }
}

#[inline(always)]
fn row<'a>(operand: &Operand<'a>, i: usize, width: usize) -> &'a [f32] {
    let i = match operand.rows {
        Rows::All => i,
        Rows::One => 0,
        Rows::Map(map) => map[i] as usize,
    };
    &operand.data[i * width..][..width]
}

struct Sum<'a> {
    x: &'a [f32],
    width: usize,
    write: Write,
    out: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let sum = lanes::sum(simd, &self.x[i * self.width..][..self.width]);
            *out = if self.write == Write::Add { *out + sum } else { sum };
        }
    }
}

struct Max<'a> {
    x: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for Max<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let x = &self.x[i * self.width..][..self.width];
            // A register's maximum may drop NaN. The sum of the row keeps it, and is NaN without one only if it holds both infinities.
            let largest = simd.reduce_max_f32s(lanes::max(simd, x));
            let suspect = lanes::sum(simd, x).is_nan();
            *out = if suspect && x.iter().any(|x| x.is_nan()) { f32::NAN } else { largest };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 64) as f32 * 0.125 - 4.0).collect()
    }

    #[test]
    fn rows_of_every_width_agree_with_f64() {
        on_every_arch(|| {
            for width in (1..40).chain([100, 129]) {
                let (a, b) = (numbers(1, 5 * width), numbers(2, 3 * width));
                let map = [2, 0, 0, 1, 2];
                let old = [0.5, 1.5, 2.5, 3.5, 4.5];
                let (mut dot, mut added, mut sum, mut max) = ([0.0; 5], old, [0.0; 5], [0.0; 5]);
                row_dot(Operand::all(&a, width), Operand::mapped(&b, width, &map), width, Write::Set, &mut dot);
                row_dot(Operand::one(&b[..width]), Operand::all(&a, width), width, Write::Add, &mut added);
                row_sum(&a, width, Write::Set, &mut sum);
                row_max(&a, width, &mut max);
                for i in 0..5 {
                    let x = &a[i * width..][..width];
                    // Multiples of 1/64, small: sums are exact in any order.
                    let product = |r: usize| -> f32 { x.iter().zip(&b[r * width..]).map(|(x, b)| x * b).sum() };
                    assert_eq!(dot[i], product(map[i] as usize), "width {width}");
                    assert_eq!(added[i], old[i] + product(0), "width {width}");
                    assert_eq!(sum[i], x.iter().sum::<f32>(), "width {width}");
                    assert_eq!(max[i], x.iter().copied().fold(f32::NEG_INFINITY, f32::max), "width {width}");
                }
            }
        });
    }

    #[test]
    fn sums_are_in_double_precision() {
        on_every_arch(|| {
            let mut x = vec![1e-4; 1000];
            x.push(1e8);
            assert!((sum(&x) - 1e8 - 1000.0 * f64::from(1e-4f32)).abs() < 1e-7);
            assert_eq!(sum_of_squares(&[3.0; 37]), 333.0);
            assert_eq!(sum(&[]), 0.0);
        });
    }

    #[test]
    fn nan_is_the_maximum() {
        on_every_arch(|| {
            for at in 0..20 {
                let mut x = [1.0; 20];
                x[at] = f32::NAN;
                let mut out = [0.0];
                row_max(&x, 20, &mut out);
                assert!(out[0].is_nan());
            }
        });
    }

    #[test]
    fn no_columns_sum_to_zero() {
        let mut out = [7.0; 2];
        row_sum(&[], 0, Write::Set, &mut out);
        assert_eq!(out, [0.0; 2]);
    }
}
