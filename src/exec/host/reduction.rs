//! Reductions out of the samples: each chunk of blocks adds into a partial result of its own, and partial results are
//! combined in order. Chunks depend on the batch's shape alone, so the bits do not depend on the number of threads.

use crate::ir::graph::{Graph, Node};
use crate::ir::types::Type;

use super::super::kernels::binary::Write;
use super::super::kernels::contract::contract;
use super::super::kernels::gemm::{Shape, Start, Strided, gemm, transpose};
use super::super::kernels::layer_norm;
use super::super::kernels::operand::Rows;
use super::super::kernels::rows::scatter_add;
use super::super::kernels::segment_sum::segment_sum;
use super::block::Block;
use super::stage::SMALL;
use super::varying;

/// A reduction of one node.
pub(super) struct Reduction {
    /// Numbers of a partial result.
    pub(super) len: usize,
    /// Adds the rows of a block to a partial result that starts as zeros.
    pub(super) add: Box<dyn Fn(&Block, &mut [f32]) + Send + Sync>,
    /// Adds a later partial result to an earlier one.
    pub(super) combine: fn(&mut [f32], &[f32]),
    /// The node's results from the combined partial result.
    pub(super) finish: Box<dyn Fn(&[f32], &mut [&mut [f32]]) + Send + Sync>,
}

/// Makes the reduction of one node, if it can.
type Make = fn(&Graph, &Node) -> Option<Reduction>;

/// Alphabetical.
const REDUCTIONS: &[(&str, Make)] = &[
    ("contract", contracted),
    ("layer_norm_scale_grad", layer_norm_scale_grad),
    ("moments", moments),
    ("outer_sum", outer_sum),
    ("scaled_sums", varying::scaled_sums),
    ("scatter", scatter),
    ("sum", sum),
];

/// Numbers of the widest registers.
const LANES: usize = 16;

/// Most numbers of a result that every chunk has a partial result of.
const PARTIAL: usize = 1 << 16;

/// The reduction of a node whose results are as large for every batch.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Reduction> {
    let sizes: Option<Vec<usize>> = node.results.iter().map(|&result| numbers(graph, graph.ty(result))).collect();
    if sizes?.into_iter().sum::<usize>() > PARTIAL || !node.results.iter().all(|&result| graph.ty(result).is_float()) {
        return None;
    }
    let name = node.op.name();
    REDUCTIONS.iter().find(|(known, _)| *known == name).and_then(|(_, make)| make(graph, node))
}

pub(super) fn added(sum: &mut [f32], part: &[f32]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

fn copied(partial: &[f32], results: &mut [&mut [f32]]) {
    if let Some(result) = results.first_mut() {
        result.copy_from_slice(partial);
    }
}

/// Numbers of a value that has as many in every batch.
fn numbers(graph: &Graph, ty: &Type) -> Option<usize> {
    let mut lengths = ty.space.axes().iter().map(|&axis| graph.axes().fixed(axis).map(|len| len as usize));
    let rows = lengths.try_fold(1, |rows: usize, len| rows.checked_mul(len?))?;
    rows.checked_mul(ty.height as usize * ty.width as usize)
}

/// A reduction to one result by adding.
fn adding(graph: &Graph, node: &Node, add: impl Fn(&Block, &mut [f32]) + Send + Sync + 'static) -> Option<Reduction> {
    let len = numbers(graph, graph.ty(node.results[0]))?;
    Some(Reduction { len, add: Box::new(add), combine: added, finish: Box::new(copied) })
}

fn sum(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.operands[0]).width as usize;
    adding(graph, node, move |block, partial| match block.to_result {
        Rows::Map(map) => scatter_add(block.reads[0].floats(), width, None, map, partial),
        _ => segment_sum(block.reads[0].floats(), width, &[0, block.rows as u32], Write::Add, partial),
    })
}

fn contracted(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.results[0]).width as usize;
    adding(graph, node, move |block, partial| {
        let [a, b] = block.reads else { return };
        let map = match block.to_result {
            Rows::Map(map) => Some(map),
            _ => None,
        };
        contract(a.operand(), b.operand(), block.rows, map, width, partial);
    })
}

/// Rows summed by place, where the places are as many in every batch: learned positions, buckets.
fn scatter(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.results[0]).width as usize;
    adding(graph, node, move |block, partial| {
        for pair in block.reads.chunks_exact(2) {
            scatter_add(pair[0].floats(), width, None, pair[1].places(), partial);
        }
    })
}

/// The derivative by the scale: the sum of `g` times the normalised rows.
fn layer_norm_scale_grad(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.results[0]).width as usize;
    let eps = node.attrs.float("eps") as f32;
    adding(graph, node, move |block, partial| {
        let [g, x] = block.reads else { return };
        layer_norm::layer_norm_scale_grad(g.floats(), x.floats(), width, eps, partial);
    })
}

fn outer_sum(graph: &Graph, node: &Node) -> Option<Reduction> {
    let (x, g) = (graph.ty(node.operands[0]), graph.ty(node.operands[1]));
    (x.width * g.width <= SMALL).then(|| outer_sum_of_any_size(graph, node)).flatten()
}

/// The same for matrices that no cache holds. The wider side of the product is the one that fills more of its registers: `g^T x`
/// is the same sum, turned.
pub(super) fn outer_sum_of_any_size(graph: &Graph, node: &Node) -> Option<Reduction> {
    let (x, g) = (graph.ty(node.operands[0]), graph.ty(node.operands[1]));
    if x.space != g.space {
        return None;
    }
    let (k, n) = (x.width as usize, g.width as usize);
    let turned = k > 1 && n > 1 && idle(n) * k > idle(k) * n;
    let add = move |block: &Block, partial: &mut [f32]| {
        let [x, g] = block.reads else { return };
        let (left, right, m, n) = if turned { (g, x, n, k) } else { (x, g, k, n) };
        let shape = Shape { m, k: block.rows, n };
        gemm(shape, Strided::transposed(left.floats(), m), right.floats(), n, Start::Keep, partial, n);
    };
    let finish = move |partial: &[f32], results: &mut [&mut [f32]]| match results {
        [result] if turned => transpose(partial, n, k, result),
        results => copied(partial, results),
    };
    Some(Reduction { len: k * n, add: Box::new(add), combine: added, finish: Box::new(finish) })
}

/// Lanes without work in the registers that hold a row of so many numbers.
fn idle(width: usize) -> usize {
    width.next_multiple_of(LANES) - width
}

/// Count, mean and sum of squared distances from the mean, merged as Chan, Golub and LeVeque (1983) do: no difference of
/// large sums. A partial result is `[count, means, squares]`.
fn moments(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.operands[0]).width as usize;
    let add = move |block: &Block, partial: &mut [f32]| {
        if block.rows == 0 {
            return;
        }
        let x = block.reads[0].floats();
        let mut own = vec![0.0f32; 1 + 2 * width];
        own[0] = block.rows as f32;
        let (means, squares) = own[1..].split_at_mut(width);
        segment_sum(x, width, &[0, block.rows as u32], Write::Set, means);
        means.iter_mut().for_each(|mean| *mean /= block.rows as f32);
        for row in x.chunks_exact(width) {
            for ((square, x), mean) in squares.iter_mut().zip(row).zip(means.iter()) {
                *square += (x - mean) * (x - mean);
            }
        }
        merge(partial, &own);
    };
    let finish = move |partial: &[f32], results: &mut [&mut [f32]]| {
        let [mean, variance] = results else { return };
        mean.copy_from_slice(&partial[1..=width]);
        let count = partial[0].max(1.0);
        for (variance, square) in variance.iter_mut().zip(&partial[1 + width..]) {
            *variance = square / count;
        }
    };
    Some(Reduction { len: 1 + 2 * width, add: Box::new(add), combine: merge, finish: Box::new(finish) })
}

fn merge(sum: &mut [f32], part: &[f32]) {
    let (own, other) = (sum[0], part[0]);
    if other == 0.0 {
        return;
    }
    let count = own + other;
    let width = (sum.len() - 1) / 2;
    let (means, squares) = sum[1..].split_at_mut(width);
    let (other_means, other_squares) = part[1..].split_at(width);
    for i in 0..width {
        let distance = other_means[i] - means[i];
        means[i] += distance * (other / count);
        squares[i] += other_squares[i] + distance * distance * (own * (other / count));
    }
    sum[0] = count;
}
