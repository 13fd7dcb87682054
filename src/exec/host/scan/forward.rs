//! A scan forwards.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::ir::graph::Node;
use crate::prim::scan::shape::Kind;

use super::super::whole::Job;
use super::body::Body;
use super::layout::{Layout, Picked, Spot};

/// Rows that a thread moves at a time.
const ROWS: usize = 1024;

/// The states after each element.
pub(in super::super) fn scan(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let Some(body) = node.attrs.body("body").and_then(|body| Body::of(body)) else { return };
    let Some(layout) = Layout::of(node, job, node.operands.len(), results.len()) else { return };
    let maps = layout.maps(node, job);
    let widths: Vec<usize> = node.operands.iter().map(|&operand| job.width(operand)).collect();
    let states: Vec<usize> = layout.shape.places(Kind::State).collect();
    let run = |chunk: &super::layout::Chunk| {
        let kinds = &layout.shape.kinds;
        let beside = |i: usize| Picked { data: job.floats(i), width: widths[i], map: maps[i].as_deref() };
        let first = |i: usize| match kinds[i] {
            Kind::State | Kind::Capture => beside(i).rows(&chunk.sequences),
            Kind::Element | Kind::Shared => Vec::new(),
        };
        // Elements are those of one step: it reads them while they are in cache.
        let mut own: Vec<Vec<f32>> = (0..widths.len()).map(first).collect();
        let mut found: Vec<Vec<f32>> = states.iter().map(|&i| vec![0.0; chunk.rows.len() * widths[i]]).collect();
        let shared: Vec<&[f32]> = (0..widths.len()).map(|i| job.floats(i)).collect();
        let mut memory = body.memory(chunk.sequences.len(), &shared);
        for step in 0..chunk.steps() {
            let rows = chunk.step(step);
            for i in layout.shape.places(Kind::Element) {
                beside(i).at(&chunk.rows[rows.clone()], &mut own[i]);
            }
            let inputs: Vec<&[f32]> = (0..widths.len())
                .map(|i| match kinds[i] {
                    Kind::Shared => job.floats(i),
                    _ => &own[i][..rows.len() * widths[i]],
                })
                .collect();
            body.step(rows.len(), &inputs, &mut memory);
            for (state, output) in body.outputs.iter().enumerate() {
                let next = body.output(*output, rows.len(), &inputs, &memory);
                found[state][rows.start * output.width..rows.end * output.width].copy_from_slice(next);
            }
            drop(inputs);
            for (state, (&i, found)) in states.iter().zip(&found).enumerate() {
                let width = body.outputs[state].width;
                own[i][..rows.len() * width].copy_from_slice(&found[rows.start * width..rows.end * width]);
            }
        }
        found
    };
    let chunks: Vec<Vec<Vec<f32>>> = job.pool.install(|| layout.chunks.par_iter().map(run).collect());
    for (state, result) in results.iter_mut().enumerate() {
        let width = body.outputs[state].width;
        collect(job, &layout.step_spots, width, |spot| Some(&chunks.get(spot.chunk as usize)?[state]), result);
    }
}

/// Puts rows of chunks to where they belong, zeros for those of no chunk.
pub(super) fn collect<'c>(
    job: &Job,
    spots: &[Spot],
    width: usize,
    chunk: impl Fn(Spot) -> Option<&'c Vec<f32>> + Sync,
    out: &mut [f32],
) {
    job.pool.install(|| {
        let parts = out.par_chunks_mut(ROWS * width.max(1)).zip(spots.par_chunks(ROWS));
        parts.for_each(|(out, spots)| {
            for (out, &spot) in out.chunks_exact_mut(width.max(1)).zip(spots) {
                match chunk(spot) {
                    Some(data) => {
                        out.copy_from_slice(&data[spot.row as usize * width..(spot.row as usize + 1) * width])
                    }
                    None => out.fill(0.0),
                }
            }
        });
    });
}
