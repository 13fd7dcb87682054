//! What a graph costs, from its types alone: floating-point operations and bytes, with every ragged axis at its most.

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Graph, Node};
use crate::ir::types::{Space, Type};

/// Elements of an axis that has no bound of its own.
const UNBOUNDED: u64 = 10;

/// Rows of a space for one sample (tables and other roots without samples count once).
pub fn rows_per_sample(graph: &Graph, space: &Space) -> u64 {
    space.axes().iter().map(|&axis| elements(graph, axis)).product()
}

fn elements(graph: &Graph, axis: AxisId) -> u64 {
    match &graph.axis(axis).kind {
        AxisKind::Ragged { max } => max.map_or(UNBOUNDED, u64::from),
        AxisKind::Static { len } => u64::from(*len),
        AxisKind::Sub { of, .. } | AxisKind::Twin { of } => elements(graph, *of),
        AxisKind::Appended { of } => elements(graph, *of) + 1,
        AxisKind::Batch | AxisKind::Rows { .. } | AxisKind::Unique { .. } => 1,
    }
}

/// Numbers of a value for one sample.
pub fn numbers_per_sample(graph: &Graph, ty: &Type) -> u64 {
    rows_per_sample(graph, &ty.space) * u64::from(ty.height) * u64::from(ty.width)
}

/// Floating-point operations of a graph for one sample: 2 m k n of a matrix product, one of each other number.
pub fn flops_per_sample(graph: &Graph) -> u64 {
    let cost = |node: &Node| {
        let ty = |i: usize| graph.ty(node.operands[i]);
        match node.op.name() {
            "linear" | "outer_sum" if node.operands.len() > 1 => {
                2 * numbers_per_sample(graph, ty(0)) * u64::from(ty(1).width)
            }
            // Two products of each row of `q` with each of its keys; five backwards, which makes the weights again.
            "attention" => 4 * pairs_per_sample(graph, node, 0) * u64::from(ty(0).width),
            "attention_grad" => 10 * pairs_per_sample(graph, node, 1) * u64::from(ty(1).width),
            _ => node
                .results
                .iter()
                .map(|&result| graph.ty(result))
                .filter(|ty| has_samples(graph, ty))
                .map(|ty| numbers_per_sample(graph, ty))
                .sum(),
        }
    };
    graph.nodes().map(|(_, node)| cost(node)).sum()
}

/// Rows of `q`, which is operand `first`, times the keys that each of them sees.
fn pairs_per_sample(graph: &Graph, node: &Node, first: usize) -> u64 {
    let keys = node.attrs.axis("over").map_or(1, |over| elements(graph, over));
    let seen = if node.attrs.flag("causal") { keys.div_ceil(2) } else { keys };
    rows_per_sample(graph, &graph.ty(node.operands[first]).space) * seen
}

fn has_samples(graph: &Graph, ty: &Type) -> bool {
    graph.axes().batch_of(&ty.space).is_some()
}
