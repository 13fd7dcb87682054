//! After how many reductions over the batch each node can run. What has an axis that stands apart runs behind all that
//! has only samples, so that no loop has both.

use std::collections::BTreeMap;

use crate::ir::axis::AxisId;
use crate::ir::graph::{Graph, Node, NodeId, ValueId};

use super::super::prologue::Prologue;
use super::apart::apart;
use super::{Inventory, Manner, own_space};

/// The level and manner of every node.
pub(super) struct Levels {
    pub(super) of_node: BTreeMap<NodeId, usize>,
    pub(super) manners: BTreeMap<NodeId, Manner>,
    pub(super) deepest: usize,
    apart: Option<AxisId>,
}

impl Levels {
    /// The axis whose elements are the blocks of a node.
    pub(super) fn cut(&self, graph: &Graph, id: NodeId) -> Option<AxisId> {
        let space = own_space(graph, graph.node(id));
        self.apart.filter(|&axis| space.has(axis)).or(graph.axes().batch_of(&space))
    }
}

pub(super) fn levels(graph: &Graph, prologue: &Prologue, inventory: &dyn Inventory) -> Levels {
    let mut levels = Levels { of_node: BTreeMap::new(), manners: BTreeMap::new(), deepest: 0, apart: apart(graph) };
    // When a value is complete for readers outside of its loop, and whether it is computed inside of one.
    let mut ready: BTreeMap<ValueId, (usize, bool)> = BTreeMap::new();
    let is_apart = |id: NodeId| levels.apart.is_some_and(|axis| own_space(graph, graph.node(id)).has(axis));
    // Nothing that has samples alone reads what has the other axis, so these two runs are in order of execution too.
    let (behind, first): (Vec<_>, Vec<_>) = graph.nodes().partition(|(id, _)| is_apart(*id));
    let mut least = 0;
    for (nodes, is_apart) in [(first, false), (behind, true)] {
        for (id, node) in nodes {
            if prologue.has(id) {
                levels.manners.insert(id, Manner::Prologue);
                continue;
            }
            let manner = manner(graph, id, node, inventory);
            let inside = matches!(manner, Manner::Stage | Manner::Reduction);
            let level = node.operands.iter().filter_map(|operand| ready.get(operand));
            let level = level.map(|&(level, staged)| if staged && !inside { level + 1 } else { level }).max();
            let level = level.unwrap_or(0).max(if is_apart && inside { least } else { 0 });
            let complete = match manner {
                Manner::Reduction => (level + 1, false),
                _ => (level, manner == Manner::Stage),
            };
            ready.extend(node.results.iter().map(|&result| (result, complete)));
            levels.of_node.insert(id, level);
            levels.manners.insert(id, manner);
            levels.deepest = levels.deepest.max(level);
            if !is_apart && inside {
                least = least.max(level + 1);
            }
        }
    }
    levels
}

fn manner(graph: &Graph, id: NodeId, node: &Node, inventory: &dyn Inventory) -> Manner {
    let has_samples = |value: &ValueId| graph.axes().batch_of(&graph.ty(*value).space).is_some();
    let (reads, gives) = (node.operands.iter().any(has_samples), node.results.iter().any(has_samples));
    if gives && inventory.stage(graph, id) {
        Manner::Stage
    } else if reads && !gives && inventory.reduction(graph, id) {
        Manner::Reduction
    } else {
        Manner::Whole
    }
}
