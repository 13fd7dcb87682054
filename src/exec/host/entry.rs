//! A block loop with its kernels chosen and its operands resolved: made once per graph, read by every block.

use crate::ir::graph::{Graph, NodeId, ValueId};
use crate::ir::types::Space;

use super::super::error::ExecError;
use super::super::plan::{BlockLoop, Home, Manner, Plan, own_space};
use super::reduction::{self, Reduction};
use super::stage::{self, Stage};

/// The kernels of a loop.
pub(super) struct Loop {
    pub(super) entries: Vec<Entry>,
}

/// A node of a loop.
pub(super) struct Entry {
    pub(super) kernel: Kernel,
    pub(super) reads: Vec<Operand>,
    /// The stage's own space, in the loop's list.
    pub(super) space: usize,
    /// The result's space, in the loop's list.
    pub(super) result_space: usize,
    /// The map from the own space to the result's, in the loop's list; none where they are the same.
    pub(super) to_result: Option<usize>,
    pub(super) width: usize,
}

pub(super) enum Kernel {
    Stage(Stage, Target),
    Reduction(Reduction, Vec<ValueId>),
}

/// Where a stage writes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Scratch(usize),
    /// One of the loop's stored values.
    Stored(usize),
}

/// Where a stage reads.
pub(super) struct Operand {
    pub(super) from: From,
    pub(super) width: usize,
    pub(super) rows: Spread,
    /// The operand's space in the loop's list; none where it has no samples.
    pub(super) space: Option<usize>,
}

pub(super) enum From {
    Scratch(usize),
    Stored(usize),
    Full(ValueId),
}

#[derive(Clone, Copy)]
pub(super) enum Spread {
    All,
    One,
    Map(usize),
}

impl Loop {
    pub(super) fn new(graph: &Graph, plan: &Plan, block: &BlockLoop) -> Result<Self, ExecError> {
        let entries = block.nodes.iter().map(|&id| Entry::new(graph, plan, block, id));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }
}

impl Entry {
    fn new(graph: &Graph, plan: &Plan, block: &BlockLoop, id: NodeId) -> Result<Self, ExecError> {
        let node = graph.node(id);
        let missing = || ExecError::NotKnown(graph.value(node.results[0]).name.clone());
        let own = own_space(graph, node);
        let at = |space: &Space| block.spaces.iter().position(|known| known == space);
        let map = |to: &Space| block.maps.iter().position(|(from, known)| *from == own && known == to);
        let space = at(&own).ok_or_else(missing)?;
        let mut reads = Vec::new();
        for &value in &node.operands {
            let ty = graph.ty(value);
            let sampled = at(&ty.space);
            let rows = if ty.space == own || (sampled.is_none() && !own.covers(&ty.space)) {
                Spread::All // rows of a table, which the kernel finds by places
            } else if ty.space.is_unit() {
                Spread::One
            } else {
                Spread::Map(map(&ty.space).ok_or_else(missing)?)
            };
            let stored = block.stored.iter().position(|&stored| stored == value);
            let from = match (stored, plan.homes.get(&value)) {
                (Some(stored), _) => From::Stored(stored),
                (None, Some(&Home::Scratch(place))) => From::Scratch(place),
                _ => From::Full(value),
            };
            reads.push(Operand { from, width: ty.width as usize, rows, space: sampled });
        }
        let result = node.results[0];
        let result_type = graph.ty(result);
        let to_result = if result_type.space == own { None } else { map(&result_type.space) };
        let kernel = if plan.manners.get(&id) == Some(&Manner::Reduction) {
            Kernel::Reduction(reduction::find(graph, node).ok_or_else(missing)?, node.results.clone())
        } else {
            let target = match (block.stored.iter().position(|&stored| stored == result), plan.homes.get(&result)) {
                (Some(stored), _) => Target::Stored(stored),
                (None, Some(&Home::Scratch(place))) => Target::Scratch(place),
                _ => return Err(missing()),
            };
            Kernel::Stage(stage::find(graph, node).ok_or_else(missing)?, target)
        };
        let result_space = at(&result_type.space).unwrap_or(space);
        Ok(Self { kernel, reads, space, result_space, to_result, width: result_type.width as usize })
    }
}
