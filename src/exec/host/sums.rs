//! Sums over rows that no block loop has: of tables, of weights, and to results too large for a partial one in every chunk.

use std::sync::Arc;

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use crate::ir::graph::{Node, ValueId};
use crate::ir::types::Space;

use super::super::kernels::binary::Write;
use super::super::kernels::contract;
use super::super::kernels::operand::{Operand, Rows};
use super::super::kernels::rows::scatter_add;
use super::super::kernels::segment_sum::segment_sum;
use super::whole::Job;

/// Numbers of a part that a thread sums.
const NUMBERS: usize = 1 << 14;

/// The sum along axes: to one row in parts of a fixed size, to several row by row.
pub(super) fn sum(node: &Node, job: &Job, out: &mut [f32]) {
    let width = job.width(node.operands[0]).max(1);
    let (x, to) = (job.floats(0), &job.graph.ty(node.results[0]).space);
    out.fill(0.0);
    if !to.is_unit() {
        let map = job.batch.rows.map(&job.graph.ty(node.operands[0]).space, to);
        return scatter_add(x, width, None, &map, out);
    }
    let part = |x: &[f32]| {
        let mut own = vec![0.0; width];
        segment_sum(x, width, &[0, (x.len() / width) as u32], Write::Set, &mut own);
        own
    };
    let parts: Vec<Vec<f32>> = job.pool.install(|| x.par_chunks(NUMBERS.div_ceil(width) * width).map(part).collect());
    for part in parts {
        out.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
}

/// The sum along axes of a product.
pub(super) fn contracted(node: &Node, job: &Job, out: &mut [f32]) {
    let space = |value: ValueId| &job.graph.ty(value).space;
    let (a, b, to) = (space(node.operands[0]), space(node.operands[1]), space(node.results[0]));
    let all = a.unite(b);
    let map = |space: &Space| (*space != all).then(|| job.batch.rows.map(&all, space));
    let maps: [Option<Arc<[u32]>>; 2] = [map(a), map(b)];
    let operand = |i: usize| Operand {
        data: job.floats(i),
        width: job.width(node.operands[i]),
        rows: maps[i].as_deref().map_or(Rows::All, Rows::Map),
    };
    out.fill(0.0);
    let rows = job.batch.rows.count(&all);
    let to = map(to);
    contract::contract(operand(0), operand(1), rows, to.as_deref(), job.width(node.results[0]), out);
}
