//! First values of the rows that a step reads, drawn before it: after that a kernel finds every row that it asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Def, Graph, ParamId, ValueId};

use super::super::feed::Column;
use super::super::matrix::Matrix;
use super::super::prologue::{Prepared, Prologue};
use super::super::weights::{Weights, table_of};
use super::Host;

/// What the steps of a graph touch of a table.
#[derive(Debug)]
pub(super) enum Touched {
    /// Every row.
    All,
    /// The rows that a batch names.
    Rows(BTreeSet<Named>),
}

/// What names rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// The distinct rows of a batch.
    Distinct(AxisId),
    /// Places in the whole table, known before the step.
    Places(ValueId),
}

/// The tables of a graph and what its nodes and effects touch of each.
pub(super) fn touched(graph: &Graph, prologue: &Prologue) -> BTreeMap<ParamId, Touched> {
    let mut tables = BTreeMap::new();
    let known_before = |places: ValueId| match graph.value(places).def {
        Def::Node { node, .. } => prologue.has(node),
        Def::Input(_) | Def::Param(_) => false,
    };
    for (_, node) in graph.nodes() {
        for (i, &operand) in node.operands.iter().enumerate() {
            let named = match (node.op.name(), i) {
                ("fetch", _) => node.results.first().and_then(|&rows| distinct(graph, rows)),
                ("gather", 0) => Some(Named::Places(node.operands[1])).filter(|_| known_before(node.operands[1])),
                _ => None,
            };
            touch(graph, &mut tables, operand, named);
        }
    }
    for effect in graph.effects() {
        let named = effect.operands.first().and_then(|&gradient| distinct(graph, gradient));
        let targets = effect.targets.iter().map(|&target| graph.param(target).value);
        targets.for_each(|target| touch(graph, &mut tables, target, named));
        effect.operands.iter().for_each(|&operand| touch(graph, &mut tables, operand, None));
    }
    for root in graph.losses().iter().chain(graph.outputs()) {
        touch(graph, &mut tables, root.value, None);
    }
    tables
}

/// The rows of a value on an axis of distinct rows.
fn distinct(graph: &Graph, rows: ValueId) -> Option<Named> {
    let &axis = graph.ty(rows).space.axes().first()?;
    matches!(graph.axis(axis).kind, AxisKind::Unique { .. }).then_some(Named::Distinct(axis))
}

/// `value`, if it is a table, is touched where rows are named, else everywhere.
fn touch(graph: &Graph, tables: &mut BTreeMap<ParamId, Touched>, value: ValueId, named: Option<Named>) {
    let Def::Param(param) = graph.value(value).def else { return };
    if table_of(graph, value).is_none() {
        return;
    }
    let table = graph.ty(value);
    let named = named.filter(|_| table.height == 1 && table.space.axes().len() == 1);
    match (tables.entry(param).or_insert_with(|| Touched::Rows(BTreeSet::new())), named) {
        (Touched::Rows(all), Some(named)) => drop(all.insert(named)),
        (known, _) => *known = Touched::All,
    }
}

/// Draws what the step of this batch touches first.
pub(super) fn draw(host: &Host, weights: &mut Weights, batch: &Prepared) {
    for (&param, touched) in &host.tables {
        let Some(matrix) = weights.get_mut(&host.graph.param(param).name) else { continue };
        match touched {
            Touched::All if matrix.is_drawn() => {}
            Touched::All => host.pool.install(|| matrix.draw_all()),
            Touched::Rows(all) => {
                for &named in all {
                    let missing = missing(matrix, batch, named);
                    if !missing.is_empty() {
                        host.pool.install(|| matrix.draw(&missing));
                    }
                }
            }
        }
    }
}

/// Rows of a table that a batch names and that are not drawn, rising.
fn missing(table: &Matrix, batch: &Prepared, named: Named) -> Vec<u32> {
    match named {
        Named::Distinct(axis) => table.missing(&batch.rows.unique(axis)),
        Named::Places(places) => {
            let Some(Column::U32(places)) = batch.values.get(&places) else { return Vec::new() };
            let mut missing = table.missing(places);
            missing.sort_unstable();
            missing.dedup();
            missing
        }
    }
}
