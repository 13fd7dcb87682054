//! The body of a scan: a graph of its own that is computed once for each step.
//!
//! It has one axis, the batch axis, whose elements are the sequences that still run at that step. Its inputs stand for the
//! operands of the scan, in order.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};

use crate::ir::axis::AxisKind;
use crate::ir::build::Builder;
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, ValueId};
use crate::ir::op::{Call, Fault, Noise, Site};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

use super::super::backward::{backward, dependents};

/// The prefix of the inputs of a gradient body that are derivatives by the body's outputs.
const BY_OUTPUT: &str = "d";

/// The space of the sequences, if a graph can be a body: one batch axis and no other, no parameter, loss or effect.
pub(super) fn sequences(body: &Graph) -> std::result::Result<Space, Fault> {
    let wrong = |fact: String| Fault::new("E0302", format!("a body {fact}"));
    let mut axes = body.axes().ids();
    let space = match (axes.next(), axes.next()) {
        (Some(axis), None) if matches!(body.axis(axis).kind, AxisKind::Batch) => body.axes().close(&[axis]),
        _ => return Err(wrong("has one axis, the sequences that run".to_owned())),
    };
    if body.params().next().is_some() || !body.losses().is_empty() || !body.effects().is_empty() {
        return Err(wrong("has no parameter, loss or effect of its own".to_owned()));
    }
    Ok(space)
}

/// Whether each step of a body computes each sequence by itself and the same way every time.
pub(super) fn is_pure(body: &Graph) -> std::result::Result<(), Fault> {
    for (_, node) in body.nodes() {
        let operands: Vec<&Type> = node.operands.iter().map(|&operand| body.ty(operand)).collect();
        let site = Site { axes: body.axes(), operands: &operands, attrs: &node.attrs };
        if node.op.draws() || node.op.is_composite() || node.op.couples_samples(&site) {
            return Err(Fault::new("E0302", format!("a body has no `{}`", node.op.name())));
        }
    }
    Ok(())
}

/// The outputs of one step for so many sequences.
pub(super) fn run(body: &Graph, inputs: &[Tensor], sequences: usize, device: &Device) -> Result<Vec<Tensor>> {
    let rows = Rows::new(body.axes(), &vec![0; sequences], &BTreeMap::new()).map_err(candle_core::Error::wrap)?;
    let mut values: BTreeMap<ValueId, Tensor> = BTreeMap::new();
    for ((_, input), tensor) in body.inputs().zip(inputs) {
        values.insert(input.value, tensor.clone());
    }
    let take = |values: &BTreeMap<ValueId, Tensor>, id: &ValueId| match values.get(id) {
        Some(tensor) => Ok(tensor.clone()),
        None => candle_core::bail!("`{}` of a body has no value", body.value(*id).name),
    };
    for (_, node) in body.nodes() {
        let operands: Vec<Tensor> = node.operands.iter().map(|id| take(&values, id)).collect::<Result<_>>()?;
        let types: Vec<&Type> = node.operands.iter().map(|&id| body.ty(id)).collect();
        let results: Vec<&Type> = node.results.iter().map(|&id| body.ty(id)).collect();
        let (attrs, noise) = (&node.attrs, Noise::default());
        let call = Call { attrs, types: &types, operands: &operands, results: &results, rows: &rows, noise, device };
        for (&result, tensor) in node.results.iter().zip(node.op.eval(&call)?) {
            // A constant is made as a single, whatever the numbers beside it are.
            let tensor = match inputs.first() {
                Some(like) if body.ty(result).is_float() => tensor.to_dtype(like.dtype())?,
                _ => tensor,
            };
            values.insert(result, tensor);
        }
    }
    body.outputs().iter().map(|root| take(&values, &root.value)).collect()
}

/// The body that takes the inputs of `body`, and behind them the derivative by each of its outputs, to the derivative by
/// each of the inputs in `wanted` that has one; its outputs have the names of these inputs.
pub(super) fn gradient(body: &Graph, wanted: &[bool]) -> std::result::Result<Graph, Fault> {
    let mut copy = Copy::new(body);
    for &item in body.order() {
        copy.item(item)?;
    }
    let inputs: Vec<ValueId> = body.inputs().map(|(_, input)| copy.value(input.value)).collect();
    let leaves = inputs.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(&input, _)| input);
    let leaves: Vec<ValueId> = leaves.collect();
    let dependents = dependents(copy.to.graph(), leaves.iter().copied());
    let mut seeds = Vec::new();
    for root in body.outputs() {
        let value = copy.value(root.value);
        let ty = copy.to.ty(value).clone();
        let name = format!("{BY_OUTPUT}.{}", root.name);
        let seed = copy.to.input(&name, ty, crate::ir::input::InputSource::plain(&name));
        seeds.push((value, seed));
    }
    let found = backward(&mut copy.to, &seeds, &dependents)?;
    let mut to = copy.to;
    for leaf in leaves {
        if let Some(&derivative) = found.get(&leaf) {
            let name = to.graph().value(leaf).name.clone();
            to.output(&name, derivative);
        }
    }
    without_dead_nodes(&to.finish())
}

/// For every output of a gradient body the number of the input that it has the name of; short if an output has none.
pub fn inputs_of_outputs(body: &Graph) -> Vec<usize> {
    let place = |name: &str| body.inputs().position(|(_, input)| body.value(input.value).name == name);
    body.outputs().iter().filter_map(|root| place(&root.name)).collect()
}

/// The same inputs and outputs, and only the nodes that an output needs.
fn without_dead_nodes(body: &Graph) -> std::result::Result<Graph, Fault> {
    let mut live: std::collections::BTreeSet<ValueId> = body.outputs().iter().map(|root| root.value).collect();
    let nodes: Vec<_> = body.nodes().collect();
    for (_, node) in nodes.into_iter().rev().filter(|(_, node)| !node.results.is_empty()) {
        if node.results.iter().any(|result| live.contains(result)) {
            live.extend(&node.operands);
        }
    }
    let mut copy = Copy::new(body);
    for &item in body.order() {
        match item {
            Item::Node(id) if !body.node(id).results.iter().any(|result| live.contains(result)) => {}
            item => copy.item(item)?,
        }
    }
    copy.finish()
}

/// A body to be built, and the space of its sequences.
pub fn builder() -> (Builder, Space) {
    let mut to = Builder::new("body");
    let axis = to.axis("sequences", None, AxisKind::Batch);
    let space = to.graph().axes().close(&[axis]);
    (to, space)
}
