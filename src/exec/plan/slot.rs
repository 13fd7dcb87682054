//! Gives every value its place: slots of all rows live from step to step, scratch lives from stage to stage of a block.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::graph::{Def, Graph, NodeId, ValueId};

use super::{Home, Plan, Step};

pub(super) fn assign(graph: &Graph, plan: &mut Plan) {
    for (id, value) in graph.values() {
        let home = match value.def {
            Def::Param(_) => Home::Param,
            Def::Input(_) => Home::Batch,
            Def::Node { node, .. } if plan.prologue.has(node) => Home::Batch,
            Def::Node { .. } => continue,
        };
        plan.homes.insert(id, home);
    }
    slots(graph, plan);
    scratch(graph, plan);
}

/// A pool of numbered places that are handed out again once free.
#[derive(Default)]
struct Pool {
    free: BTreeSet<usize>,
    count: usize,
}

impl Pool {
    fn take(&mut self) -> usize {
        self.free.pop_first().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }
}

/// Values that outlive a step. Those of one step are all live at once, so a slot is free only after the step of its last
/// reader.
fn slots(graph: &Graph, plan: &mut Plan) {
    let readers = super::readers(graph, plan);
    let mut pool = Pool::default();
    let mut ends: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let made: Vec<ValueId> = match step {
            Step::Whole(id) => graph.node(*id).results.clone(),
            Step::Loop(block) => {
                let reductions =
                    block.nodes.iter().filter(|id| plan.manners.get(*id) == Some(&super::Manner::Reduction));
                let reduced = reductions.flat_map(|&id| graph.node(id).results.iter().copied());
                block.stored.iter().copied().chain(reduced).collect()
            }
        };
        for value in made {
            let slot = pool.take();
            let last = readers.get(&value).and_then(|steps| steps.last()).copied().unwrap_or(at);
            ends.entry(last.max(at)).or_default().push(slot);
            plan.homes.insert(value, Home::Slot(slot));
        }
        pool.free.extend(ends.remove(&at).unwrap_or_default());
    }
    plan.slots = pool.count;
}

/// Values that die inside of their loop.
fn scratch(graph: &Graph, plan: &mut Plan) {
    let mut deepest = 0;
    for step in &plan.steps {
        let Step::Loop(block) = step else { continue };
        let mut last: BTreeMap<ValueId, NodeId> = BTreeMap::new();
        for &id in &block.nodes {
            last.extend(graph.node(id).operands.iter().chain(&graph.node(id).results).map(|&value| (value, id)));
        }
        let mut pool = Pool::default();
        for &id in &block.nodes {
            let node = graph.node(id);
            for &result in &node.results {
                plan.homes.entry(result).or_insert_with(|| Home::Scratch(pool.take()));
            }
            let touched: BTreeSet<ValueId> = node.operands.iter().chain(&node.results).copied().collect();
            for value in touched.into_iter().filter(|value| last.get(value) == Some(&id)) {
                if let Some(&Home::Scratch(place)) = plan.homes.get(&value) {
                    pool.free.insert(place);
                }
            }
        }
        deepest = deepest.max(pool.count);
    }
    plan.scratch = deepest;
}
