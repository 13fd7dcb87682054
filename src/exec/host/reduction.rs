//! Reductions out of the samples: each chunk of blocks adds into a partial result of its own, and partial results are
//! combined in order. Chunks depend on the batch's shape alone, so the bits do not depend on the number of threads.

use crate::ir::graph::{Graph, Node};

use super::super::kernels::binary::Write;
use super::super::kernels::gemm::{Shape, Start, Strided, gemm};
use super::super::kernels::segment_sum::segment_sum;
use super::block::Block;
use super::stage::SMALL;

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
const REDUCTIONS: &[(&str, Make)] = &[("moments", moments), ("outer_sum", outer_sum), ("sum", sum)];

/// The reduction of a node.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Reduction> {
    if !node.results.iter().all(|&result| graph.ty(result).space.is_unit()) {
        return None;
    }
    let name = node.op.name();
    REDUCTIONS.iter().find(|(known, _)| *known == name).and_then(|(_, make)| make(graph, node))
}

fn added(sum: &mut [f32], part: &[f32]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

fn copied(partial: &[f32], results: &mut [&mut [f32]]) {
    if let Some(result) = results.first_mut() {
        result.copy_from_slice(partial);
    }
}

fn sum(graph: &Graph, node: &Node) -> Option<Reduction> {
    let width = graph.ty(node.operands[0]).width as usize;
    let add = move |block: &Block, partial: &mut [f32]| {
        segment_sum(block.reads[0].floats(), width, &[0, block.rows as u32], Write::Add, partial);
    };
    Some(Reduction { len: width, add: Box::new(add), combine: added, finish: Box::new(copied) })
}

fn outer_sum(graph: &Graph, node: &Node) -> Option<Reduction> {
    let (x, g) = (graph.ty(node.operands[0]), graph.ty(node.operands[1]));
    if x.width * g.width > SMALL || x.space != g.space {
        return None;
    }
    let (k, n) = (x.width as usize, g.width as usize);
    let add = move |block: &Block, partial: &mut [f32]| {
        let [x, g] = block.reads else { return };
        let shape = Shape { m: k, k: block.rows, n };
        gemm(shape, Strided::transposed(x.floats(), k), g.floats(), n, Start::Keep, partial, n);
    };
    Some(Reduction { len: k * n, add: Box::new(add), combine: added, finish: Box::new(copied) })
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
