//! Operations on the width, and on weight matrices.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::{concat, dot, linear, outer_by, rows, scaled_linear, transpose};

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

/// `x (w + diag(q) v)`, the matrix of each row of `q` for all rows of `x` beside it.
pub fn scaled_linear(
    to: &mut Builder,
    x: ValueId,
    q: ValueId,
    [w, v]: [ValueId; 2],
    b: Option<ValueId>,
) -> Result<ValueId, Fault> {
    let mut operands = vec![x, q, w, v];
    operands.extend(b);
    to.one(&scaled_linear::ScaledLinear, &operands, Attrs::none())
}

/// `x (w + v diag(q))`.
pub fn linear_scaled(to: &mut Builder, x: ValueId, q: ValueId, [w, v]: [ValueId; 2]) -> Result<ValueId, Fault> {
    to.one(&scaled_linear::LinearScaled, &[x, q, w, v], Attrs::none())
}

/// The sum of `x^T g` over some axes: a matrix in each row that is left.
pub fn outer_by(to: &mut Builder, x: ValueId, g: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    to.one(&outer_by::OuterBy, &[x, g], Attrs::none().with("over", over))
}

/// Inner products of the rows of `v` with those of the matrix in each row of `m`.
pub fn matrix_dot(to: &mut Builder, m: ValueId, v: ValueId) -> Result<ValueId, Fault> {
    to.one(&outer_by::MatrixDot, &[m, v], Attrs::none())
}

/// The sums over all rows of the matrix in each row of `m`, and of `diag(q)` times it.
pub fn scaled_sums(to: &mut Builder, m: ValueId, q: ValueId) -> Result<[ValueId; 2], Fault> {
    let sums = to.op(&outer_by::ScaledSums, &[m, q], Attrs::none())?;
    Ok([sums[0], sums[1]])
}

/// The transposed weight matrix.
pub fn transpose(to: &mut Builder, w: ValueId) -> Result<ValueId, Fault> {
    to.one(&transpose::Transpose, &[w], Attrs::none())
}

/// The inner product of two rows.
pub fn dot(to: &mut Builder, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    to.one(&dot::Dot, &[a, b], Attrs::none())
}

/// Values side by side; one value is itself.
pub fn concat(to: &mut Builder, values: &[ValueId]) -> Result<ValueId, Fault> {
    match values {
        [value] => Ok(*value),
        _ => to.one(&concat::Concat, values, Attrs::none()),
    }
}

/// The columns `from..end`; `x` itself for all of them.
pub fn slice(to: &mut Builder, x: ValueId, from: u32, end: u32) -> Result<ValueId, Fault> {
    if from == 0 && end == to.ty(x).width {
        return Ok(x);
    }
    to.one(&concat::Slice, &[x], Attrs::none().with("from", from).with("to", end))
}

/// The columns of `x` put at `from` of `width` columns, zeros elsewhere.
pub fn pad(to: &mut Builder, x: ValueId, from: u32, width: u32) -> Result<ValueId, Fault> {
    to.one(&concat::Pad, &[x], Attrs::none().with("from", from).with("width", width))
}

/// The rows `from..end` of a weight matrix.
pub fn rows(to: &mut Builder, w: ValueId, from: u32, end: u32) -> Result<ValueId, Fault> {
    to.one(&rows::Rows, &[w], Attrs::none().with("from", from).with("to", end))
}

/// The rows of a weight matrix put at `from` of `height` rows, zeros elsewhere.
pub fn rows_pad(to: &mut Builder, w: ValueId, from: u32, height: u32) -> Result<ValueId, Fault> {
    to.one(&rows::RowsPad, &[w], Attrs::none().with("from", from).with("height", height))
}
