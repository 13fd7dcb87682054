//! Layers whose matrix varies with a value of fewer rows, and what their derivatives are made of. Rows that share a matrix
//! stand together: the matrix is made once, in cache, and meets all of them in one product.

use std::ops::Range;

use crate::ir::graph::{Graph, Node};

use super::super::kernels::binary::{Binary, Write, binary};
use super::super::kernels::gemm::{Shape, Start, Strided, gemm};
use super::super::kernels::operand::{Operand, Rows};
use super::super::kernels::reduce::row_dot;
use super::super::kernels::rows::scatter_add;
use super::super::kernels::segment_sum::segment_sum;
use super::block::{Block, Read};
use super::reduction::Reduction;
use super::stage::{Stage, begin};

/// Where the rows that share a matrix begin and end, and the row of the value that the matrix is made from.
fn runs<'a>(shared: &'a Rows, rows: usize) -> impl Iterator<Item = (Range<usize>, usize)> + 'a {
    let row_of = move |i: usize| match shared {
        Rows::All => i,
        Rows::One => 0,
        Rows::Map(map) => map[i] as usize,
    };
    let mut from = 0;
    std::iter::from_fn(move || {
        let row = (from < rows).then(|| row_of(from))?;
        let end = (from..rows).find(|&i| row_of(i) != row).unwrap_or(rows);
        Some((std::mem::replace(&mut from, end)..end, row))
    })
}

/// `x (w + diag(q) v) + b`.
pub(super) fn scaled_linear(graph: &Graph, node: &Node) -> Option<Stage> {
    let w = graph.ty(node.operands[2]);
    let (k, n) = (w.height as usize, w.width as usize);
    let places: Vec<u32> = (0..w.height).collect();
    layer(k, n, move |q, v, matrix| scatter_add(v, n, Some(q), &places, matrix))
}

/// `x (w + v diag(q))`.
pub(super) fn linear_scaled(graph: &Graph, node: &Node) -> Option<Stage> {
    let w = graph.ty(node.operands[2]);
    let (k, n) = (w.height as usize, w.width as usize);
    layer(k, n, move |q, v, matrix| {
        binary(Binary::Mul, Operand::all(v, n), Operand::one(q), Write::Add, matrix, n);
    })
}

/// `add` adds `v`, scaled by a row of `q`, to a copy of `w`.
fn layer(k: usize, n: usize, add: impl Fn(&[f32], &[f32], &mut [f32]) + Send + Sync + 'static) -> Option<Stage> {
    Some(Box::new(move |block, out| {
        let [x, q, w, v, bias @ ..] = block.reads else { return };
        let mut matrix = vec![0.0; k * n];
        for (rows, row) in runs(&q.rows, block.rows) {
            matrix.copy_from_slice(w.floats());
            add(&q.floats()[row * q.width..][..q.width], v.floats(), &mut matrix);
            let start = bias.first().map_or(Start::Zero, |bias| begin(&of_rows(bias, &rows)));
            let shape = Shape { m: rows.len(), k, n };
            let x = Strided::rows(&x.floats()[rows.start * k..], k);
            gemm(shape, x, &matrix, n, start, &mut out[rows.start * n..], n);
        }
    }))
}

/// An operand as some rows of the block see it.
fn of_rows<'a>(read: &Read<'a>, rows: &Range<usize>) -> Read<'a> {
    match read.rows {
        Rows::One => *read,
        Rows::All => {
            let own = &read.floats()[rows.start * read.width..rows.end * read.width];
            Read { data: super::block::Data::F32(own), ..*read }
        }
        Rows::Map(map) => Read { rows: Rows::Map(&map[rows.clone()]), ..*read },
    }
}

/// The sums of `x^T g` over the rows of each row of the result.
pub(super) fn outer_by(graph: &Graph, node: &Node) -> Option<Stage> {
    let (k, n) = (graph.ty(node.operands[0]).width as usize, graph.ty(node.operands[1]).width as usize);
    Some(Box::new(move |block, out| {
        let [x, g] = block.reads else { return };
        out.fill(0.0);
        for (rows, row) in runs(&block.to_result, block.rows) {
            let shape = Shape { m: k, k: rows.len(), n };
            let x = Strided::transposed(&x.floats()[rows.start * k..], k);
            gemm(shape, x, &g.floats()[rows.start * n..], n, Start::Keep, &mut out[row * k * n..][..k * n], n);
        }
    }))
}

/// Rows of `v` times those of each matrix.
pub(super) fn matrix_dot(graph: &Graph, node: &Node) -> Option<Stage> {
    let v = graph.ty(node.operands[1]);
    let (k, n) = (v.height as usize, v.width as usize);
    Some(Box::new(move |block, out| {
        let [m, v] = block.reads else { return };
        for (m, out) in m.floats().chunks_exact(k * n).zip(out.chunks_exact_mut(k)) {
            row_dot(Operand::all(m, n), Operand::all(v.floats(), n), n, Write::Set, out);
        }
    }))
}

/// The sums of the matrices, and of the matrices whose rows are scaled.
pub(super) fn scaled_sums(graph: &Graph, node: &Node) -> Option<Reduction> {
    let ty = graph.ty(node.results[0]);
    let (k, n) = (ty.height as usize, ty.width as usize);
    let places: Vec<u32> = (0..ty.height).collect();
    let add = move |block: &Block, partial: &mut [f32]| {
        let [m, q] = block.reads else { return };
        let (plain, scaled) = partial.split_at_mut(k * n);
        segment_sum(m.floats(), k * n, &[0, block.rows as u32], Write::Add, plain);
        for (m, q) in m.floats().chunks_exact(k * n).zip(q.floats().chunks_exact(k)) {
            scatter_add(m, n, Some(q), &places, scaled);
        }
    };
    let finish = move |partial: &[f32], results: &mut [&mut [f32]]| {
        for (result, own) in results.iter_mut().zip(partial.chunks_exact(k * n)) {
            result.copy_from_slice(own);
        }
    };
    Some(Reduction { len: 2 * k * n, add: Box::new(add), combine: super::reduction::added, finish: Box::new(finish) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_one_place_are_one_run() {
        let map = [2, 2, 0, 5, 5, 5];
        let found: Vec<_> = runs(&Rows::Map(&map), 6).collect();
        assert_eq!(found, [(0..2, 2), (2..3, 0), (3..6, 5)]);
        assert_eq!(runs(&Rows::One, 3).collect::<Vec<_>>(), [(0..3, 0)]);
        assert_eq!(runs(&Rows::All, 2).collect::<Vec<_>>(), [(0..1, 0), (1..2, 1)]);
        assert_eq!(runs(&Rows::Map(&map), 0).count(), 0);
    }
}
