//! Drops what no root and no effect reads.

use std::collections::BTreeSet;

use crate::ir::axis::AxisKind;
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, ValueId};
use crate::ir::op::Fault;

use super::Goal;

/// Copies what is read. Parameters that an effect changes stay; inputs without a reader go, and so the batch need not
/// bring them.
pub fn prune(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    let live = live(graph);
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        let keep = match item {
            // An axis is copied by the first type or attribute that needs it; `B` stands first in every graph.
            Item::Axis(axis) => matches!(graph.axis(axis).kind, AxisKind::Batch),
            Item::Param(id) => live.contains(&graph.param(id).value),
            Item::Input(id) => live.contains(&graph.input(id).value),
            Item::Node(id) => graph.node(id).results.iter().any(|result| live.contains(result)),
        };
        if keep {
            copy.item(item)?;
        }
    }
    copy.finish()
}

fn live(graph: &Graph) -> BTreeSet<ValueId> {
    let mut live: BTreeSet<ValueId> = graph.losses().iter().chain(graph.outputs()).map(|root| root.value).collect();
    for effect in graph.effects() {
        live.extend(&effect.operands);
        live.extend(effect.targets.iter().map(|&target| graph.param(target).value));
    }
    let nodes: Vec<_> = graph.nodes().collect();
    for (_, node) in nodes.into_iter().rev() {
        if node.results.iter().any(|result| live.contains(result)) {
            live.extend(&node.operands);
            for &value in node.results.iter().chain(&node.operands) {
                for &axis in graph.ty(value).space.axes() {
                    if let AxisKind::Sub { condition, .. } = graph.axis(axis).kind {
                        live.insert(condition);
                    }
                }
            }
        }
    }
    live
}
