//! The end of a loop that has one row for each element that it is cut at: a network on top of a pooled history.
//!
//! A block holds a few hundred rows of the finest space, so few samples: their matrix products and their many small stages
//! would run over a handful of rows. Only rows of samples pass to the second loop, which is little to store.

use std::collections::BTreeSet;

use crate::ir::axis::AxisId;
use crate::ir::graph::{Def, Graph, NodeId, ValueId};

use super::own_space;

/// Numbers of a row that pass from one loop to the other at most. A matrix for each sample had better stay in cache.
const WIDEST: u32 = 256;

/// The loops that some nodes make, in order.
pub(super) fn split(graph: &Graph, cut: Option<AxisId>, nodes: Vec<NodeId>) -> Vec<Vec<NodeId>> {
    let (Some(cut), false) = (cut, nodes.is_empty()) else { return Vec::new() };
    let whole = graph.axes().close(&[cut]);
    // What something reads that is not of the end.
    let mut read: BTreeSet<ValueId> = BTreeSet::new();
    let mut end = BTreeSet::new();
    let of_samples = |id: NodeId| own_space(graph, graph.node(id)) == whole;
    let wide = |value: &ValueId| match graph.value(*value).def {
        Def::Node { node, .. } => graph.ty(*value).width > WIDEST && nodes.contains(&node) && !of_samples(node),
        _ => false,
    };
    for &id in nodes.iter().rev() {
        let node = graph.node(id);
        let is_last = node.results.iter().all(|result| !read.contains(result));
        if is_last && of_samples(id) && !node.operands.iter().any(wide) {
            end.insert(id);
        } else {
            read.extend(&node.operands);
        }
    }
    let multiplies = |id: &NodeId| graph.node(*id).op.name() == "linear";
    if end.len() == nodes.len() || !end.iter().any(multiplies) {
        return vec![nodes];
    }
    let (end, rest) = nodes.into_iter().partition(|id| end.contains(id));
    vec![rest, end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    /// How many nodes each loop of a graph has.
    fn loops(lines: &str) -> Vec<usize> {
        let axes = "axis h: ragged of B param @w: f32[2 x 2] = glorot input %x: f32[B, h, 2] input %y: f32[B, 2]";
        let graph = graph(&format!("{axes} {lines}"));
        let nodes = graph.nodes().map(|(id, _)| id).collect();
        split(&graph, graph.axes().ids().next(), nodes).iter().map(Vec::len).collect()
    }

    #[test]
    fn products_of_samples_behind_all_rows_of_events_have_a_loop_of_their_own() {
        let pooled = "%e: f32[B, h, 2] = linear(%x, @w) %p: f32[B, 2] = sum(%e) {over: h}";
        assert_eq!(
            loops(&format!("{pooled} %t: f32[B, 2] = linear(%p, @w) %s: f32[B, 2] = sigmoid(%t) output s = %s")),
            [2, 2]
        );
        assert_eq!(loops(&format!("{pooled} %s: f32[B, 2] = sigmoid(%p) output s = %s")), [3], "nothing to gain");
        let wide = "%e: f32[B, h, 300] = concat(%x, %many) %p: f32[B, 300] = sum(%e) {over: h}";
        let top = "%t: f32[B, 2] = linear(%p, @v) %s: f32[B, 2] = sigmoid(%t) output s = %s";
        assert_eq!(
            loops(&format!("input %many: f32[B, h, 298] param @v: f32[300 x 2] = glorot {wide} {top}")),
            [4],
            "a wide row stays in cache"
        );
        let back = "%t: f32[B, 2] = linear(%p, @w) %b: f32[B, h, 2] = mul(%x, %t) output b = %b";
        assert_eq!(loops(&format!("{pooled} {back}")), [4], "events read it");
        assert_eq!(loops("%t: f32[B, 2] = linear(%y, @w) %s: f32[B, 2] = sigmoid(%t) output s = %s"), [2]);
    }
}
