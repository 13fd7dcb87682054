//! Stages that compare places and ids, and sums by place under a sample.

use crate::ir::graph::{Graph, Node};

use super::super::kernels::operand::Rows;
use super::super::kernels::rows::scatter_add;
use super::block::{Block, Read};
use super::stage::Stage;
use super::whole::Job;

/// The stage of a node that compares places or ids, or sums by place.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Stage> {
    let result = graph.ty(node.results[0]);
    let places = node.operands.len() == 2 && node.operands.iter().all(|&operand| !graph.ty(operand).is_float());
    match node.op.name() {
        // Axes without a parent have a space without samples, which no block has.
        "before" | "same" => {
            graph.axis(node.attrs.axis("first")?).parent?;
            let holds = holds(node);
            Some(Box::new(move |block, out| by_place(block, holds, out)))
        }
        "eq" if places && result.width == 1 => Some(Box::new(|block, out| by_id(block, |a, b| a == b, out))),
        "ne" if places && result.width == 1 => Some(Box::new(|block, out| by_id(block, |a, b| a != b, out))),
        "is_candidate" => {
            let from = node.attrs.int("from") as u32;
            Some(Box::new(move |block, out| {
                let Some(ids) = block.reads.first() else { return };
                for (out, &id) in out.iter_mut().zip(ids.places()) {
                    *out = if id >= from { 1.0 } else { 0.0 };
                }
            }))
        }
        "ordinal" => {
            graph.axis(node.attrs.axis("axis")?).parent?;
            let from_end = node.attrs.flag("from_end");
            Some(Box::new(move |block, out| ordinal(block, from_end, out)))
        }
        "sinusoid" => {
            let width = result.width as usize;
            Some(Box::new(move |block, out| sinusoid(block, width, out)))
        }
        "scatter" => {
            let (x, places) = (graph.ty(node.operands[0]), graph.ty(node.operands[1]));
            let width = result.width as usize;
            graph.axes().batch_of(&result.space)?;
            (x.space == places.space && node.operands.len() == 2)
                .then(|| -> Stage { Box::new(move |block, out| sums(block, width, out)) })
        }
        _ => None,
    }
}

/// How the places of two axes compare.
fn holds(node: &Node) -> fn(u32, u32) -> bool {
    match (node.op.name(), node.attrs.flag("strict")) {
        ("same", _) => |first, second| first == second,
        (_, true) => |first, second| first < second,
        (_, false) => |first, second| first <= second,
    }
}

/// Compares the elements of two axes that have no parent.
pub(super) fn of_roots(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let ([out], Some(first), Some(second)) = (results, node.attrs.axis("first"), node.attrs.axis("second")) else {
        return;
    };
    let space = &job.graph.ty(node.results[0]).space;
    let (first, second) = (job.batch.rows.element(space, first), job.batch.rows.element(space, second));
    for (out, (&first, &second)) in out.iter_mut().zip(first.iter().zip(second.iter())) {
        *out = if holds(node)(first, second) { 1.0 } else { 0.0 };
    }
}

/// Compares the places of two axes under their parent.
fn by_place(block: &Block, holds: fn(u32, u32) -> bool, out: &mut [f32]) {
    let [first, second, parents] = block.groups else { return };
    let count = parents.iter().max().map_or(0, |&last| last as usize + 1);
    // Every element of both axes under a parent is in some row, so the least is where the places begin.
    let mut begin = vec![(u32::MAX, u32::MAX); count];
    for ((&first, &second), &parent) in first.iter().zip(*second).zip(*parents) {
        let begin = &mut begin[parent as usize];
        *begin = (begin.0.min(first), begin.1.min(second));
    }
    for (out, ((&first, &second), &parent)) in out.iter_mut().zip(first.iter().zip(*second).zip(*parents)) {
        let begin = begin[parent as usize];
        *out = if holds(first - begin.0, second - begin.1) { 1.0 } else { 0.0 };
    }
}

/// The number of each element under its parent.
fn ordinal(block: &Block, from_end: bool, out: &mut [f32]) {
    let [elements, parents] = block.groups else { return };
    let count = parents.iter().max().map_or(0, |&last| last as usize + 1);
    let mut ends = vec![(u32::MAX, 0); count];
    for (&element, &parent) in elements.iter().zip(*parents) {
        let ends = &mut ends[parent as usize];
        *ends = (ends.0.min(element), ends.1.max(element));
    }
    for (out, (&element, &parent)) in out.iter_mut().zip(elements.iter().zip(*parents)) {
        let (first, last) = ends[parent as usize];
        *out = (if from_end { last - element } else { element - first }) as f32;
    }
}

/// Sines and cosines; places of sequences repeat, so most rows are copies.
fn sinusoid(block: &Block, width: usize, out: &mut [f32]) {
    let Some(x) = block.reads.first() else { return };
    let mut known: std::collections::BTreeMap<u32, usize> = std::collections::BTreeMap::new();
    for (row, x) in x.floats().iter().enumerate() {
        if let Some(&first) = known.get(&x.to_bits()) {
            out.copy_within(first * width..(first + 1) * width, row * width);
            continue;
        }
        known.insert(x.to_bits(), row);
        for (i, wave) in out[row * width..(row + 1) * width].chunks_exact_mut(2).enumerate() {
            let angle = f64::from(*x) / 10_000f64.powf(2.0 * i as f64 / width as f64);
            wave.copy_from_slice(&[angle.sin() as f32, angle.cos() as f32]);
        }
    }
}

fn by_id(block: &Block, holds: fn(u32, u32) -> bool, out: &mut [f32]) {
    let [a, b] = block.reads else { return };
    for (at, out) in out.iter_mut().enumerate() {
        *out = if holds(id(a, at), id(b, at)) { 1.0 } else { 0.0 };
    }
}

fn id(read: &Read, at: usize) -> u32 {
    let place = match read.rows {
        Rows::All => at,
        Rows::One => 0,
        Rows::Map(map) => map[at] as usize,
    };
    read.places().get(place).copied().unwrap_or(0)
}

/// Sums the rows of an operand by places among the rows of the same samples.
fn sums(block: &Block, width: usize, out: &mut [f32]) {
    let [x, places] = block.reads else { return };
    let places: Vec<u32> = places.places().iter().map(|place| place - block.base as u32).collect();
    out.fill(0.0);
    scatter_add(x.floats(), width, None, &places, out);
}
