//! The axis whose elements are independent of each other, as samples are: the candidates of a request.

use std::collections::BTreeSet;

use crate::ir::attr::Attr;
use crate::ir::axis::AxisId;
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::types::{Elem, Space};

use super::own_space;

/// The axis under samples along which blocks may be cut too, of a graph that only computes outputs: no node takes rows of
/// several elements of it together or moves rows along it, so none names it but as part of a space; and it stands behind the
/// samples in every space, so the rows of an element are neighbours. No place of it is looked up.
pub(super) fn apart(graph: &Graph) -> Option<AxisId> {
    // Random numbers have their address in the sample.
    let draws = |node: &Node| node.op.draws() || node.attrs.float("rate") > 0.0;
    if !graph.losses().is_empty() || !graph.effects().is_empty() || graph.nodes().any(|(_, node)| draws(node)) {
        return None;
    }
    let of_values = graph.values().map(|(_, value)| value.ty.space.clone());
    let spaces: BTreeSet<Space> = of_values.chain(graph.nodes().map(|(_, node)| own_space(graph, node))).collect();
    let batch = graph.axes().ids().next()?;
    let is_apart = |axis: &AxisId| {
        let spaces = || spaces.iter().filter(|space| space.has(*axis));
        graph.axis(*axis).parent == Some(batch)
            && spaces().next().is_some()
            && graph.values().all(|(_, value)| value.ty.elem != Elem::Index(*axis))
            && spaces().all(|space| space.axes().get(1) == Some(axis))
            && graph.nodes().all(|(_, node)| !names(node, *axis, batch) && keeps(graph, node, *axis))
    };
    graph.axes().ids().find(is_apart)
}

/// Whether what follows from values that have the axis has it too: no sum over it is hidden in the node.
fn keeps(graph: &Graph, node: &Node, axis: AxisId) -> bool {
    let has = |value: &ValueId| graph.ty(*value).space.has(axis);
    !node.operands.iter().any(has) || node.results.iter().all(has)
}

/// Whether an attribute is about the axis. One that holds samples too is a space.
fn names(node: &Node, axis: AxisId, batch: AxisId) -> bool {
    node.attrs.iter().any(|(_, attr)| match attr {
        Attr::Axes(axes) => axes.contains(&axis) && !axes.contains(&batch),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    fn found(lines: &str) -> Option<String> {
        let axes = "axis c: ragged of B axis h: ragged of B input %x: f32[B, c, 2] input %y: f32[B, h, 2]";
        let graph = graph(&format!("{axes} {lines} output z = %z"));
        apart(&graph).map(|axis| graph.axis(axis).name.clone())
    }

    #[test]
    fn an_axis_that_no_node_reduces_or_moves_along_stands_apart() {
        let both = "%xy: f32[B, c, h, 2] = mul(%x, %y)";
        assert_eq!(found(&format!("{both} %z: f32[B, c, 2] = sum(%xy) {{over: h}}")).as_deref(), Some("c"));
        assert_eq!(found(&format!("{both} %z: f32[B, 2] = sum(%xy) {{over: [c, h]}}")), None);
        assert_eq!(found(&format!("{both} %z: f32[B, c, h, 2] = softmax(%xy) {{over: c}}")), None);
        // Behind another axis, its rows are no neighbours.
        assert_eq!(found(&format!("{both} %z: f32[B, h, 2] = sum(%xy) {{over: c}}")), None);
    }
}
