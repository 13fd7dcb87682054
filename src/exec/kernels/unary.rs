//! One function of every element.

use super::dispatch;
use super::lanes;
use super::math;
use pulp::{Simd, WithSimd};

/// A function of one number. NaN gives NaN; limits (`exp` of infinity, `log` of zero) are those of IEEE 754.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `|x|`
    Abs,
    /// `erf x`
    Erf,
    /// `e^x`
    Exp,
    /// `x P(N <= x)` of the standard normal distribution, not its tanh approximation.
    Gelu,
    /// `x` where positive, else `slope x`.
    LeakyRelu(f32),
    /// 1, or 0 for NaN: a label that is not null.
    Known,
    /// `ln x`
    Log,
    /// `-x`
    Neg,
    /// `1 - x`: the negation of a condition.
    Not,
    /// `1 / x`
    Reciprocal,
    /// `x` where positive, else 0.
    Relu,
    /// `1 / sqrt x`
    Rsqrt,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// 1, -1, or 0 for both zeros.
    Sign,
    /// `ln(1 + e^x)`
    Softplus,
    /// `sqrt x`
    Sqrt,
    /// `x^2`
    Square,
    /// `tanh x`
    Tanh,
}

/// `y[i] = op(x[i])`. Equal lengths. About 0.1 to 2 ns an element in cache.
pub fn unary(op: Unary, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "unary: lengths differ");
    dispatch::run(Apply { op, x: Some(x), y });
}

/// `y[i] = op(y[i])`.
pub fn unary_in_place(op: Unary, y: &mut [f32]) {
    dispatch::run(Apply { op, x: None, y });
}

struct Apply<'a> {
    op: Unary,
    /// `None` for the result itself.
    x: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.op {
            Unary::Abs => self.run(simd, Abs),
            Unary::Erf => self.run(simd, Erf),
            Unary::Exp => self.run(simd, Exp),
            Unary::Gelu => self.run(simd, Gelu),
            Unary::LeakyRelu(slope) => self.run(simd, LeakyRelu(slope)),
            Unary::Known => self.run(simd, Known),
            Unary::Log => self.run(simd, Log),
            Unary::Neg => self.run(simd, Neg),
            Unary::Not => self.run(simd, Not),
            Unary::Reciprocal => self.run(simd, Reciprocal),
            Unary::Relu => self.run(simd, Relu),
            Unary::Rsqrt => self.run(simd, Rsqrt),
            Unary::Sigmoid => self.run(simd, Sigmoid),
            Unary::Sign => self.run(simd, Sign),
            Unary::Softplus => self.run(simd, Softplus),
            Unary::Sqrt => self.run(simd, Sqrt),
            Unary::Square => self.run(simd, Square),
            Unary::Tanh => self.run(simd, Tanh),
        }
    }
}

impl Apply<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Map1>(self, simd: S, f: F) {
        let (whole, tail) = S::as_mut_simd_f32s(self.y);
        let (x, x_tail) = match self.x.map(S::as_simd_f32s) {
            Some((x, x_tail)) => (Some(x), Some(x_tail)),
            None => (None, None),
        };
        if let (true, Some(x)) = (F::CHEAP, x) {
            for (y, x) in whole.iter_mut().zip(x) {
                *y = f.at(simd, *x);
            }
        } else {
            // One loop for both: the compiled code of an expensive function is there once.
            for (i, y) in whole.iter_mut().enumerate() {
                *y = f.at(simd, x.map_or(*y, |x| x[i]));
            }
        }
        if !tail.is_empty() {
            let value = f.at(simd, lanes::load(simd, x_tail.unwrap_or(tail)));
            lanes::store(simd, tail, value);
        }
    }
}

/// A function of one register.
trait Map1: Copy {
    /// As cheap as the load: worth a loop without a branch.
    const CHEAP: bool = false;

    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

#[derive(Clone, Copy)]
struct Abs;
impl Map1 for Abs {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.abs_f32s(x)
    }
}

#[derive(Clone, Copy)]
struct Erf;
impl Map1 for Erf {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::erf(simd, x)
    }
}

#[derive(Clone, Copy)]
struct Exp;
impl Map1 for Exp {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::exp(simd, x)
    }
}

#[derive(Clone, Copy)]
struct Gelu;
impl Map1 for Gelu {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::gelu(simd, x)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu(f32);
impl Map1 for LeakyRelu {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
        simd.select_f32s(positive, x, simd.mul_f32s(x, simd.splat_f32s(self.0)))
    }
}

#[derive(Clone, Copy)]
struct Known;
impl Map1 for Known {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.select_f32s(simd.equal_f32s(x, x), simd.splat_f32s(1.0), simd.splat_f32s(0.0))
    }
}

#[derive(Clone, Copy)]
struct Log;
impl Map1 for Log {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::log(simd, x)
    }
}

#[derive(Clone, Copy)]
struct Neg;
impl Map1 for Neg {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.neg_f32s(x)
    }
}

#[derive(Clone, Copy)]
struct Not;
impl Map1 for Not {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.sub_f32s(simd.splat_f32s(1.0), x)
    }
}

#[derive(Clone, Copy)]
struct Reciprocal;
impl Map1 for Reciprocal {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.div_f32s(simd.splat_f32s(1.0), x)
    }
}

#[derive(Clone, Copy)]
struct Relu;
impl Map1 for Relu {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.less_than_or_equal_f32s(x, zero), zero, x)
    }
}

#[derive(Clone, Copy)]
struct Rsqrt;
impl Map1 for Rsqrt {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.div_f32s(simd.splat_f32s(1.0), simd.sqrt_f32s(x))
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;
impl Map1 for Sigmoid {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::sigmoid(simd, x)
    }
}

#[derive(Clone, Copy)]
struct Sign;
impl Map1 for Sign {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        let one = simd.or_f32s(simd.splat_f32s(1.0), simd.and_f32s(x, simd.splat_f32s(-0.0)));
        // 0 and NaN are their own signs, a zero without one.
        let apart = simd.select_f32s(simd.equal_f32s(x, zero), zero, x);
        let sized = simd.greater_than_f32s(simd.abs_f32s(x), zero);
        simd.select_f32s(sized, one, apart)
    }
}

#[derive(Clone, Copy)]
struct Softplus;
impl Map1 for Softplus {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::softplus(simd, x)
    }
}

#[derive(Clone, Copy)]
struct Sqrt;
impl Map1 for Sqrt {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.sqrt_f32s(x)
    }
}

#[derive(Clone, Copy)]
struct Square;
impl Map1 for Square {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.mul_f32s(x, x)
    }
}

#[derive(Clone, Copy)]
struct Tanh;
impl Map1 for Tanh {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::tanh(simd, x)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    const ALL: [Unary; 18] = [
        Unary::Abs,
        Unary::Erf,
        Unary::Exp,
        Unary::Gelu,
        Unary::LeakyRelu(0.25),
        Unary::Known,
        Unary::Log,
        Unary::Neg,
        Unary::Not,
        Unary::Reciprocal,
        Unary::Relu,
        Unary::Rsqrt,
        Unary::Sigmoid,
        Unary::Sign,
        Unary::Softplus,
        Unary::Sqrt,
        Unary::Square,
        Unary::Tanh,
    ];

    fn bits(x: &[f32]) -> Vec<u32> {
        x.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn an_element_has_the_same_bits_wherever_it_stands() {
        on_every_arch(|| {
            for op in ALL {
                let x: Vec<f32> = (0..70).map(|i| 0.27 * i as f32 - 9.0).collect();
                let mut one = vec![0.0; x.len()];
                for (x, y) in x.iter().zip(&mut one) {
                    unary(op, std::slice::from_ref(x), std::slice::from_mut(y));
                }
                for from in 0..20 {
                    for to in from..x.len() {
                        let mut y = vec![0.0; to - from];
                        unary(op, &x[from..to], &mut y);
                        assert_eq!(bits(&y), bits(&one[from..to]), "{op:?}");
                        let mut y = x[from..to].to_vec();
                        unary_in_place(op, &mut y);
                        assert_eq!(bits(&y), bits(&one[from..to]), "{op:?} in place");
                    }
                }
            }
        });
    }

    #[test]
    fn conditions_and_signs_of_nan_and_zero() {
        on_every_arch(|| {
            let x = [f32::NAN, -0.0, 0.0, -2.5, 1e-40, f32::NEG_INFINITY];
            let mut y = [9.0; 6];
            unary(Unary::Known, &x, &mut y);
            assert_eq!(y, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
            unary(Unary::Sign, &x, &mut y);
            assert!(y[0].is_nan());
            assert_eq!(y[1..], [0.0, 0.0, -1.0, 1.0, -1.0]);
            unary(Unary::Not, &[0.0, 1.0], &mut y[..2]);
            assert_eq!(y[..2], [1.0, 0.0]);
        });
    }
}
