//! Elementwise operations of one operand.
//!
//! At the edge of their domain values and derivatives are those of IEEE 754: `log` of 0 is minus infinity, `recip` and
//! `rsqrt` of 0 are infinite, and so are their derivatives. The exception is `sqrt`: its derivative at 0 is 0, so that the
//! norm of a vector of zeros does not break a training run.

use candle_core::Tensor;

use crate::ir::graph::ValueId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule, tensor};

/// A row of the table of elementwise functions.
#[derive(Debug)]
pub struct Unary {
    /// Its name.
    pub name: &'static str,
    kind: Kind,
    eval: fn(&Tensor) -> candle_core::Result<Tensor>,
    /// The derivative, given that of the result.
    vjp: fn(&mut Vjp, ValueId) -> Result<Option<ValueId>, Fault>,
}

/// From what to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// From numbers to numbers.
    Function,
    /// From numbers to a condition.
    Test,
    /// From a condition to a condition.
    Logic,
}

/// Alphabetical.
pub const UNARY: &[Unary] = &[
    function("abs", Tensor::abs, |at, g| times(at, g, "sign")),
    function("erf", Tensor::erf, erf_vjp),
    function("exp", Tensor::exp, |at, g| Ok(Some(make::mul(at.to, g, at.results[0])?))),
    function("gelu", Tensor::gelu_erf, |at, g| from_operand(at, g, "gelu_grad")),
    Unary { name: "known", kind: Kind::Test, eval: known, vjp: |_, _| Ok(None) },
    function("log", Tensor::log, |at, g| Ok(Some(make::div(at.to, g, at.operands[0])?))),
    function("neg", Tensor::neg, |at, g| Ok(Some(make::unary(at.to, "neg", g)?))),
    Unary { name: "not", kind: Kind::Logic, eval: |x| x.affine(-1.0, 1.0), vjp: |_, _| Ok(None) },
    function("recip", Tensor::recip, recip_vjp),
    function("relu", Tensor::relu, |at, g| from_result(at, g, "relu_grad")),
    function("rsqrt", |x| x.sqrt()?.recip(), rsqrt_vjp),
    function("sigmoid", tensor::sigmoid, |at, g| from_result(at, g, "sigmoid_grad")),
    function("sign", Tensor::sign, |_, _| Ok(None)),
    function("softplus", tensor::softplus, |at, g| from_operand(at, g, "softplus_grad")),
    function("sqrt", Tensor::sqrt, |at, g| from_result(at, g, "sqrt_grad")),
    function("square", Tensor::sqr, square_vjp),
    function("tanh", Tensor::tanh, |at, g| from_result(at, g, "tanh_grad")),
];

const fn function(
    name: &'static str,
    eval: fn(&Tensor) -> candle_core::Result<Tensor>,
    vjp: fn(&mut Vjp, ValueId) -> Result<Option<ValueId>, Fault>,
) -> Unary {
    Unary { name, kind: Kind::Function, eval, vjp }
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        self.name
    }

    /// (C1) One operand. (C2) It is a number; a condition for `not`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name, site)?;
        match self.kind {
            Kind::Logic => rule::condition(self.name, site, 0)?,
            Kind::Function | Kind::Test => rule::numbers(self.name, site, 0)?,
        }
        let elem = if self.kind == Kind::Function { Elem::F32 } else { Elem::Bool };
        Ok(vec![Type { elem, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![(self.eval)(&call.operands[0])?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        match at.cotangent() {
            Some(g) => Ok(vec![(self.vjp)(at, g)?]),
            None => Ok(vec![None]),
        }
    }
}

/// Where a number is not NaN: a label that is not null.
fn known(x: &Tensor) -> candle_core::Result<Tensor> {
    x.eq(x)?.to_dtype(tensor::float_of(x))
}

/// `g * slope(x)`.
fn times(at: &mut Vjp, g: ValueId, slope: &str) -> Result<Option<ValueId>, Fault> {
    let slope = make::unary(at.to, slope, at.operands[0])?;
    Ok(Some(make::mul(at.to, g, slope)?))
}

/// One node that reads the operand, for functions whose slope is cheaper from there.
fn from_operand(at: &mut Vjp, g: ValueId, gradient: &str) -> Result<Option<ValueId>, Fault> {
    Ok(Some(make::gradient(at.to, gradient, g, at.operands[0])?))
}

/// One node that reads the result, so that the operand need not be kept.
fn from_result(at: &mut Vjp, g: ValueId, gradient: &str) -> Result<Option<ValueId>, Fault> {
    Ok(Some(make::gradient(at.to, gradient, g, at.results[0])?))
}

/// `g 2 / sqrt(pi) e^(-x^2)`.
fn erf_vjp(at: &mut Vjp, g: ValueId) -> Result<Option<ValueId>, Fault> {
    let squared = make::unary(at.to, "square", at.operands[0])?;
    let negative = make::unary(at.to, "neg", squared)?;
    let bell = make::unary(at.to, "exp", negative)?;
    let slope = make::scale(at.to, bell, std::f64::consts::FRAC_2_SQRT_PI)?;
    Ok(Some(make::mul(at.to, g, slope)?))
}

/// `-g y^2`.
fn recip_vjp(at: &mut Vjp, g: ValueId) -> Result<Option<ValueId>, Fault> {
    let squared = make::unary(at.to, "square", at.results[0])?;
    let slope = make::unary(at.to, "neg", squared)?;
    Ok(Some(make::mul(at.to, g, slope)?))
}

/// `-g y^3 / 2`.
fn rsqrt_vjp(at: &mut Vjp, g: ValueId) -> Result<Option<ValueId>, Fault> {
    let squared = make::unary(at.to, "square", at.results[0])?;
    let cubed = make::mul(at.to, squared, at.results[0])?;
    let slope = make::scale(at.to, cubed, -0.5)?;
    Ok(Some(make::mul(at.to, g, slope)?))
}

/// `2 g x`, as a sum: exact, and no constant.
fn square_vjp(at: &mut Vjp, g: ValueId) -> Result<Option<ValueId>, Fault> {
    let half = make::mul(at.to, g, at.operands[0])?;
    Ok(Some(make::add(at.to, half, half)?))
}
