//! Reductions over axes and over the width, and what is said along an axis.
//!
//! A condition `c` says which rows count. It may have axes that the value lacks: then the value is repeated along them.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::{Fault, Op};
use crate::ir::types::Type;
use crate::prim::first::{AtEnd, End, EndRow};
use crate::prim::{count, max_over, moments, softmax, sum};

use super::{binary, choose, constant, div, expand, linear, unary};

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

/// `x` summed over the axes, the height and the width that `like` lacks: the derivative of a broadcast.
pub fn sum_to(to: &mut Builder, x: ValueId, like: &Type) -> Result<ValueId, Fault> {
    let height = to.ty(x).height;
    let x = match height > like.height {
        true => {
            let ones = constant(to, 1.0, height)?;
            linear(to, ones, x, None)?
        }
        false => x,
    };
    let narrow = like.width == 1 && to.ty(x).width > 1;
    let x = if narrow { sum_width(to, x)? } else { x };
    let over = to.ty(x).space.beyond(&like.space);
    sum(to, x, over)
}

/// The sum over some axes of the rows that count.
pub fn sum_chosen(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    let Some(c) = c else { return sum(to, x, over) };
    let zero = constant(to, 0.0, 1)?;
    let chosen = choose(to, c, x, zero)?;
    sum(to, chosen, over)
}

/// The mean over some axes of the rows that count; 0 of none.
pub fn mean(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    let rows = match c {
        None => {
            let of = to.ty(x).space.axes().to_vec();
            count(to, of, over.clone())?
        }
        Some(c) => {
            let like = c_space(to, x, c);
            let c = expand(to, c, &like)?;
            sum(to, c, over.clone())?
        }
    };
    let total = sum_chosen(to, x, over, c)?;
    let one = constant(to, 1.0, 1)?;
    let rows = binary(to, "max", rows, one)?;
    div(to, total, rows)
}

/// How many rows of the space of `of` there are along `over`.
pub fn count(to: &mut Builder, of: Vec<AxisId>, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    to.one(&count::Count, &[], Attrs::none().with("of", of).with("over", over))
}

/// The largest along some axes of the rows that count; 0 of none.
pub fn max_over(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    chosen(to, &max_over::MaxOver, x, over, c)
}

/// The smallest along some axes of the rows that count; 0 of none.
pub fn min_over(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    let negative = unary(to, "neg", x)?;
    let largest = max_over(to, negative, over, c)?;
    unary(to, "neg", largest)
}

/// The first along some axes of the rows that count; 0 of none.
pub fn first(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    chosen(to, &AtEnd(End::First), x, over, c)
}

/// The last along some axes of the rows that count; 0 of none.
pub fn last(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    chosen(to, &AtEnd(End::Last), x, over, c)
}

/// Whether a row is the first along some axes where `c` holds.
pub fn first_row(to: &mut Builder, c: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    end_row(to, End::First, c, over)
}

/// Whether a row is the one at that end along some axes where `c` holds.
pub fn end_row(to: &mut Builder, end: End, c: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    let op = if end == End::First { &EndRow(End::First) } else { &EndRow(End::Last) };
    to.one(op, &[c], Attrs::none().with("over", over))
}

/// Softmax along some axes among the rows that count; 0 for the others.
pub fn softmax(to: &mut Builder, x: ValueId, over: Vec<AxisId>, c: Option<ValueId>) -> Result<ValueId, Fault> {
    chosen(to, &softmax::Softmax, x, over, c)
}

/// `y (g - sum(g y))`: the derivative of a softmax `y`.
pub fn softmax_grad(to: &mut Builder, g: ValueId, y: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    to.one(&softmax::SoftmaxGrad, &[g, y], Attrs::none().with("over", over))
}

/// Mean and biased variance of every column over all rows.
pub fn moments(to: &mut Builder, x: ValueId) -> Result<[ValueId; 2], Fault> {
    let results = to.op(&moments::Moments, &[x], Attrs::none())?;
    <[ValueId; 2]>::try_from(results).map_err(|_| Fault::new("E0399", "`moments` has two results"))
}

fn chosen(
    to: &mut Builder,
    op: &'static dyn Op,
    x: ValueId,
    over: Vec<AxisId>,
    c: Option<ValueId>,
) -> Result<ValueId, Fault> {
    let attrs = Attrs::none().with("over", over);
    match c {
        None => to.one(op, &[x], attrs),
        Some(c) => {
            let like = c_space(to, x, c).with_width(to.ty(x).width);
            let x = expand(to, x, &like)?;
            to.one(op, &[x, c], attrs)
        }
    }
}

/// The type of `c` in the space of both.
fn c_space(to: &Builder, x: ValueId, c: ValueId) -> Type {
    let space = to.ty(x).space.unite(&to.ty(c).space);
    to.ty(c).with_space(space)
}
