//! Stages that take rows together: softmax over any axes, largest elements, sums of products.

use crate::ir::graph::{Graph, Node};

use super::super::kernels::binary::Write;
use super::super::kernels::contract::contract;
use super::super::kernels::operand::{Operand, Rows};
use super::super::kernels::segment_softmax::{segment_softmax, segment_softmax_grad};
use super::arrange::groups_have_samples;
use super::block::Block;
use super::stage::Stage;

/// The stage of a node that takes rows together.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Stage> {
    let ty = |i: usize| graph.ty(node.operands[i]);
    match node.op.name() {
        "contract" => {
            let width = graph.ty(node.results[0]).width as usize;
            Some(Box::new(move |block, out| contracted(block, width, out)))
        }
        "max_over" => {
            let width = ty(0).width as usize;
            Some(Box::new(move |block, out| largest(block, width, out)))
        }
        "softmax" if groups_have_samples(graph, node) => {
            let width = ty(0).width as usize;
            Some(Box::new(move |block, out| softmax(block, width, out)))
        }
        "softmax_grad" if groups_have_samples(graph, node) => {
            let width = ty(0).width as usize;
            Some(Box::new(move |block, out| softmax_grad(block, width, out)))
        }
        _ => None,
    }
}

fn contracted(block: &Block, width: usize, out: &mut [f32]) {
    let [a, b] = block.reads else { return };
    out.fill(0.0);
    let map = match block.to_result {
        Rows::Map(map) => Some(map),
        _ => None,
    };
    contract(a.operand(), b.operand(), block.rows, map, width, out);
}

/// The largest row of each row of the result, column by column, among those where the condition holds; 0 of none.
fn largest(block: &Block, width: usize, out: &mut [f32]) {
    let Some(x) = block.reads.first() else { return };
    let condition = block.reads.get(1).map(|condition| condition.operand());
    out.fill(f32::NEG_INFINITY);
    let mut found = vec![false; out.len()];
    for (at, x) in x.floats().chunks_exact(width.max(1)).enumerate() {
        let Rows::Map(map) = block.to_result else { return };
        let first = map[at] as usize * width;
        for (column, &x) in x.iter().enumerate() {
            if condition.is_none_or(|c| number(&c, at, column) != 0.0) {
                found[first + column] = true;
                let out = &mut out[first + column];
                *out = if x > *out || x.is_nan() { x } else { *out };
            }
        }
    }
    out.iter_mut().zip(found).filter(|(_, found)| !found).for_each(|(out, _)| *out = 0.0);
}

/// The number of an operand beside a row and a column.
fn number(x: &Operand, row: usize, column: usize) -> f32 {
    let place = match x.rows {
        Rows::All => row,
        Rows::One => 0,
        Rows::Map(map) => map[row] as usize,
    };
    x.data[place * x.width + if x.width == 1 { 0 } else { column }]
}

fn softmax(block: &Block, width: usize, out: &mut [f32]) {
    let ([x, rest @ ..], [groups]) = (block.reads, block.groups) else { return };
    let mut masked;
    let mut data = x.floats();
    if let Some(condition) = rest.first().map(|condition| condition.operand()) {
        masked = data.to_vec();
        for (at, row) in masked.chunks_exact_mut(width.max(1)).enumerate() {
            let hidden = |column: usize| number(&condition, at, column) == 0.0;
            row.iter_mut().enumerate().filter(|(column, _)| hidden(*column)).for_each(|(_, x)| *x = f32::NEG_INFINITY);
        }
        data = &masked;
    }
    let order = Order::of(groups, block.group_count);
    match &order.rows {
        None => segment_softmax(data, width, None, &order.offsets, out),
        Some(rows) => {
            let mut sorted = vec![0.0; out.len()];
            segment_softmax(&taken(data, width, rows), width, None, &order.offsets, &mut sorted);
            put_back(&sorted, width, rows, out);
        }
    }
}

fn softmax_grad(block: &Block, width: usize, out: &mut [f32]) {
    let ([g, y], [groups]) = (block.reads, block.groups) else { return };
    let (g, y) = (g.floats(), y.floats());
    let order = Order::of(groups, block.group_count);
    match &order.rows {
        None => segment_softmax_grad(g, y, width, &order.offsets, Write::Set, out),
        Some(rows) => {
            let mut sorted = vec![0.0; out.len()];
            let (g, y) = (taken(g, width, rows), taken(y, width, rows));
            segment_softmax_grad(&g, &y, width, &order.offsets, Write::Set, &mut sorted);
            put_back(&sorted, width, rows, out);
        }
    }
}

/// Rows by group: where each group begins, and the rows in that order, unless they lie in it already.
pub(super) struct Order {
    pub(super) offsets: Vec<u32>,
    pub(super) rows: Option<Vec<u32>>,
}

impl Order {
    pub(super) fn of(groups: &[u32], count: usize) -> Self {
        let mut offsets = vec![0u32; count + 1];
        for &group in groups {
            offsets[group as usize + 1] += 1;
        }
        for i in 0..count {
            offsets[i + 1] += offsets[i];
        }
        if groups.is_sorted() {
            return Self { offsets, rows: None };
        }
        let mut next = offsets.clone();
        let mut rows = vec![0u32; groups.len()];
        for (row, &group) in groups.iter().enumerate() {
            let at = &mut next[group as usize];
            rows[*at as usize] = row as u32;
            *at += 1;
        }
        Self { offsets, rows: Some(rows) }
    }
}

/// The rows of `x` at given places.
pub(super) fn taken(x: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() * width];
    super::super::kernels::rows::gather(x, width, rows, &mut out);
    out
}

/// Puts rows to given places.
pub(super) fn put_back(x: &[f32], width: usize, rows: &[u32], out: &mut [f32]) {
    for (x, &row) in x.chunks_exact(width.max(1)).zip(rows) {
        out[row as usize * width..(row as usize + 1) * width].copy_from_slice(x);
    }
}
