//! Adds the backward pass as ordinary nodes: reverse-mode differentiation, one `vjp` a node, from the losses down.
//!
//! The gradient of every trained parameter becomes an output `d.PARAMETER`; that of a table stands in the space of the
//! rows that the batch looks up, since `fetch` is the only read of a table.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::build::Builder;
use crate::ir::copy::Copy;
use crate::ir::graph::{Def, Graph, NodeId, Role, ValueId};
use crate::ir::op::{Fault, Vjp};
use crate::prim::make;

/// The prefix of the outputs that hold gradients.
pub const GRADIENT: &str = "d.";

/// The same graph with the gradients of the sum of its losses.
pub fn differentiate(graph: &Graph) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let roots: Vec<ValueId> = graph.losses().iter().map(|root| copy.value(root.value)).collect();
    let trained = Trained::of(copy.to.graph());
    let gradients = backward(&mut copy.to, &roots, &trained)?;
    let mut outputs = Vec::new();
    for (_, param) in graph.params() {
        let leaves = trained.leaves.get(&param.name).map(Vec::as_slice).unwrap_or_default();
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

/// What a derivative is wanted by.
struct Trained {
    /// Per trained parameter, the values that stand for it: itself, or the fetched rows of a table.
    leaves: BTreeMap<String, Vec<ValueId>>,
    /// Every value that depends on one of them.
    dependents: BTreeSet<ValueId>,
}

impl Trained {
    fn of(graph: &Graph) -> Self {
        let mut trained = Self { leaves: BTreeMap::new(), dependents: BTreeSet::new() };
        for (_, param) in graph.params().filter(|(_, param)| param.role == Role::Weight) {
            trained.leaf(&param.name, param.value);
        }
        for (_, node) in graph.nodes() {
            let table = node.operands.first().and_then(|&operand| match graph.value(operand).def {
                Def::Param(id) if graph.param(id).role == Role::Table => Some(&graph.param(id).name),
                _ => None,
            });
            if let Some(table) = table {
                trained.leaf(table, node.results[0]);
            } else if node.operands.iter().any(|operand| trained.dependents.contains(operand)) {
                let floats = node.results.iter().filter(|&&result| graph.ty(result).is_float());
                trained.dependents.extend(floats);
            }
        }
        trained
    }

    fn leaf(&mut self, param: &str, value: ValueId) {
        self.leaves.entry(param.to_owned()).or_default().push(value);
        self.dependents.insert(value);
    }
}

/// Walks the nodes backwards and gives the derivative by every value that has one.
fn backward(to: &mut Builder, roots: &[ValueId], trained: &Trained) -> Result<BTreeMap<ValueId, ValueId>, Fault> {
    let mut parts: BTreeMap<ValueId, Vec<ValueId>> = BTreeMap::new();
    to.enter("d");
    for &root in roots.iter().filter(|root| trained.dependents.contains(root)) {
        let one = make::constant(to, 1.0, 1)?;
        parts.entry(root).or_default().push(one);
    }
    let nodes: Vec<NodeId> = to.graph().nodes().map(|(id, _)| id).collect();
    let mut gradients = BTreeMap::new();
    for &id in nodes.iter().rev() {
        let node = to.graph().node(id).clone();
        to.enter(format!("{GRADIENT}{}", to.graph().value(node.results[0]).name));
        to.locate(to.graph().span(node.results[0]));
        let mut cotangents = Vec::with_capacity(node.results.len());
        for result in &node.results {
            let cotangent = match parts.remove(result) {
                Some(parts) => total(to, &parts)?,
                None => None,
            };
            if let Some(cotangent) = cotangent {
                gradients.insert(*result, cotangent);
            }
            cotangents.push(cotangent);
        }
        let wanted: Vec<bool> = node.operands.iter().map(|operand| trained.dependents.contains(operand)).collect();
        if cotangents.iter().all(Option::is_none) || !wanted.contains(&true) {
            continue;
        }
        let operands = &node.operands;
        let mut at =
            Vjp { to, operands, results: &node.results, attrs: &node.attrs, cotangents: &cotangents, wanted: &wanted };
        let derivatives = node.op.vjp(&mut at)?;
        for ((&operand, derivative), wanted) in operands.iter().zip(derivatives).zip(wanted) {
            if let (Some(derivative), true) = (derivative, wanted) {
                check(to, node.op.name(), operand, derivative)?;
                parts.entry(operand).or_default().push(derivative);
            }
        }
    }
    for (value, parts) in parts {
        to.enter(format!("{GRADIENT}{}", to.graph().value(value).name));
        if let Some(total) = total(to, &parts)? {
            gradients.insert(value, total);
        }
    }
    Ok(gradients)
}

/// The sum of the contributions to one value, in order.
fn total(to: &mut Builder, parts: &[ValueId]) -> Result<Option<ValueId>, Fault> {
    let Some((&first, rest)) = parts.split_first() else { return Ok(None) };
    let mut sum = first;
    for &part in rest {
        sum = make::add(to, sum, part)?;
    }
    Ok(Some(sum))
}

/// A derivative has the shape of what it is a derivative by.
fn check(to: &Builder, op: &str, operand: ValueId, derivative: ValueId) -> Result<(), Fault> {
    let (own, other) = (to.ty(operand), to.ty(derivative));
    if own.space == other.space && own.height == other.height && own.width == other.width {
        return Ok(());
    }
    let axes = to.graph().axes();
    let title = format!("the derivative of `{op}` is {}, expected {}", axes.show(other), axes.show(own));
    Err(Fault::new("E0399", title))
}
