//! How the rows of a scan are laid out: chunks of sequences, step by step, the longest first.

use std::sync::Arc;

use crate::ir::graph::Node;
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};
use crate::prim::scan::shape::{Kind, Shape};

use super::super::group::Order;
use super::super::whole::Job;

/// Sequences of a chunk, at least and at most: fewer make poor matrix products, more leave the cache.
const SEQUENCES: (usize, usize) = (32, 256);

/// Chunks that there are if sequences suffice.
const CHUNKS: usize = 16;

/// Where a row of a result lies: its chunk and the row there.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) chunk: u32,
    pub(super) row: u32,
}

/// Sequences that run together.
pub(super) struct Chunk {
    /// The sequences, the longest first.
    pub(super) sequences: Vec<u32>,
    /// For each step the rows of the step's space, in order of `sequences`; one after the other.
    pub(super) rows: Vec<u32>,
    /// Where the rows of each step begin.
    pub(super) starts: Vec<usize>,
}

/// Operands, results and chunks of a node.
pub(super) struct Layout {
    pub(super) shape: Shape,
    pub(super) chunks: Vec<Chunk>,
    /// Of every row of the steps' space.
    pub(super) step_spots: Vec<Spot>,
    /// Of every sequence with steps; others have a chunk that there is not.
    pub(super) sequence_spots: Vec<Spot>,
}

impl Chunk {
    pub(super) fn steps(&self) -> usize {
        self.starts.len() - 1
    }

    /// The rows of a step, counted in the chunk.
    pub(super) fn step(&self, at: usize) -> std::ops::Range<usize> {
        self.starts[at]..self.starts[at + 1]
    }
}

impl Layout {
    /// Of a node whose first `count` operands are those of the scan.
    pub(super) fn of(node: &Node, job: &Job, count: usize, states: usize) -> Option<Self> {
        let types: Vec<&Type> = node.operands[..count].iter().map(|&operand| job.graph.ty(operand)).collect();
        let rows = &job.batch.rows;
        let shape = Shape::of(rows.axes(), &types, node.attrs.axis("over")?, states).ok()?;
        let order = Order::of(&rows.map(&shape.steps, &shape.sequences), rows.count(&shape.sequences));
        let len = |sequence: u32| (order.offsets[sequence as usize + 1] - order.offsets[sequence as usize]) as usize;
        let row = |sequence: u32, step: usize| {
            let at = order.offsets[sequence as usize] as usize + step;
            order.rows.as_ref().map_or(at as u32, |rows| rows[at])
        };
        let mut sequences: Vec<u32> = (0..rows.count(&shape.sequences) as u32).filter(|&own| len(own) > 0).collect();
        sequences.sort_by_key(|&own| std::cmp::Reverse(len(own)));
        let size = sequences.len().div_ceil(CHUNKS).clamp(SEQUENCES.0, SEQUENCES.1);
        let nowhere = Spot { chunk: u32::MAX, row: 0 };
        let mut step_spots = vec![nowhere; rows.count(&shape.steps)];
        let mut sequence_spots = vec![nowhere; rows.count(&shape.sequences)];
        let mut chunks = Vec::new();
        for own in sequences.chunks(size) {
            let chunk = chunks.len() as u32;
            let (mut taken, mut starts) = (Vec::new(), vec![0]);
            for step in 0..own.first().map_or(0, |&longest| len(longest)) {
                taken.extend(own.iter().take_while(|&&sequence| len(sequence) > step).map(|&own| row(own, step)));
                starts.push(taken.len());
            }
            for (row, &at) in taken.iter().enumerate() {
                step_spots[at as usize] = Spot { chunk, row: row as u32 };
            }
            for (row, &sequence) in own.iter().enumerate() {
                sequence_spots[sequence as usize] = Spot { chunk, row: row as u32 };
            }
            chunks.push(Chunk { sequences: own.to_vec(), rows: taken, starts });
        }
        Some(Self { shape, chunks, step_spots, sequence_spots })
    }

    /// For each row of the steps or of the sequences, the row of an operand; none where they are the same.
    pub(super) fn maps(&self, node: &Node, job: &Job) -> Vec<Option<Arc<[u32]>>> {
        let rows: &Rows = &job.batch.rows;
        let map = |from: &Space, to: &Space| (from != to).then(|| rows.map(from, to));
        let each = |(kind, &operand): (&Kind, _)| match kind {
            Kind::Element => map(&self.shape.steps, &job.graph.ty(operand).space),
            Kind::State | Kind::Capture => map(&self.shape.sequences, &job.graph.ty(operand).space),
            Kind::Shared => None,
        };
        self.shape.kinds.iter().zip(&node.operands).map(each).collect()
    }
}

/// An operand beside rows of the space that it is spread to.
pub(super) struct Picked<'a> {
    pub(super) data: &'a [f32],
    pub(super) width: usize,
    pub(super) map: Option<&'a [u32]>,
}

impl Picked<'_> {
    /// Its rows at some rows of that space.
    pub(super) fn at(&self, rows: &[u32], out: &mut Vec<f32>) {
        out.clear();
        for &row in rows {
            let row = self.map.map_or(row, |map| map[row as usize]) as usize;
            out.extend_from_slice(&self.data[row * self.width..(row + 1) * self.width]);
        }
    }

    /// The same in memory of its own.
    pub(super) fn rows(&self, rows: &[u32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len() * self.width);
        self.at(rows, &mut out);
        out
    }
}
