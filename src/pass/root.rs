//! Keeps the roots that a goal asks for.

use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::op::Fault;

use super::Goal;

/// The prefix of outputs that only metrics read.
pub const METRIC: &str = "metric.";

/// Losses for training; losses and the values of metrics for evaluation; the spec's outputs for prediction.
pub fn root(graph: &Graph, goal: Goal) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let (losses, metrics, outputs) = match goal {
        Goal::Train(_) | Goal::Gradients => (true, false, false),
        Goal::Evaluate => (true, true, false),
        Goal::Predict | Goal::Request => (false, false, true),
    };
    for root in graph.losses().iter().filter(|_| losses) {
        let value = copy.value(root.value);
        copy.to.loss(&root.name, value);
    }
    for root in graph.outputs() {
        if if root.name.starts_with(METRIC) { metrics } else { outputs } {
            let value = copy.value(root.value);
            copy.to.output(&root.name, value);
        }
    }
    Ok(copy.to.finish())
}

/// Keeps one value, as an output of its name: what another model reads of this one.
pub fn alone(graph: &Graph, value: ValueId, name: &str) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let value = copy.value(value);
    copy.to.output(name, value);
    Ok(copy.to.finish())
}
