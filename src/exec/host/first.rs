//! First values of the rows that a step reads, drawn before it: after that a kernel finds every row that it asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Def, Graph, ParamId, ValueId};

use super::super::prologue::Prepared;
use super::super::weights::{Weights, table_of};
use super::Host;

/// What the steps of a graph touch of a table.
#[derive(Debug)]
pub(super) enum Touched {
    /// Every row.
    All,
    /// The distinct rows of a batch.
    Rows(BTreeSet<AxisId>),
}

/// The tables of a graph and what its nodes and effects touch of each.
pub(super) fn touched(graph: &Graph) -> BTreeMap<ParamId, Touched> {
    let mut tables = BTreeMap::new();
    for (_, node) in graph.nodes() {
        for &operand in &node.operands {
            let rows = node.results.first().filter(|_| node.op.name() == "fetch");
            touch(graph, &mut tables, operand, rows.copied());
        }
    }
    for effect in graph.effects() {
        let targets = effect.targets.iter().map(|&target| graph.param(target).value);
        targets.for_each(|target| touch(graph, &mut tables, target, effect.operands.first().copied()));
        effect.operands.iter().for_each(|&operand| touch(graph, &mut tables, operand, None));
    }
    for root in graph.losses().iter().chain(graph.outputs()) {
        touch(graph, &mut tables, root.value, None);
    }
    tables
}

/// `value`, if it is a table, is touched where `rows` has rows.
fn touch(graph: &Graph, tables: &mut BTreeMap<ParamId, Touched>, value: ValueId, rows: Option<ValueId>) {
    let Def::Param(param) = graph.value(value).def else { return };
    if table_of(graph, value).is_none() {
        return;
    }
    let table = graph.ty(value);
    let distinct = rows.and_then(|rows| graph.ty(rows).space.axes().first().copied()).filter(|&axis| {
        let row_of_table = table.height == 1 && table.space.axes().len() == 1;
        row_of_table && matches!(graph.axis(axis).kind, AxisKind::Unique { .. })
    });
    let known = tables.entry(param).or_insert_with(|| Touched::Rows(BTreeSet::new()));
    match (known, distinct) {
        (Touched::Rows(axes), Some(axis)) => {
            axes.insert(axis);
        }
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
            Touched::Rows(axes) => {
                for &axis in axes {
                    let missing = matrix.missing(&batch.rows.unique(axis));
                    if !missing.is_empty() {
                        host.pool.install(|| matrix.draw(&missing));
                    }
                }
            }
        }
    }
}
