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
    /// Rows of two spaces united, which may be many more than anything ever holds.
    fn united(&self, a: &Space, b: &Space) -> u64;
}

/// One sample with every ragged axis at its most.
struct Most<'g>(&'g Graph);

impl Extent for Most<'_> {
    fn rows(&self, space: &Space) -> u64 {
        rows_per_sample(self.0, space)
    }

    fn united(&self, a: &Space, b: &Space) -> u64 {
        self.rows(&a.unite(b))
    }
}

impl Extent for Rows {
    fn rows(&self, space: &Space) -> u64 {
        self.count(space) as u64
    }

    /// Sample by sample, as if what both spaces have were of one length within a sample.
    fn united(&self, a: &Space, b: &Space) -> u64 {
        let axes: Vec<AxisId> = a.axes().iter().filter(|axis| b.axes().contains(axis)).copied().collect();
        let both = self.axes().close(&axes);
        if self.axes().batch_of(&both).is_none() {
            return self.rows(a) * self.rows(b) / self.rows(&both).max(1);
        }
        let [a, b, both] = [a, b, &both].map(|space| self.sample_starts(space));
        let samples = a.windows(2).zip(b.windows(2)).zip(both.windows(2));
        let rows = |starts: &[u32]| u64::from(starts[1] - starts[0]);
        samples.map(|((a, b), both)| rows(a) * rows(b) / rows(both).max(1)).sum()
    }
}

/// The body of a recurrence over so many steps of all sequences.
struct Steps(u64);

impl Extent for Steps {
    fn rows(&self, space: &Space) -> u64 {
        if space.is_unit() { 1 } else { self.0 }
    }

    fn united(&self, a: &Space, b: &Space) -> u64 {
        self.rows(a).max(self.rows(b))
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
    // Rows of `q`, which is operand `i`, with the keys that each of them sees.
    let pairs = |i: usize| {
        let all = extent.united(&ty(i).space, &ty(i + 1).space);
        u64::from(ty(i).width) * if node.attrs.flag("causal") { all.div_ceil(2) } else { all }
    };
    let scores = |i: usize| numbers(ty(i), extent) * extent.rows(&ty(i + 1).space);
    match node.op.name() {
        "linear" | "outer_sum" if node.operands.len() > 1 => 2 * numbers(ty(0), extent) * u64::from(ty(1).width),
        // Two products of each row of `q` with each of its keys; five backwards, which makes the weights again.
        "attention" => 4 * pairs(0),
        "attention_grad" => 10 * pairs(1),
        "contract" => 2 * extent.united(&ty(0).space, &ty(1).space) * u64::from(ty(0).width.max(ty(1).width)),
        "dot" => 2 * extent.united(&ty(0).space, &ty(1).space) * u64::from(ty(0).width),
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
