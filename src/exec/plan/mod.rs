//! The plan of a graph for the host: which nodes run as stages of which block loop, which by themselves, and where every
//! value lies. Made once from the graph, before any row is seen.
//!
//! Rows of one sample never read rows of another, except through a reduction to a space without samples (a weight
//! gradient, a batch statistic). So all nodes between two such reductions form one *block loop*: samples are cut into
//! blocks of a few hundred rows, and every stage of a block runs while its operands are in cache. The *level* of a node
//! says after how many such reductions it can run; a level is a loop, or two: what is left to do with one row a sample, when
//! all that has more is done, runs in larger blocks.
//!
//! Where the elements of an axis are as independent as samples, those of the candidates of a request, what has that axis is
//! cut at its elements, in loops behind those of what has a row per request: one request keeps all threads busy.

mod access;
mod apart;
mod level;
mod slot;
mod tail;

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::axis::AxisId;
use crate::ir::graph::{Graph, Node, NodeId, ValueId};
use crate::ir::types::Space;

use super::prologue::Prologue;

pub use access::{by_itself, groups};

/// How a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Before the step, from ids alone.
    Prologue,
    /// Block by block; its rows belong to samples.
    Stage,
    /// Block by block into a partial sum per chunk; its result has no samples.
    Reduction,
    /// By itself, over all rows at once.
    Whole,
}

/// What the host can do with an operation; asked once a node.
pub trait Inventory {
    /// Whether a node of samples has a stage kernel.
    fn stage(&self, graph: &Graph, node: NodeId) -> bool;
    /// Whether a node that leaves the samples has a reduction kernel.
    fn reduction(&self, graph: &Graph, node: NodeId) -> bool;
    /// Whether a node has a kernel of its own over all rows.
    fn whole(&self, graph: &Graph, node: NodeId) -> bool;
}

/// Where a value lies while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the weights.
    Param,
    /// In the prepared batch or the schedule.
    Batch,
    /// In a slot of all its rows.
    Slot(usize),
    /// In a block's scratch.
    Scratch(usize),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A node over all rows.
    Whole(NodeId),
    /// A block loop.
    Loop(BlockLoop),
}

/// Nodes that run together over blocks of samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockLoop {
    /// Stages and reductions in order.
    pub nodes: Vec<NodeId>,
    /// Blocks are runs of the elements of this axis: samples, or what stands apart under them.
    pub cut: Option<AxisId>,
    /// Values that other steps read: they leave the block.
    pub stored: Vec<ValueId>,
    /// Spaces with samples that the loop's values have; the rows of each block follow from them.
    pub spaces: Vec<Space>,
    /// Pairs of a space and a smaller one that some operand is spread from.
    pub maps: Vec<(Space, Space)>,
}

/// The plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is computed before the step.
    pub prologue: Prologue,
    /// Steps in order; effects follow.
    pub steps: Vec<Step>,
    /// How each node is computed.
    pub manners: BTreeMap<NodeId, Manner>,
    /// Where each value lies.
    pub homes: BTreeMap<ValueId, Home>,
    /// How many slots there are.
    pub slots: usize,
    /// How many scratch buffers a block needs.
    pub scratch: usize,
    /// Nodes that the Candle backend computes for want of a kernel.
    pub without_kernel: Vec<NodeId>,
}

/// Plans a graph.
pub fn plan(graph: &Graph, inventory: &dyn Inventory) -> Plan {
    let prologue = Prologue::of(graph);
    let levels = level::levels(graph, &prologue, inventory);
    let mut steps = Vec::new();
    for level in 0..=levels.deepest {
        let at = |id: &NodeId| levels.of_node.get(id) == Some(&level);
        let nodes: Vec<NodeId> = graph.nodes().map(|(id, _)| id).filter(at).collect();
        let whole = |id: &&NodeId| levels.manners.get(*id) == Some(&Manner::Whole);
        steps.extend(nodes.iter().filter(whole).map(|&id| Step::Whole(id)));
        let staged: Vec<NodeId> = nodes.iter().filter(|id| !whole(id)).copied().collect();
        let cut = staged.first().and_then(|&id| levels.cut(graph, id));
        for nodes in tail::split(graph, cut, staged) {
            steps.push(Step::Loop(BlockLoop { nodes, cut, ..BlockLoop::default() }));
        }
    }
    let without_kernel = levels
        .manners
        .iter()
        .filter(|&(&id, &manner)| manner == Manner::Whole && !inventory.whole(graph, id))
        .map(|(&id, _)| id)
        .collect();
    let mut plan =
        Plan { prologue, steps, manners: levels.manners, homes: BTreeMap::new(), slots: 0, scratch: 0, without_kernel };
    finish_loops(graph, &mut plan);
    slot::assign(graph, &mut plan);
    plan
}

/// Finds what leaves each loop and which spaces and maps it needs.
fn finish_loops(graph: &Graph, plan: &mut Plan) {
    let readers = readers(graph, plan);
    for (at, step) in plan.steps.iter_mut().enumerate() {
        let Step::Loop(block) = step else { continue };
        let (mut spaces, mut maps) = (BTreeSet::new(), BTreeSet::new());
        for &id in &block.nodes {
            let node = graph.node(id);
            let own = own_space(graph, node);
            let mapped = node.operands.iter().skip(by_itself(node)).chain(&node.results);
            for space in mapped.map(|&value| &graph.ty(value).space) {
                if *space != own && !space.is_unit() && own.covers(space) {
                    maps.insert((own.clone(), space.clone()));
                }
            }
            let touched = node.operands.iter().chain(&node.results).map(|&value| graph.ty(value).space.clone());
            spaces.extend(touched.filter(|space| graph.axes().batch_of(space).is_some()));
            for (from, to) in groups(graph, node) {
                spaces.extend([&from, &to].into_iter().filter(|space| graph.axes().batch_of(space).is_some()).cloned());
                maps.insert((from, to));
            }
            spaces.insert(own);
            if plan.manners.get(&id) == Some(&Manner::Stage) {
                let leaves =
                    |value: &&ValueId| readers.get(value).is_some_and(|steps| steps.iter().any(|&step| step != at));
                block.stored.extend(node.results.iter().filter(leaves));
            }
        }
        block.spaces = spaces.into_iter().collect();
        block.maps = maps.into_iter().collect();
    }
}

/// The space whose rows a stage runs over: that of its results and of its operands together, or of its first result where
/// it finds the rows of operands by itself.
pub fn own_space(graph: &Graph, node: &Node) -> Space {
    if by_itself(node) > 0
        && let Some(&first) = node.results.first()
        && graph.axes().batch_of(&graph.ty(first).space).is_some()
    {
        return graph.ty(first).space.clone();
    }
    let spaces = node.results.iter().chain(&node.operands).map(|&value| &graph.ty(value).space);
    let sampled = spaces.filter(|space| graph.axes().batch_of(space).is_some());
    sampled.fold(Space::unit(), |own, space| own.unite(space))
}

/// Which steps read each value; roots and effects read after the last one.
fn readers(graph: &Graph, plan: &Plan) -> BTreeMap<ValueId, BTreeSet<usize>> {
    let mut readers: BTreeMap<ValueId, BTreeSet<usize>> = BTreeMap::new();
    let end = plan.steps.len();
    for (at, step) in plan.steps.iter().enumerate() {
        let nodes = match step {
            Step::Whole(id) => std::slice::from_ref(id),
            Step::Loop(block) => &block.nodes,
        };
        for &id in nodes {
            for &operand in &graph.node(id).operands {
                readers.entry(operand).or_default().insert(at);
            }
        }
    }
    let roots = graph.losses().iter().chain(graph.outputs()).map(|root| root.value);
    for value in roots.chain(graph.effects().iter().flat_map(|effect| effect.operands.iter().copied())) {
        readers.entry(value).or_default().insert(end);
    }
    readers
}
