//! What a graph costs, from its types alone: floating-point operations and bytes, with every ragged axis at its most.

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::Graph;
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
    let cost = |node: &crate::ir::graph::Node| {
        let ty = |i: usize| graph.ty(node.operands[i]);
        match node.op.name() {
            "linear" | "outer_sum" if node.operands.len() > 1 => {
                2 * numbers_per_sample(graph, ty(0)) * u64::from(ty(1).width)
            }
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

fn has_samples(graph: &Graph, ty: &Type) -> bool {
    graph.axes().batch_of(&ty.space).is_some()
}
