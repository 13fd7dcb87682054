//! Adds primitives to a graph under construction: the vocabulary of derivatives, passes and lowering.

mod candidate;
mod matrix;
mod reduce;
mod sequence;
mod structure;
mod table;
mod training;

pub use candidate::{best, is_candidate, rank, unknown};
pub use matrix::{
    concat, dot, linear, linear_scaled, matrix_dot, outer_by, outer_sum, pad, rows, rows_pad, scaled_linear,
    scaled_sums, slice, transpose,
};
pub use reduce::{
    count, end_row, first, first_row, last, max_over, mean, min_over, moments, softmax, softmax_grad, sum, sum_chosen,
    sum_rows, sum_to, sum_width,
};
pub use sequence::{
    cloze, cross_entropy, cross_entropy_grad, hide_last, layer_norm, layer_norm_grad, layer_norm_scale_grad, scan, top,
};
pub use structure::{
    append, before, bin, contract, flatten, following, merge, ordinal, place, preceding, same, select, sinusoid, split,
    stack, twin, unflatten, unselect, without_last,
};
pub use table::{fetch, gather, locate, lookup, scatter, scatter_all, unfetch};
pub use training::{batch_norm, bce, bce_grad, dropout, random, stop_gradient, sum_squares};

use crate::ir::attr::Attrs;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::{Fault, Vjp};
use crate::ir::types::Type;

use super::{binary, choose, constant, expand, gradient, leaky_relu, unary};

/// A row of `width` times the same number, in the unit space.
pub fn constant(to: &mut Builder, value: f64, width: u32) -> Result<ValueId, Fault> {
    to.one(&constant::Constant, &[], Attrs::none().with("value", value).with("width", width))
}

/// `a op b` by the name of a row of [`binary::BINARY`].
pub fn binary(to: &mut Builder, name: &str, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    let op = binary::BINARY.iter().find(|op| op.name == name);
    let op = op.ok_or_else(|| Fault::new("E0399", format!("no binary operation `{name}`")))?;
    to.one(op, &[a, b], Attrs::none())
}

/// `op(x)` by the name of a row of [`unary::UNARY`].
pub fn unary(to: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, Fault> {
    let op = unary::UNARY.iter().find(|op| op.name == name);
    let op = op.ok_or_else(|| Fault::new("E0399", format!("no unary operation `{name}`")))?;
    to.one(op, &[x], Attrs::none())
}

/// The derivative `g` by a result taken back through a function, by the name of a row of [`gradient::GRADIENT`].
pub fn gradient(to: &mut Builder, name: &str, g: ValueId, v: ValueId) -> Result<ValueId, Fault> {
    let op = gradient::GRADIENT.iter().find(|op| op.name == name);
    let op = op.ok_or_else(|| Fault::new("E0399", format!("no gradient `{name}`")))?;
    to.one(op, &[g, v], Attrs::none())
}

/// `a + b`.
pub fn add(to: &mut Builder, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    binary(to, "add", a, b)
}

/// `a - b`.
pub fn sub(to: &mut Builder, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    binary(to, "sub", a, b)
}

/// `a * b`.
pub fn mul(to: &mut Builder, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    binary(to, "mul", a, b)
}

/// `a / b`.
pub fn div(to: &mut Builder, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    binary(to, "div", a, b)
}

/// `x` times a number.
pub fn scale(to: &mut Builder, x: ValueId, factor: f64) -> Result<ValueId, Fault> {
    let factor = constant(to, factor, 1)?;
    mul(to, x, factor)
}

/// `a` where `c` holds, else `b`.
pub fn choose(to: &mut Builder, c: ValueId, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    to.one(&choose::Choose, &[c, a, b], Attrs::none())
}

/// `x` where positive, else `slope x`.
pub fn leaky_relu(to: &mut Builder, x: ValueId, slope: f64) -> Result<ValueId, Fault> {
    to.one(&leaky_relu::LeakyRelu, &[x], Attrs::none().with("slope", slope))
}

/// `g` where `x` is positive, else `slope g`.
pub fn leaky_relu_grad(to: &mut Builder, g: ValueId, x: ValueId, slope: f64) -> Result<ValueId, Fault> {
    to.one(&leaky_relu::LeakyReluGrad, &[g, x], Attrs::none().with("slope", slope))
}

/// `x` repeated to the space and width of `like`; `x` itself if it has them.
pub fn expand(to: &mut Builder, x: ValueId, like: &Type) -> Result<ValueId, Fault> {
    let own = to.ty(x);
    if own.space == like.space && own.width == like.width {
        return Ok(x);
    }
    let attrs = Attrs::none().with("to", like.space.axes().to_vec()).with("width", like.width);
    to.one(&expand::Expand, &[x], attrs)
}

impl Vjp<'_> {
    /// The derivative by the only result; none if it is zero.
    pub fn cotangent(&self) -> Option<ValueId> {
        self.cotangents.first().copied().flatten()
    }

    /// A derivative summed to the space and width of operand `i`.
    pub fn sum_to_operand(&mut self, i: usize, g: ValueId) -> Result<ValueId, Fault> {
        let like = self.to.ty(self.operands[i]).clone();
        sum_to(self.to, g, &like)
    }
}
