//! A layer that a step of a scan applies to what is not the state is applied to all steps at once, outside: one matrix
//! product over all events, and one for its gradient, in the place of one for every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ir::attr::{Attr, Attrs};
use crate::ir::copy::{Copy, rewrite};
use crate::ir::graph::{Graph, Node, NodeId, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::Fault;
use crate::ir::types::Type;
use crate::prim::scan::body::builder;
use crate::prim::scan::shape::{Kind, Shape};

use super::Goal;

/// What a value of a body follows from; later ones include earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum From {
    /// What all sequences share, or nothing.
    Shared,
    /// A value of the whole sequence.
    Sequence,
    /// An element.
    Element,
    /// The state.
    State,
}

/// Moves layers out of the body of every scan.
pub fn hoist(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| if node.op.name() == "scan" { hoisted(copy, node) } else { Ok(false) })
}

fn hoisted(copy: &mut Copy, node: &Node) -> Result<bool, Fault> {
    let (Some(body), Some(over)) = (node.attrs.body("body").cloned(), node.attrs.axis("over")) else {
        return Ok(false);
    };
    let types: Vec<&Type> = node.operands.iter().map(|&operand| copy.from.ty(operand)).collect();
    let Ok(shape) = Shape::of(copy.from.axes(), &types, over, body.outputs().len()) else { return Ok(false) };
    let from = origins(&body, &shape);
    let moved = layers(&body, &from);
    // An attribute that names the axis of the sequences would need another axis outside.
    let names_axis = |id: &NodeId| body.node(*id).attrs.iter().any(|(_, attr)| matches!(attr, Attr::Axes(_)));
    if moved.is_empty() || moved.iter().any(names_axis) {
        return Ok(false);
    }
    copy.at(node);
    let outside = outside(copy, node, &body, &moved)?;
    let read = read_inside(&body, &moved);
    let mut inner = Inner { values: BTreeMap::new(), operands: Vec::new() };
    let (mut to, space) = builder();
    // Elements first, then states, then the rest, as a scan takes them.
    for kind in [Kind::Element, Kind::State, Kind::Capture, Kind::Shared] {
        for (i, (_, input)) in body.inputs().enumerate().filter(|(i, _)| shape.kinds[*i] == kind) {
            if kind == Kind::State || read.contains(&input.value) {
                inner.input(&mut to, &body, input.value, &space, copy.value(node.operands[i]));
            }
        }
        let own = match kind {
            Kind::Element => From::Element,
            Kind::Capture => From::Sequence,
            Kind::Shared => From::Shared,
            Kind::State => continue,
        };
        for (&value, &computed) in outside.iter().filter(|(value, _)| from.get(value) == Some(&own)) {
            if read.contains(&value) {
                inner.input(&mut to, &body, value, &space, computed);
            }
        }
    }
    let Some(&sequences) = space.axes().first() else { return Ok(false) };
    for (_, old) in body.nodes().filter(|(id, _)| !moved.contains(id)) {
        let operands: Option<Vec<ValueId>> =
            old.operands.iter().map(|value| inner.values.get(value).copied()).collect();
        // What only moved nodes read is not there, and not needed.
        let Some(operands) = operands else { continue };
        let results = to.op(old.op, &operands, old.attrs.map_axes(&mut |_| sequences))?;
        for (&old, new) in old.results.iter().zip(results) {
            to.rename(new, &body.value(old).name);
            inner.values.insert(old, new);
        }
    }
    for root in body.outputs() {
        let value = inner.values.get(&root.value).copied();
        let value = value.ok_or_else(|| Fault::new("E0399", "an output of a body was lost"))?;
        to.output(&root.name, value);
    }
    let attrs = Attrs::none().with("body", Arc::new(to.finish())).with("over", copy.copy_axis(over));
    let results = copy.to.op(node.op, &inner.operands, attrs)?;
    for (&old, new) in node.results.iter().zip(results) {
        copy.replace_named(old, new);
    }
    Ok(true)
}

/// The new body's values by those of the old one, and the operands that its inputs stand for.
struct Inner {
    values: BTreeMap<ValueId, ValueId>,
    operands: Vec<ValueId>,
}

impl Inner {
    fn input(
        &mut self,
        to: &mut crate::ir::build::Builder,
        body: &Graph,
        old: ValueId,
        space: &crate::ir::types::Space,
        operand: ValueId,
    ) {
        let (name, ty) = (&body.value(old).name, body.ty(old));
        let ty = if ty.space.is_unit() { ty.clone() } else { ty.with_space(space.clone()) };
        self.values.insert(old, to.input(name, ty, InputSource::plain(name)));
        self.operands.push(operand);
    }
}

/// What every value of a body follows from.
fn origins(body: &Graph, shape: &Shape) -> BTreeMap<ValueId, From> {
    let mut from = BTreeMap::new();
    for ((_, input), kind) in body.inputs().zip(&shape.kinds) {
        let own = match kind {
            Kind::Element => From::Element,
            Kind::State => From::State,
            Kind::Capture => From::Sequence,
            Kind::Shared => From::Shared,
        };
        from.insert(input.value, own);
    }
    for (_, node) in body.nodes() {
        let own = node.operands.iter().filter_map(|value| from.get(value)).max().copied().unwrap_or(From::Shared);
        from.extend(node.results.iter().map(|&result| (result, own)));
    }
    from
}

/// Layers that do not read the state, and what they are computed from.
fn layers(body: &Graph, from: &BTreeMap<ValueId, From>) -> BTreeSet<NodeId> {
    let mut moved = BTreeSet::new();
    let mut wanted: BTreeSet<ValueId> = BTreeSet::new();
    let nodes: Vec<_> = body.nodes().collect();
    for (id, node) in nodes.into_iter().rev() {
        let own = node.results.iter().filter_map(|result| from.get(result)).max().copied();
        let varies = matches!(own, Some(From::Element | From::Sequence));
        if (node.op.name() == "linear" && varies) || node.results.iter().any(|result| wanted.contains(result)) {
            moved.insert(id);
            wanted.extend(&node.operands);
        }
    }
    moved
}

/// Computes the moved nodes where the scan stands.
fn outside(
    copy: &mut Copy,
    node: &Node,
    body: &Graph,
    moved: &BTreeSet<NodeId>,
) -> Result<BTreeMap<ValueId, ValueId>, Fault> {
    let mut values: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for ((_, input), &operand) in body.inputs().zip(&node.operands) {
        values.insert(input.value, copy.value(operand));
    }
    let mut computed = BTreeMap::new();
    for (_, old) in body.nodes().filter(|(id, _)| moved.contains(id)) {
        let operands: Vec<ValueId> = old.operands.iter().filter_map(|value| values.get(value).copied()).collect();
        let results = copy.to.op(old.op, &operands, old.attrs.clone())?;
        for (&old, new) in old.results.iter().zip(results) {
            values.insert(old, new);
            computed.insert(old, new);
        }
    }
    Ok(computed)
}

/// What the nodes that stay, and the outputs, read.
fn read_inside(body: &Graph, moved: &BTreeSet<NodeId>) -> BTreeSet<ValueId> {
    let stay = body.nodes().filter(|(id, _)| !moved.contains(id));
    let operands = stay.flat_map(|(_, node)| node.operands.iter().copied());
    operands.chain(body.outputs().iter().map(|root| root.value)).collect()
}

#[cfg(test)]
mod tests {
    use crate::diag::FileId;
    use crate::ir::read::read;
    use crate::pass::Goal;
    use crate::prim::REGISTRY;
    use crate::prim::check::{Batch, some, value};

    use super::hoist;

    /// A state of which a layer is taken, and a layer of each event beside one of the whole sequence.
    const LINES: &str = "model test {
        axis B: batch
        axis h: ragged of B
        input %x: f32[B, h, 3]
        input %c: f32[B, 3]
        param @w: f32[3 x 2] = glorot
        param @u: f32[2 x 2] = glorot
        param @first: f32[2] = 0
        %s: f32[B, h, 2] = scan(%x, @first, %c, @w, @u) {over: h} body {
            axis sequences: batch
            input %x: f32[sequences, 3]
            input %s: f32[sequences, 2]
            input %c: f32[sequences, 3]
            input %w: f32[3 x 2]
            input %u: f32[2 x 2]
            %both: f32[sequences, 3] = mul(%x, %c)
            %new: f32[sequences, 2] = linear(%both, %w)
            %of.c: f32[sequences, 2] = linear(%c, %w)
            %kept: f32[sequences, 2] = linear(%s, %u)
            %sum: f32[sequences, 2] = add(%new, %kept)
            %next: f32[sequences, 2] = add(%sum, %of.c)
            output s = %next
        }
        output s = %s
    }";

    #[test]
    fn layers_that_do_not_read_the_state_leave_the_body() {
        let graph = read(LINES, FileId(0), REGISTRY).unwrap();
        let moved = hoist(&graph, Goal::Gradients).unwrap();
        let names: Vec<&str> = moved.nodes().map(|(_, node)| node.op.name()).collect();
        assert_eq!(names, ["mul", "linear", "linear", "scan"]);
        let scan = moved.nodes().last().unwrap().1;
        let inside: Vec<&str> = scan.attrs.body("body").unwrap().nodes().map(|(_, node)| node.op.name()).collect();
        assert_eq!(inside, ["linear", "add", "add"]);
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 3]).with("x", &some(9, 0)).with("c", &some(9, 9));
        let batch = batch.with("@w", &some(6, 18)).with("@u", &some(4, 24)).with("@first", &some(2, 28));
        for (a, b) in value(&graph, &batch, "s").iter().zip(value(&moved, &batch, "s")) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn a_body_of_the_state_alone_stays() {
        let lines = LINES.replace("linear(%both, %w)", "linear(%s, %u)").replace("linear(%c, %w)", "linear(%s, %u)");
        let graph = read(&lines, FileId(0), REGISTRY).unwrap();
        assert_eq!(hoist(&graph, Goal::Gradients).unwrap(), graph);
    }
}
