//! Losses, noise, batch statistics: what only training computes.

use crate::ir::attr::Attrs;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::ir::types::Space;
use crate::prim::{batch_norm, bce, dropout, random, stop_gradient, sum_squares};

/// Binary cross-entropy of each row, 0 where the label is null.
pub fn bce(to: &mut Builder, logit: ValueId, label: ValueId) -> Result<ValueId, Fault> {
    to.one(&bce::Bce, &[logit, label], Attrs::none())
}

/// Its slope by the logit.
pub fn bce_grad(to: &mut Builder, logit: ValueId, label: ValueId) -> Result<ValueId, Fault> {
    to.one(&bce::BceGrad, &[logit, label], Attrs::none())
}

/// A dropout mask drawn from a stream: 0 with probability `rate`, else `1 / (1 - rate)`.
pub fn random(to: &mut Builder, of: &Space, width: u32, stream: &str, rate: f64) -> Result<ValueId, Fault> {
    let attrs = Attrs::none().with("of", of.axes().to_vec()).with("width", width);
    to.one(&random::Random, &[], attrs.with("stream", stream).with("rate", rate))
}

/// Dropout in a model graph.
pub fn dropout(to: &mut Builder, x: ValueId, stream: &str, rate: f64) -> Result<ValueId, Fault> {
    to.one(&dropout::Dropout, &[x], Attrs::none().with("stream", stream).with("rate", rate))
}

/// Batch normalisation in a model graph, without scale and shift.
pub fn batch_norm(
    to: &mut Builder,
    x: ValueId,
    mean: ValueId,
    variance: ValueId,
    eps: f64,
    momentum: f64,
) -> Result<ValueId, Fault> {
    let attrs = Attrs::none().with("eps", eps).with("momentum", momentum);
    to.one(&batch_norm::BatchNorm, &[x, mean, variance], attrs)
}

/// `x`, with no derivative.
pub fn stop_gradient(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    to.one(&stop_gradient::StopGradient, &[x], Attrs::none())
}

/// The sum of all squares of several values.
pub fn sum_squares(to: &mut Builder, values: &[ValueId]) -> Result<ValueId, Fault> {
    to.one(&sum_squares::SumSquares, values, Attrs::none())
}
