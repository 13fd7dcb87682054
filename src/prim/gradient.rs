//! Derivatives of activations, one node each, so that an executor computes each in one loop.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{rule, tensor};

/// A row of the table: `name(g, v)` takes the derivative `g` by a result back to the operand. `v` is the operand `x` or
/// the result `y`, whichever is cheaper.
#[derive(Debug)]
pub struct Gradient {
    /// Its name.
    pub name: &'static str,
    eval: fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>,
}

/// Alphabetical.
pub const GRADIENT: &[Gradient] = &[
    Gradient { name: "gelu_grad", eval: |g, x| g * gelu_slope(x)? },
    Gradient { name: "relu_grad", eval: |g, y| g * y.gt(0.0)?.to_dtype(y.dtype())? },
    Gradient { name: "sigmoid_grad", eval: |g, y| g * (y * y.affine(-1.0, 1.0)?)? },
    Gradient { name: "softplus_grad", eval: |g, x| g * tensor::sigmoid(x)? },
    Gradient { name: "sqrt_grad", eval: sqrt_grad },
    Gradient { name: "tanh_grad", eval: |g, y| g * y.sqr()?.affine(-1.0, 1.0)? },
];

impl Op for Gradient {
    fn name(&self) -> &'static str {
        self.name
    }

    /// (C1) Two operands of numbers. (C2) They have the same space, height and width.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [g, v] = rule::operands(self.name, site)?;
        rule::numbers(self.name, site, 0)?;
        rule::numbers(self.name, site, 1)?;
        if g.space != v.space || g.height != v.height || g.width != v.width {
            let title = format!("`{}` needs two equal types, found {} and {}", self.name, site.show(g), site.show(v));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..v.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![(self.eval)(&call.operands[0], &call.operands[1])?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", format!("`{}` has no derivative", self.name)))
    }
}

/// `P(N <= x) + x p(x)` of the standard normal distribution.
fn gelu_slope(x: &Tensor) -> candle_core::Result<Tensor> {
    let below = (x * std::f64::consts::FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
    let density =
        ((x.sqr()? * -0.5)?.exp()? * (0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2))?;
    below + (x * density)?
}

/// `g / (2 y)`, and 0 at 0.
fn sqrt_grad(g: &Tensor, y: &Tensor) -> candle_core::Result<Tensor> {
    let positive = y.gt(0.0)?;
    let safe = positive.where_cond(y, &tensor::full_like(1.0, y)?)?;
    positive.where_cond(&((g / safe)? * 0.5)?, &y.zeros_like()?)
}
