//! A block loop with its kernels chosen and its operands resolved: made once per graph, read by every block.

use crate::ir::graph::{Graph, NodeId, ValueId};
use crate::ir::types::Space;

use super::super::error::ExecError;
use super::super::plan::{BlockLoop, Home, Manner, Plan, by_itself, groups, own_space};
use super::reduction::{self, Reduction};
use super::several::{self, Several};
use super::stage::{self, Stage};

/// The kernels of a loop.
pub(super) struct Loop {
    pub(super) entries: Vec<Entry>,
}

/// A node of a loop.
pub(super) struct Entry {
    pub(super) node: NodeId,
    pub(super) kernel: Kernel,
    pub(super) reads: Vec<Operand>,
    /// The stage's own space, in the loop's list.
    pub(super) space: usize,
    /// The map from the own space to the result's, in the loop's list; none where they are the same.
    pub(super) to_result: Option<usize>,
    /// The maps to the space of the groups, in the loop's list.
    pub(super) groups: Vec<usize>,
    /// The space of the groups, in the loop's list.
    pub(super) group_space: Option<usize>,
}

pub(super) enum Kernel {
    Stage(Stage, Result),
    Several(Several, Vec<Result>),
    Reduction(Reduction, Vec<ValueId>),
}

/// A result of a stage.
pub(super) struct Result {
    pub(super) target: Target,
    /// Its space, in the loop's list.
    pub(super) space: usize,
    pub(super) width: usize,
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
    pub(super) fn new(graph: &Graph, plan: &Plan, block: &BlockLoop) -> std::result::Result<Self, ExecError> {
        let entries = block.nodes.iter().map(|&id| Entry::new(graph, plan, block, id));
        Ok(Self { entries: entries.collect::<std::result::Result<_, _>>()? })
    }
}

impl Entry {
    fn new(graph: &Graph, plan: &Plan, block: &BlockLoop, id: NodeId) -> std::result::Result<Self, ExecError> {
        let node = graph.node(id);
        let missing = || ExecError::NotKnown(graph.value(node.results[0]).name.clone());
        let own = own_space(graph, node);
        let at = |space: &Space| block.spaces.iter().position(|known| known == space);
        let between = |own: &Space, to: &Space| block.maps.iter().position(|(from, known)| from == own && known == to);
        let map = |to: &Space| between(&own, to);
        let space = at(&own).ok_or_else(missing)?;
        let mut reads = Vec::new();
        for (i, &value) in node.operands.iter().enumerate() {
            let ty = graph.ty(value);
            let sampled = at(&ty.space);
            let rows = if i < by_itself(node) || ty.space == own || (sampled.is_none() && !own.covers(&ty.space)) {
                Spread::All // rows that the kernel finds by itself, such as those of a table by places
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
        let first = &graph.ty(node.results[0]).space;
        let to_result = if *first == own { None } else { map(first) };
        let kernel = if plan.manners.get(&id) == Some(&Manner::Reduction) {
            Kernel::Reduction(reduction::find(graph, node).ok_or_else(missing)?, node.results.clone())
        } else {
            let target =
                |value: &ValueId| match (block.stored.iter().position(|stored| stored == value), plan.homes.get(value))
                {
                    (Some(stored), _) => Ok(Target::Stored(stored)),
                    (None, Some(&Home::Scratch(place))) => Ok(Target::Scratch(place)),
                    _ => Err(missing()),
                };
            let result = |value: &ValueId| {
                let ty = graph.ty(*value);
                let space = at(&ty.space).ok_or_else(missing)?;
                Ok::<Result, ExecError>(Result { target: target(value)?, space, width: ty.width as usize })
            };
            let mut results = node.results.iter().map(result).collect::<std::result::Result<Vec<_>, _>>()?;
            match (stage::find(graph, node), several::find(graph, node)) {
                (Some(stage), _) => Kernel::Stage(stage, results.pop().ok_or_else(missing)?),
                (None, Some(several)) => Kernel::Several(several, results),
                (None, None) => return Err(missing()),
            }
        };
        let taken = groups(graph, node);
        let group_space = taken.first().and_then(|(_, to)| at(to));
        let groups = taken.iter().map(|(from, to)| between(from, to).ok_or_else(missing));
        let groups = groups.collect::<std::result::Result<_, _>>()?;
        Ok(Self { node: id, kernel, reads, space, to_result, groups, group_space })
    }
}
