//! Adds primitives to a graph under construction: the vocabulary of derivatives, passes and lowering.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::{Fault, Vjp};
use crate::ir::types::Type;

use super::{binary, constant, expand, linear, sum, transpose, unary};

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

/// The sum over some axes; `x` itself for none.
pub fn sum(to: &mut Builder, x: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    if over.is_empty() { Ok(x) } else { to.one(&sum::Sum, &[x], Attrs::none().with("over", over)) }
}

/// The sum over every axis: one row of the unit space.
pub fn sum_rows(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    let over = to.ty(x).space.axes().to_vec();
    sum(to, x, over)
}

/// The sum of each row: width 1.
pub fn sum_width(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    to.one(&sum::SumWidth, &[x], Attrs::none())
}

/// `x` summed over the axes and the width that `like` lacks: the derivative of a broadcast.
pub fn sum_to(to: &mut Builder, x: ValueId, like: &Type) -> Result<ValueId, Fault> {
    let narrow = like.width == 1 && to.ty(x).width > 1;
    let x = if narrow { sum_width(to, x)? } else { x };
    let over = to.ty(x).space.beyond(&like.space);
    sum(to, x, over)
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

/// `x w + b`.
pub fn linear(to: &mut Builder, x: ValueId, w: ValueId, b: Option<ValueId>) -> Result<ValueId, Fault> {
    match b {
        Some(b) => to.one(&linear::Linear, &[x, w, b], Attrs::none()),
        None => to.one(&linear::Linear, &[x, w], Attrs::none()),
    }
}

/// The sum over all rows of `x^T g`: the derivative of a linear layer by its matrix.
pub fn outer_sum(to: &mut Builder, x: ValueId, g: ValueId) -> Result<ValueId, Fault> {
    to.one(&linear::OuterSum, &[x, g], Attrs::none())
}

/// The transposed weight matrix.
pub fn transpose(to: &mut Builder, w: ValueId) -> Result<ValueId, Fault> {
    to.one(&transpose::Transpose, &[w], Attrs::none())
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
