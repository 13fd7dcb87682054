//! What models of sequences are made of besides moves: layer normalisation, the cloze task, cross-entropy over a table.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::op::Fault;
use crate::prim::{cloze, cross_entropy, layer_norm, scan, top};

/// Rows of mean 0 and variance 1, scaled and shifted.
pub fn layer_norm(to: &mut Builder, x: ValueId, scale: ValueId, shift: ValueId, eps: f64) -> Result<ValueId, Fault> {
    to.one(&layer_norm::LayerNorm, &[x, scale, shift], Attrs::none().with("eps", eps))
}

/// Its derivative by `x`.
pub fn layer_norm_grad(to: &mut Builder, g: ValueId, x: ValueId, scale: ValueId, eps: f64) -> Result<ValueId, Fault> {
    to.one(&layer_norm::LayerNormGrad, &[g, x, scale], Attrs::none().with("eps", eps))
}

/// Its derivative by the scale.
pub fn layer_norm_scale_grad(to: &mut Builder, g: ValueId, x: ValueId, eps: f64) -> Result<ValueId, Fault> {
    to.one(&layer_norm::LayerNormScaleGrad, &[g, x], Attrs::none().with("eps", eps))
}

/// Cross-entropy of `operands` (hidden, table, target, and a bias at will) over the rows of the table from `from` on.
pub fn cross_entropy(to: &mut Builder, operands: &[ValueId], from: i64) -> Result<ValueId, Fault> {
    to.one(&cross_entropy::CrossEntropy, operands, Attrs::none().with("from", from))
}

/// Its derivatives by hidden, table and, if there, bias, given that by the loss and the second result of the loss.
pub fn cross_entropy_grad(
    to: &mut Builder,
    g_and_log_sum: [ValueId; 2],
    operands: &[ValueId],
    from: i64,
) -> Result<Vec<ValueId>, Fault> {
    let operands: Vec<ValueId> = g_and_log_sum.iter().chain(operands).copied().collect();
    to.op(&cross_entropy::CrossEntropyGrad, &operands, Attrs::none().with("from", from))
}

/// The places and scores of the best along the static axis `as_`, among those where `c` holds.
pub fn top(
    to: &mut Builder,
    score: ValueId,
    c: Option<ValueId>,
    over: AxisId,
    as_: AxisId,
) -> Result<[ValueId; 2], Fault> {
    let operands: Vec<ValueId> = [score].into_iter().chain(c).collect();
    pair(to.op(&top::Top, &operands, Attrs::none().with("over", over).with("as", as_))?)
}

/// The ids with some replaced by the row `mask`, and which: each with probability `rate`, or, with probability `last`, the
/// last alone.
pub fn cloze(
    to: &mut Builder,
    ids: ValueId,
    over: AxisId,
    mask: u32,
    stream: &str,
    (rate, last): (f64, f64),
) -> Result<[ValueId; 2], Fault> {
    let attrs = Attrs::none().with("over", over).with("mask", mask).with("stream", stream);
    pair(to.op(&cloze::Cloze, &[ids], attrs.with("rate", rate).with("last", last))?)
}

/// The ids with the last of each sequence replaced by the row `mask`, and which these are.
pub fn hide_last(to: &mut Builder, ids: ValueId, over: AxisId, mask: u32) -> Result<[ValueId; 2], Fault> {
    pair(to.op(&cloze::HideLast, &[ids], Attrs::none().with("over", over).with("mask", mask))?)
}

/// The states after each element of `over`, of operands (elements, first states, what all steps share) in the order of the
/// body's inputs.
pub fn scan(to: &mut Builder, operands: &[ValueId], over: AxisId, body: Graph) -> Result<Vec<ValueId>, Fault> {
    to.op(&scan::Scan, operands, Attrs::none().with("over", over).with("body", std::sync::Arc::new(body)))
}

pub(super) fn pair(results: Vec<ValueId>) -> Result<[ValueId; 2], Fault> {
    <[ValueId; 2]>::try_from(results).map_err(|_| Fault::new("E0399", "two results were expected"))
}
