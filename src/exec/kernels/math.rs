//! Elementary functions of one vector register, as polynomials of our own: the same bits on every lane and in every library version.
//!
//! Errors, in units of the last place, are held by the tests below. NaN propagates, infinities and subnormals are exact
//! limits. The polynomials are Chebyshev fits (degree chosen so that the fit adds less than a quarter of a unit).

use pulp::Simd;

/// `2^23 * 1.5`: adding it rounds a float of small magnitude to an integer, held in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// `ln 2` in two parts; the first has 9 bits, so that its product with an exponent is exact without fused multiply-add.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
const EXP: [f32; 5] = [0.5, 0.166_665_76, 0.041_666_552, 0.008_363_233, 0.001_392_625];
/// `(ln(1 + f) - f + f^2 / 2) / f^3` for `sqrt(1/2) - 1 <= f <= sqrt(2) - 1`.
const LOG: [f32; 9] = [
    0.333_333_3,
    -0.249_999_97,
    0.200_007_16,
    -0.166_678_03,
    0.142_490_58,
    -0.124_256_87,
    0.116_854_2,
    -0.114_797_34,
    0.069_716_12,
];
/// `erf(x) / x - 1` in `x^2`, for `|x| <= 1`.
const ERF: [f32; 7] =
    [0.128_379_17, -0.376_126_26, 0.112_835_94, -0.026_854_211, 0.005_189_087, -8.016_864_3e-4, 7.875_875e-5];
/// `erfc(a) e^(a^2) / t` in `t = 1 / (1 + a / 2)`, for `0.98 <= a <= 10.2`.
const ERFC: [f32; 8] =
    [0.282_098_7, 0.282_032_37, 0.247_034_2, 0.178_417_35, 0.062_075_246, 0.080_644_45, -0.224_622_53, 0.092_879_65];

/// `c[0] + c[1] x + ...`
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, c: [f32; N], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(c[N - 1]);
    for c in c.iter().rev().skip(1) {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*c));
    }
    sum
}

/// `2^n` for a whole `n` in the exponent range, given as `exponent = n + 127`.
#[inline(always)]
fn power_of_two<S: Simd>(simd: S, exponent: S::u32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)))
}

/// `x = n ln 2 + r`: returns `n + bias` as an integer, and `e^r - 1`. `|x| <= 104`.
#[inline(always)]
fn reduce_exp<S: Simd>(simd: S, x: S::f32s, bias: u32) -> (S::u32s, S::f32s) {
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(shifted, simd.splat_f32s(ROUND));
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN2_LOW), r);
    let bits = simd.transmute_u32s_f32s(shifted);
    let exponent = simd.sub_u32s(bits, simd.splat_u32s(ROUND.to_bits().wrapping_sub(bias)));
    (exponent, simd.mul_add_e_f32s(simd.mul_f32s(r, r), polynomial(simd, EXP, r), r))
}

/// `e^x` for `-104 <= x <= 89` or NaN, overflow and underflow included.
#[inline(always)]
fn exp_in_range<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // n + 254 is split into two exponents: 2^n alone does not exist for results near the limits.
    let (twice, e) = reduce_exp(simd, x, 254);
    let half = simd.wrapping_dyn_shr_u32s(twice, simd.splat_u32s(1));
    let rest = simd.sub_u32s(twice, half);
    let y = simd.add_f32s(e, simd.splat_f32s(1.0));
    simd.mul_f32s(simd.mul_f32s(y, power_of_two(simd, half)), power_of_two(simd, rest))
}

/// `low` where `x < low`, else `x`; a NaN stays, which `max` does not promise.
#[inline(always)]
fn at_least<S: Simd>(simd: S, x: S::f32s, low: f32) -> S::f32s {
    let low = simd.splat_f32s(low);
    simd.select_f32s(simd.less_than_f32s(x, low), low, x)
}

#[inline(always)]
fn at_most<S: Simd>(simd: S, x: S::f32s, high: f32) -> S::f32s {
    let high = simd.splat_f32s(high);
    simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
}

/// `x` with the sign bit of `sign` added; `x >= 0`.
#[inline(always)]
fn with_sign<S: Simd>(simd: S, x: S::f32s, sign: S::f32s) -> S::f32s {
    simd.or_f32s(x, simd.and_f32s(sign, simd.splat_f32s(-0.0)))
}

/// `e^x`.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    exp_in_range(simd, at_most(simd, at_least(simd, x, -104.0), 89.0))
}

/// `e^-|x|`.
#[inline(always)]
pub(super) fn exp_neg_abs<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    exp_in_range(simd, at_least(simd, simd.or_f32s(x, simd.splat_f32s(-0.0)), -104.0))
}

/// `ln(1 + f)` for `sqrt(1/2) - 1 <= f <= sqrt(2) - 1`, plus `n ln 2`.
#[inline(always)]
fn log_reduced<S: Simd>(simd: S, f: S::f32s, n: S::f32s) -> S::f32s {
    let f2 = simd.mul_f32s(f, f);
    let cubic = simd.mul_f32s(simd.mul_f32s(f2, f), polynomial(simd, LOG, f));
    let low = simd.mul_add_e_f32s(n, simd.splat_f32s(LN2_LOW), cubic);
    let low = simd.mul_add_e_f32s(f2, simd.splat_f32s(-0.5), low);
    simd.mul_add_e_f32s(n, simd.splat_f32s(LN2_HIGH), simd.add_f32s(f, low))
}

/// `ln x`; NaN below zero.
#[inline(always)]
pub(super) fn log<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let tiny = simd.less_than_f32s(x, simd.splat_f32s(f32::MIN_POSITIVE));
    let scaled = simd.select_f32s(tiny, simd.mul_f32s(x, simd.splat_f32s(8_388_608.0)), x);
    // The mantissa is taken from [sqrt(1/2), sqrt(2)); adding 1 - sqrt(1/2) in the integer domain carries into the exponent.
    let bits = simd.transmute_u32s_f32s(scaled);
    let moved = simd.add_u32s(bits, simd.splat_u32s(1f32.to_bits() - ROOT_HALF));
    let mantissa = simd.add_u32s(simd.and_u32s(moved, simd.splat_u32s(0x007f_ffff)), simd.splat_u32s(ROOT_HALF));
    let f = simd.sub_f32s(simd.transmute_f32s_u32s(mantissa), simd.splat_f32s(1.0));
    // An integer below 2^23 in the low bits of the float 2^23 is 2^23 plus that integer.
    let exponent = simd.wrapping_dyn_shr_u32s(moved, simd.splat_u32s(23));
    let exponent = simd.transmute_f32s_u32s(simd.or_u32s(exponent, simd.splat_u32s(8_388_608f32.to_bits())));
    let bias = simd.select_f32s(tiny, simd.splat_f32s(8_388_608.0 + 150.0), simd.splat_f32s(8_388_608.0 + 127.0));
    let y = log_reduced(simd, f, simd.sub_f32s(exponent, bias));

    let zero = simd.splat_f32s(0.0);
    let infinity = simd.splat_f32s(f32::INFINITY);
    let y = simd.select_f32s(simd.less_than_f32s(x, infinity), y, x); // infinity and NaN are their own logarithms
    let y = simd.select_f32s(simd.equal_f32s(x, zero), simd.splat_f32s(f32::NEG_INFINITY), y);
    simd.select_f32s(simd.less_than_f32s(x, zero), simd.splat_f32s(f32::NAN), y)
}

/// `ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)`.
#[inline(always)]
pub(super) fn softplus<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let zero = simd.splat_f32s(0.0);
    let u = exp_neg_abs(simd, x);
    // 1 + u = 2 (1 + (u - 1) / 2), where 1 + u is beyond sqrt(2).
    let large = simd.greater_than_f32s(u, simd.splat_f32s(std::f32::consts::SQRT_2 - 1.0));
    let f = simd.select_f32s(large, simd.mul_f32s(simd.sub_f32s(u, one), simd.splat_f32s(0.5)), u);
    let y = log_reduced(simd, f, simd.select_f32s(large, one, zero));
    simd.add_f32s(y, simd.select_f32s(simd.greater_than_f32s(x, zero), x, zero))
}

/// `1 / (1 + e^-x)`, exact to the end in both tails.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let e = exp_neg_abs(simd, x);
    let upper = simd.select_f32s(simd.less_than_f32s(x, simd.splat_f32s(0.0)), e, one);
    simd.div_f32s(upper, simd.add_f32s(e, one))
}

/// `tanh x`, from `e^(-2|x|) - 1` so that nothing cancels near zero.
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let two_x = simd.mul_f32s(simd.or_f32s(x, simd.splat_f32s(-0.0)), simd.splat_f32s(2.0));
    let (exponent, e) = reduce_exp(simd, at_least(simd, two_x, -40.0), 127);
    let scale = power_of_two(simd, exponent);
    let minus_m = simd.mul_add_e_f32s(e, scale, simd.sub_f32s(scale, simd.splat_f32s(1.0)));
    let y = simd.div_f32s(minus_m, simd.add_f32s(minus_m, simd.splat_f32s(2.0)));
    with_sign(simd, simd.abs_f32s(y), x)
}

/// `erf z` as three parts: where `|z| < 1`, the value there, and `erfc |z|` elsewhere; and `e^(-z^2)`.
struct Erf<S: Simd> {
    near: S::m32s,
    erf: S::f32s,
    erfc_abs: S::f32s,
    gauss: S::f32s,
}

#[inline(always)]
fn erf_parts<S: Simd>(simd: S, z: S::f32s) -> Erf<S> {
    let one = simd.splat_f32s(1.0);
    let a = at_most(simd, simd.abs_f32s(z), 11.0);
    let square = simd.mul_f32s(a, a);
    let near = simd.less_than_f32s(a, one);
    let erf = simd.mul_add_e_f32s(z, polynomial(simd, ERF, simd.mul_f32s(z, z)), z);
    // The rounding error of a^2 would be multiplied by the exponent's size; fused multiply-add recovers it.
    let lost = simd.mul_add_e_f32s(a, a, simd.neg_f32s(square));
    let gauss = exp_neg_abs(simd, square);
    let gauss = simd.mul_add_e_f32s(simd.neg_f32s(lost), gauss, gauss);
    let t = simd.div_f32s(one, simd.mul_add_e_f32s(a, simd.splat_f32s(0.5), one));
    let erfc_abs = simd.mul_f32s(simd.mul_f32s(t, gauss), polynomial(simd, ERFC, t));
    Erf { near, erf, erfc_abs, gauss }
}

/// `erf x`.
#[inline(always)]
pub(super) fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let parts = erf_parts(simd, x);
    let far = with_sign(simd, simd.sub_f32s(simd.splat_f32s(1.0), parts.erfc_abs), x);
    simd.select_f32s(parts.near, parts.erf, far)
}

/// The standard normal distribution at `x`: its cumulative probability and its density.
#[inline(always)]
pub(super) fn normal<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let half = simd.splat_f32s(0.5);
    let parts = erf_parts(simd, simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2)));
    let tail = simd.mul_f32s(parts.erfc_abs, half);
    let negative = simd.less_than_f32s(x, simd.splat_f32s(0.0));
    let far = simd.select_f32s(negative, tail, simd.sub_f32s(simd.splat_f32s(1.0), tail));
    let near = simd.mul_add_e_f32s(parts.erf, half, half);
    let density = simd.mul_f32s(parts.gauss, simd.splat_f32s(0.398_942_3));
    (simd.select_f32s(parts.near, near, far), density)
}

/// `x P(N <= x)`, the exact form of GELU.
#[inline(always)]
pub(super) fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = at_least(simd, x, -20.0);
    simd.mul_f32s(x, normal(simd, x).0)
}

/// The derivative of `gelu`.
#[inline(always)]
pub(super) fn gelu_slope<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = at_most(simd, at_least(simd, x, -20.0), 20.0);
    let (probability, density) = normal(simd, x);
    simd.mul_add_e_f32s(x, density, probability)
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::super::unary::{Unary, unary};

    /// erf in f64, by its series where it converges fast and by a continued fraction of erfc elsewhere.
    fn erfc(x: f64) -> f64 {
        if x < 0.0 {
            return 2.0 - erfc(-x);
        }
        if x < 2.5 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term.abs() > 1e-18 * sum.abs() {
                n += 1.0;
                term *= -x * x / n;
                sum += term / (2.0 * n + 1.0);
            }
            return 1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI;
        }
        let mut fraction = x;
        for n in (1..200).rev() {
            fraction = x + n as f64 / 2.0 / fraction;
        }
        (-x * x).exp() / fraction / std::f64::consts::PI.sqrt()
    }

    /// A reference in f64, the allowed error in units of the last place, and the range it is asked for.
    struct Case {
        op: Unary,
        reference: fn(f64) -> f64,
        ulp: f64,
        from: f32,
        to: f32,
    }

    fn erf_near_zero(x: f64) -> f64 {
        if x.abs() < 1e-4 { x * std::f64::consts::FRAC_2_SQRT_PI * (1.0 - x * x / 3.0) } else { 1.0 - erfc(x) }
    }

    const CASES: &[Case] = &[
        Case { op: Unary::Exp, reference: f64::exp, ulp: 2.0, from: -110.0, to: 95.0 },
        Case { op: Unary::Log, reference: f64::ln, ulp: 2.0, from: 0.0, to: 3e38 },
        Case { op: Unary::Tanh, reference: f64::tanh, ulp: 3.0, from: -20.0, to: 20.0 },
        Case { op: Unary::Sigmoid, reference: |x| 1.0 / (1.0 + (-x).exp()), ulp: 3.0, from: -110.0, to: 110.0 },
        Case {
            op: Unary::Softplus,
            reference: |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
            ulp: 3.0,
            from: -110.0,
            to: 110.0,
        },
        Case { op: Unary::Erf, reference: erf_near_zero, ulp: 3.0, from: -6.0, to: 6.0 },
        // The tail of the normal distribution is as ill-conditioned as x^2: the bound is for its well-behaved part.
        Case { op: Unary::Gelu, reference: |x| 0.5 * x * erfc(-x / 2f64.sqrt()), ulp: 6.0, from: -1.2, to: 20.0 },
        Case { op: Unary::Gelu, reference: |x| 0.5 * x * erfc(-x / 2f64.sqrt()), ulp: 80.0, from: -8.0, to: -1.2 },
        Case { op: Unary::Sqrt, reference: f64::sqrt, ulp: 0.51, from: 0.0, to: 3e38 },
        Case { op: Unary::Rsqrt, reference: |x| 1.0 / x.sqrt(), ulp: 1.6, from: 0.0, to: 3e38 },
        Case { op: Unary::Reciprocal, reference: |x| 1.0 / x, ulp: 0.51, from: -3e38, to: 3e38 },
    ];

    /// The distance of neighbouring floats at `y`.
    fn unit(y: f64) -> f64 {
        let exponent = (y.abs() as f32).max(f32::MIN_POSITIVE).to_bits() >> 23;
        2f64.powi(exponent as i32 - 127 - 23)
    }

    /// Evenly spaced over the range, and evenly spaced over the bit patterns inside it.
    fn samples(from: f32, to: f32) -> Vec<f32> {
        let n = 20_001;
        let mut all: Vec<f32> = (0..n).map(|i| from + (to - from) * (i as f32 / (n - 1) as f32)).collect();
        all.extend((0..0x7f80_0000u32).step_by(99_991).map(f32::from_bits).flat_map(|x| [x, -x]));
        all.extend((0..200u32).map(f32::from_bits));
        all.retain(|x| (from..=to).contains(x));
        all
    }

    #[test]
    fn functions_agree_with_f64_to_a_few_units_of_the_last_place() {
        on_every_arch(|| {
            for case in CASES {
                let x = samples(case.from, case.to);
                let mut y = vec![0.0; x.len()];
                unary(case.op, &x, &mut y);
                for (x, y) in x.iter().zip(&y) {
                    let expected = (case.reference)(f64::from(*x));
                    if expected.abs() as f32 == f32::INFINITY || (expected.abs() > f64::from(f32::MAX)) {
                        assert_eq!(f64::from(*y), f64::from(expected as f32), "{:?}({x:e})", case.op);
                        continue;
                    }
                    let error = (f64::from(*y) - expected).abs() / unit(expected);
                    assert!(error <= case.ulp, "{:?}({x:e}) = {y:e}, expected {expected:e}: {error} ulp", case.op);
                }
            }
        });
    }

    #[test]
    fn limits_are_those_of_the_function() {
        const INF: f32 = f32::INFINITY;
        let limits: &[(Unary, f32, f32)] = &[
            (Unary::Exp, INF, INF),
            (Unary::Exp, -INF, 0.0),
            (Unary::Exp, 0.0, 1.0),
            (Unary::Exp, 88.8, INF),
            (Unary::Log, 0.0, -INF),
            (Unary::Log, -0.0, -INF),
            (Unary::Log, INF, INF),
            (Unary::Log, 1.0, 0.0),
            (Unary::Tanh, INF, 1.0),
            (Unary::Tanh, -INF, -1.0),
            (Unary::Tanh, 0.0, 0.0),
            (Unary::Sigmoid, INF, 1.0),
            (Unary::Sigmoid, -INF, 0.0),
            (Unary::Sigmoid, 0.0, 0.5),
            (Unary::Softplus, INF, INF),
            (Unary::Softplus, -INF, 0.0),
            (Unary::Erf, INF, 1.0),
            (Unary::Erf, -INF, -1.0),
            (Unary::Gelu, INF, INF),
            (Unary::Gelu, -INF, 0.0),
            (Unary::Gelu, 0.0, 0.0),
            (Unary::Relu, -3.0, 0.0),
            (Unary::Relu, 3.0, 3.0),
            (Unary::LeakyRelu(0.5), -3.0, -1.5),
            (Unary::LeakyRelu(0.5), 3.0, 3.0),
            (Unary::Abs, -3.0, 3.0),
            (Unary::Neg, -3.0, 3.0),
            (Unary::Square, -3.0, 9.0),
        ];
        on_every_arch(|| {
            for &(op, x, expected) in limits {
                let mut y = [9.0];
                unary(op, &[x], &mut y);
                assert_eq!(y[0], expected, "{op:?}({x})");
                unary(op, &[f32::NAN], &mut y);
                assert!(y[0].is_nan(), "{op:?}(NaN) = {}", y[0]);
            }
            let mut y = [0.0; 2];
            unary(Unary::Log, &[-1.0, -f32::INFINITY], &mut y);
            assert!(y[0].is_nan() && y[1].is_nan());
            unary(Unary::Tanh, &[-0.0, 1e-40], &mut y);
            assert!(y[0].is_sign_negative() && y[1] == 1e-40);
        });
    }
}
