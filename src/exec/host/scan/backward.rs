//! A scan backwards: the last step first, each with the states before it.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::ir::graph::Node;
use crate::prim::scan::body::inputs_of_outputs;
use crate::prim::scan::shape::Kind;

use super::super::whole::Job;
use super::body::Body;
use super::forward::collect;
use super::layout::{Chunk, Layout, Picked};

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
        let beside = |i: usize| {
            let map = self.maps.get(i).and_then(|map| map.as_deref());
            Picked { data: job.floats(i), width: width(i), map }
        };
        let first = |i: usize| match kinds[i] {
            Kind::State | Kind::Capture => beside(i).rows(&chunk.sequences),
            Kind::Element | Kind::Shared => Vec::new(),
        };
        // Elements are those of one step, states those before it.
        let first: Vec<Vec<f32>> = (0..self.count).map(first).collect();
        let mut own = first.clone();
        let mut cotangents: Vec<Vec<f32>> = vec![Vec::new(); states.len()];
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
            let range = chunk.step(step);
            let rows = &chunk.rows[range.clone()];
            for i in self.layout.shape.places(Kind::Element) {
                beside(i).at(rows, &mut own[i]);
            }
            for (state, &i) in states.iter().enumerate() {
                match step.checked_sub(1) {
                    Some(before) => {
                        let before = chunk.step(before).start;
                        let after = Picked { map: None, ..beside(self.count + state) };
                        after.at(&chunk.rows[before..before + rows.len()], &mut own[i]);
                    }
                    None => own[i].clone_from(&first[i]),
                }
                let cotangent = &mut cotangents[state];
                Picked { map: None, ..beside(self.count + states.len() + state) }.at(rows, cotangent);
                // A state that the step does not read carries nothing further.
                for (at, carried) in cotangent.iter_mut().zip(&mut carried[state]) {
                    *at += std::mem::take(carried);
                }
            }
            let inputs: Vec<&[f32]> = (0..self.count + states.len())
                .map(|i| match (i.checked_sub(self.count), kinds.get(i)) {
                    (Some(state), _) => cotangents[state].as_slice(),
                    (None, Some(Kind::Shared)) => job.floats(i),
                    _ => &own[i][..rows.len() * width(i)],
                })
                .collect();
            self.body.step(rows.len(), &inputs, &mut memory);
            for (result, (&i, output)) in self.by.iter().zip(&self.body.outputs).enumerate() {
                let derivative = self.body.output(*output, rows.len(), &inputs, &memory);
                let all = rows.len() * output.width;
                match kinds[i] {
                    Kind::Element => {
                        let first = range.start * output.width;
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
