//! How a node reaches the rows of its operands, where that is not row by row.

use crate::ir::graph::{Graph, Node};
use crate::ir::types::Space;

/// Operations that find the rows of some operands by themselves, with how many of them, alphabetical. Their stage runs over
/// the rows of its first result, not over those of all operands together.
const BY_THEMSELVES: &[(&str, usize)] = &[
    ("append", 1),
    ("attention", usize::MAX),
    ("attention_grad", usize::MAX),
    ("flatten", 1),
    ("following", 1),
    ("gather", 1),
    ("merge", 1),
    ("preceding", 1),
    ("scatter", usize::MAX),
    ("select", 1),
    ("split", 1),
    ("twin", 1),
    ("unflatten", 1),
    ("unselect", 1),
    ("without_last", 1),
];

/// How many of its first operands a node finds the rows of by itself.
pub fn by_itself(node: &Node) -> usize {
    BY_THEMSELVES.iter().find(|(name, _)| *name == node.op.name()).map_or(0, |(_, count)| *count)
}

/// The rows that a node takes together, as maps to the space of the groups from each space that it takes rows of: a
/// softmax normalises them, attention is a sum over them.
pub fn groups(graph: &Graph, node: &Node) -> Vec<(Space, Space)> {
    let without = |operand: usize| {
        let space = &graph.ty(*node.operands.get(operand)?).space;
        graph.axes().without(space, node.attrs.axes("over")).ok().map(|left| (space.clone(), left))
    };
    let to_axis = |own: &Space, name: &str| {
        let axis = node.attrs.axis(name)?;
        Some((own.clone(), graph.axes().close(&[axis])))
    };
    let found = match node.op.name() {
        "attention" | "attention_grad" => {
            let first = usize::from(node.op.name() == "attention_grad");
            let batch = graph.axes().batch_of(&graph.ty(node.results[0]).space);
            let queries = &graph.ty(node.operands[first]).space;
            without(first + 1).zip(batch).map(|((keys, left), batch)| {
                let samples = graph.axes().close(&[batch]);
                vec![(queries.clone(), left.clone()), (keys, left.clone()), (left, samples)]
            })
        }
        "ordinal" => {
            let own = &graph.ty(node.results[0]).space;
            let parent = node.attrs.axis("axis").and_then(|axis| graph.axis(axis).parent);
            let parent = parent.map(|parent| (own.clone(), graph.axes().close(&[parent])));
            to_axis(own, "axis").zip(parent).map(|(a, b)| vec![a, b])
        }
        "before" | "same" => {
            let own = &graph.ty(node.results[0]).space;
            let parent = node.attrs.axis("first").and_then(|axis| graph.axis(axis).parent);
            let parent = parent.map(|parent| (own.clone(), graph.axes().close(&[parent])));
            to_axis(own, "first").zip(to_axis(own, "second")).zip(parent).map(|((a, b), c)| vec![a, b, c])
        }
        "first_row" | "last_row" | "softmax" | "softmax_grad" => without(0).map(|own| vec![own]),
        _ => None,
    };
    found.unwrap_or_default()
}
