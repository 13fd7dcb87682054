//! Reverse-mode differentiation: the nodes of a graph walked backwards, one `vjp` each. The pass of that name and the body
//! of a scan are made of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::build::Builder;
use crate::ir::graph::{Graph, NodeId, ValueId};
use crate::ir::op::{Fault, Vjp};

use super::make;

/// The leaves, and every number that is computed from one of them.
pub fn dependents(graph: &Graph, leaves: impl IntoIterator<Item = ValueId>) -> BTreeSet<ValueId> {
    let mut found: BTreeSet<ValueId> = leaves.into_iter().collect();
    for (_, node) in graph.nodes() {
        if node.operands.iter().any(|operand| found.contains(operand)) {
            found.extend(node.results.iter().filter(|&&result| graph.ty(result).is_float()));
        }
    }
    found
}

/// Adds the derivative by every one of `dependents` that the seeds reach, where a seed is a value and the derivative by
/// it. Values are named `d.` and the name of what they are a derivative by.
pub fn backward(
    to: &mut Builder,
    seeds: &[(ValueId, ValueId)],
    dependents: &BTreeSet<ValueId>,
) -> Result<BTreeMap<ValueId, ValueId>, Fault> {
    let mut parts: BTreeMap<ValueId, Vec<ValueId>> = BTreeMap::new();
    for &(value, seed) in seeds.iter().filter(|(value, _)| dependents.contains(value)) {
        parts.entry(value).or_default().push(seed);
    }
    let nodes: Vec<NodeId> = to.graph().nodes().map(|(id, _)| id).collect();
    let mut gradients = BTreeMap::new();
    for &id in nodes.iter().rev() {
        let node = to.graph().node(id).clone();
        stand_at(to, node.results[0]);
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
        let wanted: Vec<bool> = node.operands.iter().map(|operand| dependents.contains(operand)).collect();
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
        stand_at(to, value);
        if let Some(total) = total(to, &parts)? {
            gradients.insert(value, total);
        }
    }
    Ok(gradients)
}

/// The sum of the contributions to one value, in order.
pub fn total(to: &mut Builder, parts: &[ValueId]) -> Result<Option<ValueId>, Fault> {
    let Some((&first, rest)) = parts.split_first() else { return Ok(None) };
    let mut sum = first;
    for &part in rest {
        sum = make::add(to, sum, part)?;
    }
    Ok(Some(sum))
}

fn stand_at(to: &mut Builder, value: ValueId) {
    to.enter(format!("d.{}", to.graph().value(value).name));
    to.locate(to.graph().span(value));
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
