//! Kernels of tables: rows that a batch looks up, and sums of gradients by row.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Graph, Node, ValueId};

use super::super::kernels::binary::Write;
use super::super::kernels::rows::{gather, scatter_add};
use super::super::kernels::segment_sum::segment_gather_sum;
use super::team;
use super::whole::Job;

/// Rows that a thread takes at a time.
const ROWS: usize = 256;

/// Numbers that a thread takes at a time.
const NUMBERS: usize = 1 << 14;

/// Whether the batch brings the lists that a sum by places follows: those of a lookup in a table, no others.
pub(super) fn has_lists(graph: &Graph, node: &Node) -> bool {
    let located = |pair: &[ValueId]| graph.producer(pair[1]).is_some_and(|places| places.op.name() == "locate");
    let whole = |axis: &AxisId| matches!(graph.axis(*axis).kind, AxisKind::Unique { .. });
    node.operands.chunks_exact(2).all(located) && graph.ty(node.results[0]).space.axes().iter().all(whole)
}

/// The distinct rows of a table.
pub(super) fn fetch(node: &Node, job: &Job, out: &mut [f32]) {
    let ty = job.graph.ty(node.results[0]);
    let width = ty.width as usize;
    let Some(&axis) = ty.space.axes().first() else { return };
    let rows = job.batch.rows.unique(axis);
    let table = job.floats(0);
    let mut parts: Vec<_> = out.chunks_mut(ROWS * width).enumerate().collect();
    team::each(job.pool, &mut parts, |(i, part), _| {
        let own = &rows[*i * ROWS..(*i * ROWS + part.len() / width)];
        gather(table, width, own, part);
    });
}

/// The distinct rows at their places in the whole table, zeros elsewhere.
pub(super) fn unfetch(node: &Node, job: &Job, out: &mut [f32]) {
    let ty = job.graph.ty(node.operands[0]);
    let Some(&axis) = ty.space.axes().first() else { return };
    let (width, x) = (ty.width as usize, job.floats(0));
    job.pool.install(|| out.par_chunks_mut(NUMBERS).for_each(|part| part.fill(0.0)));
    for (x, &row) in x.chunks_exact(width.max(1)).zip(job.batch.rows.unique(axis).iter()) {
        out[row as usize * width..(row as usize + 1) * width].copy_from_slice(x);
    }
}

/// Sums the rows of each value by the place that each belongs to, in order of rows.
pub(super) fn scatter(node: &Node, job: &Job, out: &mut [f32]) {
    let width = job.graph.ty(node.results[0]).width as usize;
    let lists = node.operands.chunks_exact(2).map(|pair| job.batch.lists.get(&pair[1]));
    let Some(lists) = lists.collect::<Option<Vec<_>>>() else { return };
    job.pool.install(|| {
        let parts = out.par_chunks_mut(ROWS * width).enumerate();
        parts.for_each(|(i, part)| {
            let rows = part.len() / width;
            for (at, lists) in lists.iter().enumerate() {
                let offsets = &lists.offsets[i * ROWS..=i * ROWS + rows];
                let sources = &lists.rows[offsets[0] as usize..offsets[rows] as usize];
                let write = if at == 0 { Write::Set } else { Write::Add };
                segment_gather_sum(job.floats(2 * at), width, sources, offsets, write, part);
            }
        });
    });
}

/// The same where no list says which rows name a place.
pub(super) fn scatter_in_order(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let [out] = results else { return };
    out.fill(0.0);
    for at in (0..node.operands.len()).step_by(2) {
        scatter_add(job.floats(at), job.width(node.results[0]), None, job.places(at + 1), out);
    }
}
