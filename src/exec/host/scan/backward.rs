//! A scan backwards: the last step first, each with the states before it.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::ir::graph::Node;
use crate::prim::scan::body::inputs_of_outputs;
use crate::prim::scan::shape::Kind;

use super::super::whole::Job;
use super::body::Body;
use super::forward::collect;
use super::layout::{Chunk, Layout, picked};

/// The derivatives by the operands that the body has outputs for.
pub(in super::super) fn scan_grad(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let Some(graph) = node.attrs.body("body") else { return };
    let (Some(body), by) = (Body::of(graph), inputs_of_outputs(graph)) else { return };
    let states = node.attrs.int("states") as usize;
    let count = node.operands.len().saturating_sub(2 * states);
    let Some(layout) = Layout::of(node, job, count, states) else { return };
    let maps = layout.maps(node, job);
    let back = Back { node, job, body, by, count, layout, maps };
    let chunks: Vec<Vec<Vec<f32>>> =
        job.pool.install(|| back.layout.chunks.par_iter().map(|chunk| back.run(chunk)).collect());
    for (result, out) in results.iter_mut().enumerate() {
        let own = |spot: super::layout::Spot| Some(&chunks.get(spot.chunk as usize)?[result]);
        let width = back.body.outputs[result].width;
        match back.layout.shape.kinds[back.by[result]] {
            Kind::Element => collect(job, &back.layout.step_spots, width, own, out),
            Kind::State | Kind::Capture => collect(job, &back.layout.sequence_spots, width, own, out),
            Kind::Shared => {
                out.fill(0.0);
                for chunk in &chunks {
                    out.iter_mut().zip(&chunk[result]).for_each(|(sum, part)| *sum += part);
                }
            }
        }
    }
}

struct Back<'a> {
    node: &'a Node,
    job: &'a Job<'a>,
    body: Body<'a>,
    /// For every output of the body the operand that it is the derivative by.
    by: Vec<usize>,
    /// Operands of the scan.
    count: usize,
    layout: Layout,
    /// From the rows of steps and sequences to those of each operand.
    maps: Vec<Option<Arc<[u32]>>>,
}

impl Back<'_> {
    /// The results of a chunk: rows of its steps, of its sequences, or a partial sum.
    fn run(&self, chunk: &Chunk) -> Vec<Vec<f32>> {
        let (kinds, job) = (&self.layout.shape.kinds, self.job);
        let width = |i: usize| job.width(self.node.operands[i]);
        let states: Vec<usize> = self.layout.shape.places(Kind::State).collect();
        let own: Vec<Vec<f32>> = (0..self.count)
            .map(|i| match kinds[i] {
                Kind::Element => picked(job.floats(i), width(i), self.maps[i].as_deref(), &chunk.rows),
                Kind::State | Kind::Capture => {
                    picked(job.floats(i), width(i), self.maps[i].as_deref(), &chunk.sequences)
                }
                Kind::Shared => Vec::new(),
            })
            .collect();
        let behind = |i: usize| picked(job.floats(i), width(i), None, &chunk.rows);
        let after: Vec<Vec<f32>> = (0..states.len()).map(|state| behind(self.count + state)).collect();
        let mut cotangents: Vec<Vec<f32>> =
            (0..states.len()).map(|state| behind(self.count + states.len() + state)).collect();
        let mut carried: Vec<Vec<f32>> = states.iter().map(|&i| vec![0.0; chunk.sequences.len() * width(i)]).collect();
        let mut found: Vec<Vec<f32>> = self
            .by
            .iter()
            .zip(&self.body.outputs)
            .map(|(&i, output)| {
                let rows = match kinds[i] {
                    Kind::Element => chunk.rows.len(),
                    Kind::State | Kind::Capture => chunk.sequences.len(),
                    Kind::Shared => 1,
                };
                vec![0.0; rows * output.width]
            })
            .collect();
        let shared: Vec<&[f32]> = (0..self.count + states.len()).map(|i| job.floats(i)).collect();
        let mut memory = self.body.memory(chunk.sequences.len(), &shared);
        for step in (0..chunk.steps()).rev() {
            let rows = chunk.step(step);
            for (carried, cotangent) in carried.iter_mut().zip(&mut cotangents) {
                let width = carried.len() / chunk.sequences.len();
                let at = &mut cotangent[rows.start * width..rows.end * width];
                // A state that the step does not read carries nothing further.
                for (at, carried) in at.iter_mut().zip(carried) {
                    *at += std::mem::take(carried);
                }
            }
            let before = step.checked_sub(1).map(|step| chunk.step(step).start);
            let inputs: Vec<&[f32]> = (0..self.count + states.len())
                .map(|i| {
                    if i >= self.count {
                        let state = i - self.count;
                        let width = width(states[state]);
                        return &cotangents[state][rows.start * width..rows.end * width];
                    }
                    let width = width(i);
                    match (kinds[i], states.iter().position(|&state| state == i), before) {
                        (Kind::Element, ..) => &own[i][rows.start * width..rows.end * width],
                        (Kind::State, Some(state), Some(first)) => {
                            &after[state][first * width..(first + rows.len()) * width]
                        }
                        (Kind::Shared, ..) => job.floats(i),
                        _ => &own[i][..rows.len() * width],
                    }
                })
                .collect();
            self.body.step(rows.len(), &inputs, &mut memory);
            for (result, (&i, output)) in self.by.iter().zip(&self.body.outputs).enumerate() {
                let derivative = self.body.output(*output, rows.len(), &inputs, &memory);
                let all = rows.len() * output.width;
                match kinds[i] {
                    Kind::Element => {
                        let first = rows.start * output.width;
                        found[result][first..first + all].copy_from_slice(derivative);
                    }
                    Kind::State => {
                        if let Some(state) = states.iter().position(|&state| state == i) {
                            carried[state][..all].copy_from_slice(derivative);
                        }
                    }
                    Kind::Capture | Kind::Shared => {
                        found[result].iter_mut().zip(derivative).for_each(|(sum, part)| *sum += part);
                    }
                }
            }
        }
        for (result, &i) in self.by.iter().enumerate() {
            if let Some(state) = states.iter().position(|&state| state == i) {
                found[result] = std::mem::take(&mut carried[state]);
            }
        }
        found
    }
}
