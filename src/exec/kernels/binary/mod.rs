//! One function of two operands, element by element, with broadcasting; gradients of activations are such functions too.

mod functions;
mod runs;

use super::dispatch;
use super::operand::{CHUNK, Operand, Walk};
use functions::*;
use pulp::{Simd, WithSimd};
use runs::Runs;

/// A function of two numbers `a` and `b`. Comparisons give 1 or 0; with NaN they are false, except `NotEqual`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// The larger one; NaN if either is.
    Max,
    /// The smaller one; NaN if either is.
    Min,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// Binary cross-entropy `softplus(a) - a b` of the logit `a` and the label `b`; 0 where the label is NaN: null.
    Bce,
    /// Its slope in the logit, `sigmoid(a) - b`; 0 where the label is NaN.
    BceSlope,
    /// Gradient `a` of `y = gelu(x)`, taken back to `x = b`.
    GeluGrad,
    /// Gradient `a` of `y = leaky_relu(x)`, taken back to `x = b` (or `y`, if the slope is positive).
    LeakyReluGrad(f32),
    /// Gradient `a` of `y = relu(x)`, taken back to `x = b` (or `y`); 0 at 0.
    ReluGrad,
    /// Gradient `a` of `y = sigmoid(x)`, taken back to `x`; `b = y`.
    SigmoidGrad,
    /// Gradient `a` of `y = softplus(x)`, taken back to `x = b`.
    SoftplusGrad,
    /// Gradient `a` of `y = sqrt(x)`, taken back to `x`; `b = y`; 0 at 0.
    SqrtGrad,
    /// Gradient `a` of `y = tanh(x)`, taken back to `x`; `b = y`.
    TanhGrad,
}

/// What happens to the present values of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// They are overwritten, unread.
    Set,
    /// The new values are added to them: the sum of several gradients.
    Add,
}

/// `out[i, j] = op(a[i, j], b[i, j])`, or `+=`. `out` is `rows x width`; the operands are broadcast to it. About 0.1 ns an element
/// in cache for arithmetic, a few times that for gradients with an exponential.
pub fn binary(op: Binary, a: Operand, b: Operand, write: Write, out: &mut [f32], width: usize) {
    check(&[a, b], out.len(), width);
    dispatch::run(Apply { op, a: Some(a), b, write, out, width });
}

/// `out[i, j] = op(out[i, j], b[i, j])`.
pub fn binary_in_place(op: Binary, out: &mut [f32], b: Operand, width: usize) {
    check(&[b], out.len(), width);
    dispatch::run(Apply { op, a: None, b, write: Write::Set, out, width });
}

fn check(operands: &[Operand], len: usize, width: usize) {
    assert!(width > 0 && len.is_multiple_of(width), "binary: {len} entries are no rows of {width}");
    operands.iter().for_each(|o| o.check(len / width, width));
}

struct Apply<'a> {
    op: Binary,
    /// `None` for the result itself.
    a: Option<Operand<'a>>,
    b: Operand<'a>,
    write: Write,
    out: &'a mut [f32],
    width: usize,
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.op {
            Binary::Add => self.runs(simd, Add),
            Binary::Sub => self.runs(simd, Sub),
            Binary::Mul => self.runs(simd, Mul),
            Binary::Div => self.runs(simd, Div),
            Binary::Max => self.runs(simd, Max),
            Binary::Min => self.runs(simd, Min),
            Binary::Equal => self.runs(simd, Equal),
            Binary::NotEqual => self.runs(simd, NotEqual),
            Binary::Less => self.runs(simd, Less),
            Binary::LessEqual => self.runs(simd, LessEqual),
            Binary::Greater => self.runs(simd, Greater),
            Binary::GreaterEqual => self.runs(simd, GreaterEqual),
            Binary::Bce => self.runs(simd, Bce),
            Binary::BceSlope => self.runs(simd, BceSlope),
            Binary::GeluGrad => self.runs(simd, GeluGrad),
            Binary::LeakyReluGrad(slope) => self.runs(simd, LeakyReluGrad(slope)),
            Binary::ReluGrad => self.runs(simd, LeakyReluGrad(0.0)),
            Binary::SigmoidGrad => self.runs(simd, SigmoidGrad),
            Binary::SoftplusGrad => self.runs(simd, SoftplusGrad),
            Binary::SqrtGrad => self.runs(simd, SqrtGrad),
            Binary::TanhGrad => self.runs(simd, TanhGrad),
        }
    }
}

impl Apply<'_> {
    #[inline(always)]
    fn runs<S: Simd, F: Map2>(self, simd: S, f: F) {
        let Apply { a, b, width, out, .. } = self;
        let walk = Walk::new(&[a.unwrap_or(b), b], out.len(), width);
        let mut fetched = [[0.0; CHUNK]; 2];
        for (i, out) in out.chunks_mut(walk.chunk).enumerate() {
            let (from, count) = (i * walk.chunk, out.len());
            let size = walk.run.min(count);
            let [for_a, for_b] = &mut fetched;
            let (mut a, mut b) = (a, b);
            if walk.fetch {
                a = a.map(|a| a.part(from, count, for_a));
                b = b.part(from, count, for_b);
            }
            let runs = Runs { simd, f, size, add: self.write == Write::Add };
            runs.all(a.map(|a| a.beside(size, width)), b.beside(size, width), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::super::operand::Rows;
    use super::*;

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// `P(N <= x) + x density(x)`, the probability by its series around 0.
    fn gelu_slope(x: f64) -> f64 {
        let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (mut term, mut sum) = (x, 0.0);
        for n in 1..60 {
            sum += term;
            term *= x * x / (2 * n + 1) as f64;
        }
        0.5 + density * sum + x * density
    }

    fn flag(yes: bool) -> f64 {
        f64::from(u8::from(yes))
    }

    type Reference = fn(f64, f64) -> f64;

    const CASES: &[(Binary, Reference)] = &[
        (Binary::Add, |a, b| a + b),
        (Binary::Sub, |a, b| a - b),
        (Binary::Mul, |a, b| a * b),
        (Binary::Div, |a, b| a / b),
        (Binary::Max, f64::max),
        (Binary::Min, f64::min),
        (Binary::Equal, |a, b| flag(a == b)),
        (Binary::NotEqual, |a, b| flag(a != b)),
        (Binary::Less, |a, b| flag(a < b)),
        (Binary::LessEqual, |a, b| flag(a <= b)),
        (Binary::Greater, |a, b| flag(a > b)),
        (Binary::GreaterEqual, |a, b| flag(a >= b)),
        (Binary::Bce, |a, b| a.max(0.0) + (-a.abs()).exp().ln_1p() - a * b),
        (Binary::BceSlope, |a, b| sigmoid(a) - b),
        (Binary::GeluGrad, |a, b| a * gelu_slope(b)),
        (Binary::LeakyReluGrad(0.25), |a, b| if b > 0.0 { a } else { 0.25 * a }),
        (Binary::ReluGrad, |a, b| if b > 0.0 { a } else { 0.0 }),
        (Binary::SigmoidGrad, |a, b| a * b * (1.0 - b)),
        (Binary::SoftplusGrad, |a, b| a * sigmoid(b)),
        (Binary::SqrtGrad, |a, b| if b > 0.0 { a / (2.0 * b) } else { 0.0 }),
        (Binary::TanhGrad, |a, b| a * (1.0 - b * b)),
    ];

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        // Quarters, so that equal pairs occur; never 0, which Div would not survive.
        (0..count).map(|i| ((i * 7 + seed * 5) % 16) as f32 * 0.25 - 1.875).collect()
    }

    /// The value of `operand` beside entry (i, j).
    fn value(operand: &Operand, i: usize, j: usize) -> f64 {
        let row = match operand.rows {
            Rows::All => i,
            Rows::One => 0,
            Rows::Map(map) => map[i] as usize,
        };
        f64::from(operand.data[row * operand.width + if operand.width == 1 { 0 } else { j }])
    }

    fn broadcasts<'a>(x: &'a [f32], width: usize, map: &'a [u32]) -> [Operand<'a>; 6] {
        [
            Operand::all(x, width),
            Operand::all(x, 1),
            Operand::one(&x[..width]),
            Operand::one(&x[..1]),
            Operand::mapped(x, width, map),
            Operand::mapped(x, 1, map),
        ]
    }

    fn close(actual: f32, expected: f64) -> bool {
        (f64::from(actual) - expected).abs() <= 2e-6 * (1.0 + expected.abs())
    }

    #[test]
    fn every_function_agrees_with_f64_for_every_broadcast() {
        on_every_arch(|| {
            for width in (1..40).chain([80, 130]) {
                let rows = if width == 1 { 150 } else { 3 };
                let (full, other) = (numbers(rows * width, 1), numbers(rows * width, 2));
                let map: Vec<u32> = (0..rows as u32).map(|i| i * 2 % 3).collect();
                for (op, reference) in CASES {
                    for a in broadcasts(&full, width, &map) {
                        for b in broadcasts(&other, width, &map) {
                            let mut set = vec![f32::NAN; rows * width];
                            binary(*op, a, b, Write::Set, &mut set, width);
                            let mut added = full.clone();
                            binary(*op, a, b, Write::Add, &mut added, width);
                            for at in 0..rows * width {
                                let (i, j) = (at / width, at % width);
                                let expected = reference(value(&a, i, j), value(&b, i, j));
                                assert!(
                                    close(set[at], expected),
                                    "{op:?} width {width} at {at}: {} for {expected}",
                                    set[at]
                                );
                                assert!(
                                    close(added[at], expected + f64::from(full[at])),
                                    "{op:?} += width {width} at {at}"
                                );
                            }
                        }
                    }
                    for b in broadcasts(&other, width, &map) {
                        let mut out = full.clone();
                        binary_in_place(*op, &mut out, b, width);
                        for at in 0..rows * width {
                            let expected = reference(f64::from(full[at]), value(&b, at / width, at % width));
                            assert!(close(out[at], expected), "{op:?} in place, width {width} at {at}");
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn nan_wins_in_max_and_min_and_loses_in_comparisons() {
        on_every_arch(|| {
            for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN)] {
                let mut out = [0.0];
                for op in [Binary::Max, Binary::Min] {
                    binary(op, Operand::one(&[a]), Operand::one(&[b]), Write::Set, &mut out, 1);
                    assert!(out[0].is_nan());
                }
                binary(Binary::LessEqual, Operand::one(&[a]), Operand::one(&[b]), Write::Set, &mut out, 1);
                assert_eq!(out[0], 0.0);
                binary(Binary::NotEqual, Operand::one(&[a]), Operand::one(&[b]), Write::Set, &mut out, 1);
                assert_eq!(out[0], 1.0);
            }
        });
    }

    #[test]
    fn a_null_label_costs_nothing_and_a_large_logit_does_not_overflow() {
        on_every_arch(|| {
            let (logits, labels) = ([3.0, 200.0, -200.0], [f32::NAN, 0.0, 0.0]);
            let mut out = [9.0; 3];
            binary(Binary::Bce, Operand::all(&logits, 1), Operand::all(&labels, 1), Write::Set, &mut out, 1);
            assert_eq!(out, [0.0, 200.0, 0.0]);
            binary(Binary::BceSlope, Operand::all(&logits, 1), Operand::all(&labels, 1), Write::Set, &mut out, 1);
            assert_eq!(out, [0.0, 1.0, 0.0]);
        });
    }

    #[test]
    fn empty_results_are_legal() {
        binary(Binary::Add, Operand::all(&[], 3), Operand::one(&[1.0]), Write::Set, &mut [], 3);
    }

    #[test]
    #[should_panic(expected = "too few rows")]
    fn a_short_operand_is_refused() {
        binary(Binary::Add, Operand::all(&[1.0; 5], 3), Operand::one(&[1.0]), Write::Set, &mut [0.0; 6], 3);
    }
}
