//! The axis whose elements are independent of each other, as samples are: the candidates of a request.

use std::collections::BTreeSet;

use crate::ir::attr::Attr;
use crate::ir::axis::AxisId;
use crate::ir::graph::{Graph, Node};
use crate::ir::types::Space;

use super::own_space;

/// The axis under samples along which blocks may be cut too, of a graph that only computes outputs: no node takes rows of
/// several elements of it together or moves rows along it, so none names it but as part of a space; and it stands behind the
/// samples in every space, so the rows of an element are neighbours.
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
            && spaces().all(|space| space.axes().get(1) == Some(axis))
            && !graph.nodes().any(|(_, node)| names(node, *axis, batch))
    };
    graph.axes().ids().find(is_apart)
}

/// Whether an attribute is about the axis. One that holds samples too is a space.
fn names(node: &Node, axis: AxisId, batch: AxisId) -> bool {
    node.attrs.iter().any(|(_, attr)| match attr {
        Attr::Axes(axes) => axes.contains(&axis) && !axes.contains(&batch),
        _ => false,
    })
}
