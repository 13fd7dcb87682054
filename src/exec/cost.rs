//! What a graph costs: floating-point operations and bytes, by types and a number of rows. Rows are those of a batch, or as
//! many as the types allow.

use std::collections::BTreeSet;

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Effect, Graph, Node, ValueId};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

/// Elements of an axis that has no bound of its own.
const UNBOUNDED: u64 = 10;

/// Bytes of a number, and of a place.
const NUMBER: u64 = 4;

/// How many rows spaces have.
pub trait Extent {
    /// Rows of a space.
    fn rows(&self, space: &Space) -> u64;

    /// Pairs of a row of `a` and a row of `b` that stand at one row of `within`, which both cover.
    fn pairs(&self, a: &Space, b: &Space, within: &Space) -> u64 {
        self.rows(a) * self.rows(b) / self.rows(within).max(1)
    }
}

/// One sample with every ragged axis at its most.
struct Most<'g>(&'g Graph);

impl Extent for Most<'_> {
    fn rows(&self, space: &Space) -> u64 {
        rows_per_sample(self.0, space)
    }
}

impl Extent for Rows {
    fn rows(&self, space: &Space) -> u64 {
        self.count(space) as u64
    }

    /// Sample by sample, as if the groups of one sample were of one size.
    fn pairs(&self, a: &Space, b: &Space, within: &Space) -> u64 {
        if self.axes().batch_of(within).is_none() {
            return self.rows(a) * self.rows(b) / self.rows(within).max(1);
        }
        let [a, b, within] = [a, b, within].map(|space| self.sample_starts(space));
        let samples = a.windows(2).zip(b.windows(2)).zip(within.windows(2));
        let rows = |starts: &[u32]| u64::from(starts[1] - starts[0]);
        samples.map(|((a, b), within)| rows(a) * rows(b) / rows(within).max(1)).sum()
    }
}

/// The body of a recurrence over so many steps of all sequences.
struct Steps(u64);

impl Extent for Steps {
    fn rows(&self, space: &Space) -> u64 {
        if space.is_unit() { 1 } else { self.0 }
    }
}

/// Rows of a space for one sample (tables and other roots without samples count once).
pub fn rows_per_sample(graph: &Graph, space: &Space) -> u64 {
    space.axes().iter().map(|&axis| elements(graph, axis)).product()
}

fn elements(graph: &Graph, axis: AxisId) -> u64 {
    match &graph.axis(axis).kind {
        AxisKind::Ragged { max } => max.map_or(UNBOUNDED, u64::from),
        AxisKind::Static { len } => u64::from(*len),
        AxisKind::Sub { of, .. } | AxisKind::Twin { of } => elements(graph, *of),
        AxisKind::Appended { of } => elements(graph, *of) + 1,
        AxisKind::Batch | AxisKind::Rows { .. } | AxisKind::Unique { .. } => 1,
    }
}

/// Numbers of a value for one sample.
pub fn numbers_per_sample(graph: &Graph, ty: &Type) -> u64 {
    numbers(ty, &Most(graph))
}

/// Floating-point operations of a graph for one sample.
pub fn flops_per_sample(graph: &Graph) -> u64 {
    graph.nodes().map(|(_, node)| flops(graph, node, &Most(graph))).sum()
}

fn numbers(ty: &Type, extent: &dyn Extent) -> u64 {
    extent.rows(&ty.space) * u64::from(ty.height) * u64::from(ty.width)
}

/// Floating-point operations of a node: 2 m k n of a matrix product, one of each other number that belongs to a sample.
pub fn flops(graph: &Graph, node: &Node, extent: &dyn Extent) -> u64 {
    let ty = |i: usize| graph.ty(node.operands[i]);
    // What rows of `q`, which is operand `i`, and the keys that they see are multiplied in.
    let attended = |i: usize| {
        let (q, k) = (ty(i), ty(i + 1));
        let group = graph.axes().without(&k.space, node.attrs.axes("over")).unwrap_or_else(|_| Space::unit());
        let pairs = extent.pairs(&q.space, &k.space, &group);
        u64::from(q.width) * if node.attrs.flag("causal") { pairs.div_ceil(2) } else { pairs }
    };
    // A product of two operands, row by row of the space of both.
    let united = || {
        let (a, b) = (ty(0), ty(1));
        let both: Vec<AxisId> = a.space.axes().iter().filter(|axis| b.space.has(**axis)).copied().collect();
        extent.pairs(&a.space, &b.space, &graph.axes().close(&both)) * u64::from(a.width.max(b.width))
    };
    let scores = |i: usize| numbers(ty(i), extent) * extent.rows(&ty(i + 1).space);
    match node.op.name() {
        "linear" | "outer_by" | "outer_sum" if node.operands.len() > 1 => {
            2 * numbers(ty(0), extent) * u64::from(ty(1).width)
        }
        // A matrix is made for each row of `q`, and meets the rows of `x`.
        "linear_scaled" | "scaled_linear" => {
            let matrix = u64::from(ty(2).height) * u64::from(ty(2).width);
            2 * (extent.rows(&ty(0).space) + extent.rows(&ty(1).space)) * matrix
        }
        "matrix_dot" => 2 * numbers(ty(0), extent),
        "scaled_sums" => 3 * numbers(ty(0), extent),
        // Two products of each row of `q` with each of its keys; five backwards, which makes the weights again.
        "attention" => 4 * attended(0),
        "attention_grad" => 10 * attended(1),
        "contract" | "dot" => 2 * united(),
        "cross_entropy" => 2 * scores(0),
        "cross_entropy_grad" => 6 * scores(2),
        "moments" | "sum" | "sum_width" => numbers(ty(0), extent),
        "scan" | "scan_grad" => {
            let steps = node.operands.first().map_or(0, |&elements| extent.rows(&graph.ty(elements).space));
            let body = node.attrs.body("body");
            body.map_or(0, |body| body.nodes().map(|(_, node)| flops(body, node, &Steps(steps))).sum())
        }
        _ => {
            let results = node.results.iter().map(|&result| graph.ty(result));
            let sampled = results.filter(|ty| graph.axes().batch_of(&ty.space).is_some());
            sampled.map(|ty| numbers(ty, extent)).sum()
        }
    }
}

/// Bytes that a node reads and writes: its operands and its results, whether or not they lie in a cache.
pub fn bytes(graph: &Graph, node: &Node, extent: &dyn Extent) -> u64 {
    let of = |value: &ValueId| numbers(graph.ty(*value), extent);
    let written: u64 = node.results.iter().map(of).sum();
    let operands: BTreeSet<ValueId> = node.operands.iter().copied().collect();
    // Of a table no other row is read than those that are looked up.
    let read = if node.op.name() == "fetch" { written } else { operands.iter().map(of).sum() };
    NUMBER * (read + written)
}

/// Bytes that an effect reads and writes: gradients, and every number that it changes twice.
pub fn changed_bytes(graph: &Graph, effect: &Effect, extent: &dyn Extent) -> u64 {
    let of = |value: &ValueId| numbers(graph.ty(*value), extent);
    // The gradient of a table has the rows that were looked up, and no other row is changed.
    let most = effect.operands.first().map_or(u64::MAX, of);
    let targets = effect.targets.iter().map(|&id| of(&graph.param(id).value).min(most));
    NUMBER * (effect.operands.iter().map(of).sum::<u64>() + 2 * targets.sum::<u64>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Histories of 2, 0 and 3.
    const MODEL: &str = "model m {
  axis B: batch
  axis h: ragged(9) of B
  param @w: f32[4 x 6] = glorot
  input %x: f32[B, h, 4] 
  %y: f32[B, h, 6] = linear(%x, @w)
  %a: f32[B, h, 6] = attention(%y, %y, %y) {causal: false, heads: 1, over: h, rate: 0, scale: 1, stream: \"\"}
  input %q: f32[B, 4]
  %s: f32[B, h, 6] = scaled_linear(%x, %q, @w, @w)
}";

    #[test]
    fn rows_of_a_batch_are_counted_as_they_are_and_those_of_types_at_their_most() {
        let file = crate::diag::Sources::default().add("m.ir", MODEL);
        let graph = crate::ir::read::read(MODEL, file, crate::prim::REGISTRY).unwrap();
        let offsets = BTreeMap::from([("h".to_owned(), vec![0, 2, 2, 5])]);
        let rows = Rows::new(graph.axes(), &[0, 1, 2], &offsets).unwrap();
        let nodes: Vec<&Node> = graph.nodes().map(|(_, node)| node).collect();
        let found = |extent: &dyn Extent| [0, 1, 2].map(|i| flops(&graph, nodes[i], extent));
        assert_eq!(found(&rows), [2 * 5 * 4 * 6, 4 * (2 * 2 + 3 * 3) * 6, 2 * (5 + 3) * 4 * 6]);
        assert_eq!(found(&Most(&graph)), [2 * 9 * 4 * 6, 4 * 9 * 9 * 6, 2 * (9 + 1) * 4 * 6]);
        assert_eq!(bytes(&graph, nodes[0], &rows), 4 * (5 * 4 + 4 * 6 + 5 * 6));
        assert_eq!(bytes(&graph, nodes[1], &rows), 4 * (5 * 6 + 5 * 6), "an operand that stands thrice is read once");
    }
}
