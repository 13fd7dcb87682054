//! A sum over a product of values that each lack an axis of it is a contraction: the rows of the product are never made.

use crate::ir::copy::rewrite;
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::Goal;

/// Replaces `sum(mul(a, b))`.
pub fn contract(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| {
        let Some(product) = product(graph, node) else { return Ok(false) };
        let over = copy.attrs(&node.attrs).axes("over").to_vec();
        let (a, b) = (copy.value(product.operands[0]), copy.value(product.operands[1]));
        let made = make::contract(&mut copy.to, a, b, over)?;
        copy.replace_named(node.results[0], made);
        Ok(true)
    })
}

/// The product that a sum is of, if it is larger than both its factors and nothing else reads it.
fn product<'g>(graph: &'g Graph, sum: &Node) -> Option<&'g Node> {
    let value = *sum.operands.first()?;
    let product = graph.producer(value).filter(|node| sum.op.name() == "sum" && node.op.name() == "mul")?;
    let space = &graph.ty(value).space;
    let lacks = |factor: &ValueId| {
        let ty = graph.ty(*factor);
        !ty.space.is_unit() && !ty.space.covers(space) && ty.height == 1
    };
    (product.operands.iter().all(lacks) && graph.readers(value) == 1).then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    const PAIRS: &str = "
        axis h: ragged of B
        axis p: twin of h
        input %w: f32[B, h, p, 1]
        input %x: f32[B, h, 2]
        %y: f32[B, p, 2] = twin(%x) {as: p, of: h}
        %product: f32[B, h, p, 2] = mul(%x, %y)
        %z: f32[B, p, 2] = sum(%product) {over: h}
        %weighted: f32[B, h, p, 2] = mul(%w, %y)
        %mixed: f32[B, h, 2] = sum(%weighted) {over: p}";

    #[test]
    fn a_product_larger_than_both_factors_is_not_made() {
        let text = contract(&graph(PAIRS), Goal::Predict).unwrap().to_string();
        assert!(text.contains("%z: f32[B, p, 2] = contract(%x, %y) {over: h}"), "{text}");
        // The weights have every axis of the product already.
        assert!(text.contains("%mixed: f32[B, h, 2] = sum(%weighted) {over: p}"), "{text}");
    }
}
