//! After how many reductions over the batch each node can run.

use std::collections::BTreeMap;

use crate::ir::graph::{Graph, Node, NodeId, ValueId};

use super::super::prologue::Prologue;
use super::{Inventory, Manner};

/// The level and manner of every node.
pub(super) struct Levels {
    pub(super) of_node: BTreeMap<NodeId, usize>,
    pub(super) manners: BTreeMap<NodeId, Manner>,
    pub(super) deepest: usize,
}

pub(super) fn levels(graph: &Graph, prologue: &Prologue, inventory: &dyn Inventory) -> Levels {
    let mut levels = Levels { of_node: BTreeMap::new(), manners: BTreeMap::new(), deepest: 0 };
    // When a value is complete for readers outside of its loop, and whether it is computed inside of one.
    let mut ready: BTreeMap<ValueId, (usize, bool)> = BTreeMap::new();
    for (id, node) in graph.nodes() {
        if prologue.has(id) {
            levels.manners.insert(id, Manner::Prologue);
            continue;
        }
        let manner = manner(graph, id, node, inventory);
        let inside = matches!(manner, Manner::Stage | Manner::Reduction);
        let level = node.operands.iter().filter_map(|operand| ready.get(operand));
        let level = level.map(|&(level, staged)| if staged && !inside { level + 1 } else { level }).max().unwrap_or(0);
        let complete = match manner {
            Manner::Reduction => (level + 1, false),
            _ => (level, manner == Manner::Stage),
        };
        ready.extend(node.results.iter().map(|&result| (result, complete)));
        levels.of_node.insert(id, level);
        levels.manners.insert(id, manner);
        levels.deepest = levels.deepest.max(level);
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
