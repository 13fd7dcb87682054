//! One function of every element.

use super::dispatch;
use super::lanes::{self, Map1};
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
    /// `ln x`
    Log,
    /// `-x`
    Neg,
    /// `1 / x`
    Reciprocal,
    /// `x` where positive, else 0.
    Relu,
    /// `1 / sqrt x`
    Rsqrt,
    /// `1 / (1 + e^-x)`
    Sigmoid,
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
    dispatch::run(Apply { op, target: Target { x, y } });
}

/// `y[i] = op(y[i])`.
pub fn unary_in_place(op: Unary, y: &mut [f32]) {
    dispatch::run(Apply { op, target: InPlace { y } });
}

/// Where a function of one lane reads and writes.
trait Loop {
    fn run<S: Simd, F: Map1>(self, simd: S, f: F);
}

struct Target<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loop for Target<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Map1>(self, simd: S, f: F) {
        lanes::map(simd, f, self.x, self.y);
    }
}

struct InPlace<'a> {
    y: &'a mut [f32],
}

impl Loop for InPlace<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Map1>(self, simd: S, f: F) {
        lanes::map_in_place(simd, f, self.y);
    }
}

struct Apply<L> {
    op: Unary,
    target: L,
}

impl<L: Loop> WithSimd for Apply<L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let to = self.target;
        match self.op {
            Unary::Abs => to.run(simd, Abs),
            Unary::Erf => to.run(simd, Erf),
            Unary::Exp => to.run(simd, Exp),
            Unary::Gelu => to.run(simd, Gelu),
            Unary::LeakyRelu(slope) => to.run(simd, LeakyRelu(slope)),
            Unary::Log => to.run(simd, Log),
            Unary::Neg => to.run(simd, Neg),
            Unary::Reciprocal => to.run(simd, Reciprocal),
            Unary::Relu => to.run(simd, Relu),
            Unary::Rsqrt => to.run(simd, Rsqrt),
            Unary::Sigmoid => to.run(simd, Sigmoid),
            Unary::Softplus => to.run(simd, Softplus),
            Unary::Sqrt => to.run(simd, Sqrt),
            Unary::Square => to.run(simd, Square),
            Unary::Tanh => to.run(simd, Tanh),
        }
    }
}

#[derive(Clone, Copy)]
struct Abs;
impl Map1 for Abs {
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
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
        simd.select_f32s(positive, x, simd.mul_f32s(x, simd.splat_f32s(self.0)))
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
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.neg_f32s(x)
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

    const ALL: [Unary; 15] = [
        Unary::Abs,
        Unary::Erf,
        Unary::Exp,
        Unary::Gelu,
        Unary::LeakyRelu(0.25),
        Unary::Log,
        Unary::Neg,
        Unary::Reciprocal,
        Unary::Relu,
        Unary::Rsqrt,
        Unary::Sigmoid,
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
}
