//! What `Binary` does in one register.

use super::super::math;
use pulp::Simd;

/// A function of two registers.
pub(super) trait Map2: Copy {
    /// As cheap as the loads: worth a loop for each kind of operand.
    const CHEAP: bool = false;

    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s;

    /// `sum` plus the value.
    #[inline(always)]
    fn add_to<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        simd.add_f32s(sum, self.at(simd, a, b))
    }
}

#[inline(always)]
fn one_where<S: Simd>(simd: S, mask: S::m32s) -> S::f32s {
    simd.select_f32s(mask, simd.splat_f32s(1.0), simd.splat_f32s(0.0))
}

#[inline(always)]
fn is_nan<S: Simd>(simd: S, x: S::f32s) -> S::m32s {
    simd.not_m32s(simd.equal_f32s(x, x))
}

#[derive(Clone, Copy)]
pub(super) struct Add;
impl Map2 for Add {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sub;
impl Map2 for Sub {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.sub_f32s(a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Mul;
impl Map2 for Mul {
    const CHEAP: bool = true;

    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.mul_f32s(a, b)
    }

    #[inline(always)]
    fn add_to<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, sum)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Div;
impl Map2 for Div {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.div_f32s(a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Max;
impl Map2 for Max {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let a_wins = simd.or_m32s(simd.greater_than_f32s(a, b), is_nan(simd, a));
        simd.select_f32s(a_wins, a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Min;
impl Map2 for Min {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let a_wins = simd.or_m32s(simd.less_than_f32s(a, b), is_nan(simd, a));
        simd.select_f32s(a_wins, a, b)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Equal;
impl Map2 for Equal {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        one_where(simd, simd.equal_f32s(a, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct NotEqual;
impl Map2 for NotEqual {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let equal = simd.equal_f32s(a, b);
        simd.select_f32s(equal, simd.splat_f32s(0.0), simd.splat_f32s(1.0))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Less;
impl Map2 for Less {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        one_where(simd, simd.less_than_f32s(a, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct LessEqual;
impl Map2 for LessEqual {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        one_where(simd, simd.less_than_or_equal_f32s(a, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Greater;
impl Map2 for Greater {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        one_where(simd, simd.greater_than_f32s(a, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct GreaterEqual;
impl Map2 for GreaterEqual {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        one_where(simd, simd.greater_than_or_equal_f32s(a, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Bce;
impl Map2 for Bce {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let loss = simd.sub_f32s(math::softplus(simd, a), simd.mul_f32s(a, b));
        simd.select_f32s(simd.equal_f32s(b, b), loss, simd.splat_f32s(0.0))
    }
}

#[derive(Clone, Copy)]
pub(super) struct BceSlope;
impl Map2 for BceSlope {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let slope = simd.sub_f32s(math::sigmoid(simd, a), b);
        simd.select_f32s(simd.equal_f32s(b, b), slope, simd.splat_f32s(0.0))
    }
}

#[derive(Clone, Copy)]
pub(super) struct GeluGrad;
impl Map2 for GeluGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.mul_f32s(a, math::gelu_slope(simd, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct LeakyReluGrad(pub(super) f32);
impl Map2 for LeakyReluGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let positive = simd.greater_than_f32s(b, simd.splat_f32s(0.0));
        simd.select_f32s(positive, a, simd.mul_f32s(a, simd.splat_f32s(self.0)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct SigmoidGrad;
impl Map2 for SigmoidGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let slope = simd.mul_f32s(b, simd.sub_f32s(simd.splat_f32s(1.0), b));
        simd.mul_f32s(a, slope)
    }
}

#[derive(Clone, Copy)]
pub(super) struct SoftplusGrad;
impl Map2 for SoftplusGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.mul_f32s(a, math::sigmoid(simd, b))
    }
}

#[derive(Clone, Copy)]
pub(super) struct SqrtGrad;
impl Map2 for SqrtGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        let slope = simd.div_f32s(simd.mul_f32s(a, simd.splat_f32s(0.5)), b);
        simd.select_f32s(simd.greater_than_f32s(b, zero), slope, zero)
    }
}

#[derive(Clone, Copy)]
pub(super) struct TanhGrad;
impl Map2 for TanhGrad {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let square = simd.mul_f32s(b, b);
        simd.mul_f32s(a, simd.sub_f32s(simd.splat_f32s(1.0), square))
    }
}
