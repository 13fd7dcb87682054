//! A linear layer over values of different spaces is computed in the spaces that its parts have.
//!
//! `linear(concat(q, k, q - k, q * k), W)` with a query per sample and a key per event is
//! `(Wq + Wd) q + (Wk - Wd) k + Wp (q * k)`: the query's part is computed once per sample, not once per event. Where all
//! parts have the rows of the whole, one matrix product over the concat is cheaper, and nothing changes. What is left for each
//! event, `(Wk - Wd) k + Wp (q * k)`, is one layer whose matrix varies with the query: `k (Wk - Wd + diag(q) Wp)`.

use crate::ir::copy::{Copy, rewrite};
use crate::ir::graph::{Graph, Node, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::Goal;

/// Part of the sum: a value and the matrix that it meets.
struct Term {
    value: ValueId,
    matrix: ValueId,
    /// A query, and the matrix that the product of the value with it meets.
    scaled: Option<[ValueId; 2]>,
}

/// Most numbers of a matrix that is worth making for each row of its query: it stays in the first cache.
const LARGEST: u32 = 1 << 13;

/// Splits every linear layer that gains by it.
pub fn split_linear(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| {
        let sum = if node.op.name() == "linear" { split(copy, node)? } else { None };
        if let Some(sum) = sum {
            copy.replace_named(node.results[0], sum);
        }
        Ok(sum.is_some())
    })
}

fn split(copy: &mut Copy, node: &Node) -> Result<Option<ValueId>, Fault> {
    let operands = copy.operands(node);
    let (x, matrix) = (operands[0], operands[1]);
    if !gains(copy, x) {
        return Ok(None);
    }
    let mut terms = Vec::new();
    collect(copy, x, matrix, &mut terms)?;
    // The smallest space last: it carries the bias, and sums grow towards the whole space.
    let mut parts = Vec::new();
    vary(copy, &mut terms);
    for Term { value, matrix, scaled } in terms {
        let rows = copy.to.ty(value).space.clone();
        let part = match scaled {
            Some([query, other]) => make::scaled_linear(&mut copy.to, value, query, [matrix, other], None)?,
            None => make::linear(&mut copy.to, value, matrix, None)?,
        };
        parts.push((rows, part));
    }
    parts.sort_by_key(|(space, _)| space.axes().len());
    let mut sum = None;
    for (_, part) in parts {
        sum = Some(match (sum, operands.get(2)) {
            (Some(sum), _) => make::add(&mut copy.to, part, sum)?,
            (None, Some(&bias)) => make::add(&mut copy.to, part, bias)?,
            (None, None) => part,
        });
    }
    Ok(sum)
}

/// Whether some part of `x` has fewer axes than `x`.
fn gains(copy: &Copy, x: ValueId) -> bool {
    let graph = copy.to.graph();
    let Some(node) = graph.producer(x) else { return false };
    let axes = graph.ty(x).space.axes().len();
    match node.op.name() {
        "concat" => node.operands.iter().any(|&part| graph.ty(part).space.axes().len() < axes || gains(copy, part)),
        "add" | "sub" => {
            node.operands.iter().any(|&part| distributes(copy, x, part) && graph.ty(part).space.axes().len() < axes)
        }
        _ => false,
    }
}

/// Whether a linear layer of `a + b` is the sum of linear layers of both: they are as wide as the sum.
fn distributes(copy: &Copy, sum: ValueId, part: ValueId) -> bool {
    copy.to.ty(part).width == copy.to.ty(sum).width
}

fn collect(copy: &mut Copy, x: ValueId, matrix: ValueId, terms: &mut Vec<Term>) -> Result<(), Fault> {
    let node = copy.to.graph().producer(x).cloned();
    match node {
        Some(node) if node.op.name() == "concat" && gains(copy, x) => {
            let mut from = 0;
            for &part in &node.operands {
                let width = copy.to.ty(part).width;
                let rows = make::rows(&mut copy.to, matrix, from, from + width)?;
                collect(copy, part, rows, terms)?;
                from += width;
            }
        }
        Some(node) if matches!(node.op.name(), "add" | "sub") && gains(copy, x) => {
            let [a, b] = node.operands[..] else { return Ok(()) };
            if !distributes(copy, x, a) || !distributes(copy, x, b) {
                return add_term(copy, x, matrix, terms);
            }
            collect(copy, a, matrix, terms)?;
            let matrix = if node.op.name() == "sub" { make::unary(&mut copy.to, "neg", matrix)? } else { matrix };
            collect(copy, b, matrix, terms)?;
        }
        _ => add_term(copy, x, matrix, terms)?,
    }
    Ok(())
}

/// A value that is there already meets the sum of both matrices.
fn add_term(copy: &mut Copy, value: ValueId, matrix: ValueId, terms: &mut Vec<Term>) -> Result<(), Fault> {
    match terms.iter_mut().find(|term| term.value == value) {
        Some(term) => term.matrix = make::add(&mut copy.to, term.matrix, matrix)?,
        None => terms.push(Term { value, matrix, scaled: None }),
    }
    Ok(())
}

/// Joins a key and its product with a query, where both are there.
fn vary(copy: &Copy, terms: &mut Vec<Term>) {
    let pair = |terms: &[Term]| {
        terms.iter().enumerate().find_map(|(at, product)| {
            let [query, key] = query_and_key(copy, product)?;
            let key = terms.iter().position(|term| term.value == key && term.scaled.is_none())?;
            Some((at, key, query))
        })
    };
    while let Some((at, key, query)) = pair(terms) {
        terms[key].scaled = Some([query, terms[at].matrix]);
        terms.remove(at);
    }
}

/// The factors of a product of which one has all its rows and the other one row for many of them, which stand together.
fn query_and_key(copy: &Copy, term: &Term) -> Option<[ValueId; 2]> {
    let graph = copy.to.graph();
    let (product, matrix) = (graph.ty(term.value), graph.ty(term.matrix));
    let node = graph.producer(term.value).filter(|node| node.op.name() == "mul" && term.scaled.is_none())?;
    let &[a, b] = node.operands.as_slice() else { return None };
    if matrix.height * matrix.width > LARGEST {
        return None;
    }
    [[a, b], [b, a]].into_iter().find(|&[query, key]| {
        let (query, key) = (graph.ty(query), graph.ty(key));
        let rows = query.space.axes();
        let together =
            !rows.is_empty() && rows.len() < product.space.axes().len() && product.space.axes().starts_with(rows);
        together && key.space == product.space && query.width == product.width && key.width == product.width
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    #[test]
    fn a_key_and_its_product_with_a_query_are_one_layer() {
        let unit = |product: &str| {
            let text = format!(
                "axis h: ragged of B param @w: f32[6 x 3] = glorot input %q: f32[B, 2] input %k: f32[B, h, 2]
                 {product} %x: f32[B, h, 6] = concat(%q, %k, %p) %y: f32[B, h, 3] = linear(%x, @w) output y = %y"
            );
            split_linear(&graph(&text), Goal::Predict).unwrap().to_string()
        };
        let text = unit("%p: f32[B, h, 2] = mul(%q, %k)");
        assert!(text.contains("= scaled_linear(%k, %q, %y.rows.2, %y.rows.3)"), "{text}");
        assert!(text.contains("f32[B, 3] = linear(%q, %y.rows)"), "{text}");
        // A difference is no product, and a square has no query.
        for other in ["%p: f32[B, h, 2] = max(%q, %k)", "%p: f32[B, h, 2] = mul(%k, %k)"] {
            assert!(!unit(other).contains("scaled_linear"), "{other}");
        }
    }
}
