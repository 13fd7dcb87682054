//! Adds the backward pass as ordinary nodes: reverse-mode differentiation, one `vjp` a node, from the losses down.
//!
//! The gradient of every trained parameter becomes an output `d.PARAMETER`. That of a table stands in the space of the rows
//! that the batch looks up, if `fetch` is the only read of it, and in that of all rows otherwise.

use std::collections::BTreeMap;

use crate::ir::copy::Copy;
use crate::ir::graph::{Def, Graph, Role, ValueId};
use crate::ir::op::Fault;
use crate::prim::backward::{backward, dependents, total};
use crate::prim::make;

/// The prefix of the outputs that hold gradients.
pub const GRADIENT: &str = "d.";

/// The same graph with the gradients of the sum of its losses.
pub fn differentiate(graph: &Graph) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let leaves = leaves(copy.to.graph());
    let dependents = dependents(copy.to.graph(), leaves.values().flatten().copied());
    copy.to.enter("d");
    let mut seeds = Vec::new();
    for root in graph.losses() {
        let value = copy.value(root.value);
        if dependents.contains(&value) {
            seeds.push((value, make::constant(&mut copy.to, 1.0, 1)?));
        }
    }
    let gradients = backward(&mut copy.to, &seeds, &dependents)?;
    let mut outputs = Vec::new();
    for (_, param) in graph.params() {
        let leaves = leaves.get(&param.name).map(Vec::as_slice).unwrap_or_default();
        let found: Vec<ValueId> = leaves.iter().filter_map(|leaf| gradients.get(leaf).copied()).collect();
        copy.to.enter(format!("{GRADIENT}{}", param.name));
        if let Some(total) = total(&mut copy.to, &found)? {
            outputs.push((format!("{GRADIENT}{}", param.name), total));
        }
    }
    for (name, value) in outputs {
        copy.to.output(&name, value);
    }
    copy.finish()
}

/// Per trained parameter, the values that stand for it: itself, or the fetched rows of a table that nothing else reads.
fn leaves(graph: &Graph) -> BTreeMap<String, Vec<ValueId>> {
    let mut leaves: BTreeMap<String, Vec<ValueId>> = BTreeMap::new();
    for (_, param) in graph.params() {
        if param.role == Role::Weight || (param.role == Role::Table && is_read_whole(graph, param.value)) {
            leaves.insert(param.name.clone(), vec![param.value]);
        }
    }
    for (_, node) in graph.nodes().filter(|(_, node)| node.op.name() == "fetch") {
        let table = node.operands.first().and_then(|&operand| match graph.value(operand).def {
            Def::Param(id) if graph.param(id).role == Role::Table => Some(graph.param(id)),
            _ => None,
        });
        if let (Some(table), false) = (table, table.is_some_and(|table| is_read_whole(graph, table.value))) {
            leaves.entry(table.name.clone()).or_default().extend(&node.results);
        }
    }
    leaves
}

/// Whether something else than `fetch` reads a table: then the whole of it is needed, and its gradient is dense.
fn is_read_whole(graph: &Graph, table: ValueId) -> bool {
    graph.nodes().any(|(_, node)| node.op.name() != "fetch" && node.operands.contains(&table))
}
