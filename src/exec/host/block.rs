//! What a stage sees: the rows of one block.

use super::super::kernels::operand::{Operand, Rows};

/// Numbers of an operand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Data<'a> {
    /// Numbers and conditions.
    F32(&'a [f32]),
    /// Ids and places.
    U32(&'a [u32]),
}

/// An operand of a stage: its rows of this block, or all its rows where it has no samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'a> {
    /// Row-major.
    pub(super) data: Data<'a>,
    /// Columns.
    pub(super) width: usize,
    /// Which row stands beside row `i` of the stage's space.
    pub(super) rows: Rows<'a>,
    /// The first row's number in the batch: what places that count over the batch are less.
    pub(super) base: usize,
}

/// A stage's block.
#[derive(Default)]
pub(super) struct Block<'a> {
    /// Rows of the stage's space in this block.
    pub(super) rows: usize,
    /// The first of them, counted over the batch.
    pub(super) base: usize,
    /// The operands.
    pub(super) reads: &'a [Read<'a>],
    /// Where the rows of each of the block's samples begin in the stage's space, counted over the whole batch; one more
    /// entry than there are samples.
    pub(super) segments: &'a [u32],
    /// Random addresses of the block's samples.
    pub(super) ids: &'a [u64],
    /// The map from this block's rows to those of the result, for reductions along an axis.
    pub(super) to_result: Rows<'a>,
    /// For nodes that take rows together: the group of each row, once for each space that rows are taken of.
    pub(super) groups: &'a [&'a [u32]],
    /// How many groups this block has.
    pub(super) group_count: usize,
    /// For nodes that move rows: where each part of the result comes from, counted over the batch.
    pub(super) places: &'a [u32],
    /// The step's noise.
    pub(super) noise: crate::ir::op::Noise,
}

impl<'a> Read<'a> {
    /// Its numbers; none of ids.
    pub(super) fn floats(&self) -> &'a [f32] {
        match self.data {
            Data::F32(data) => data,
            Data::U32(_) => &[],
        }
    }

    /// Its places; none of numbers.
    pub(super) fn places(&self) -> &'a [u32] {
        match self.data {
            Data::U32(data) => data,
            Data::F32(_) => &[],
        }
    }

    /// As an operand of an elementwise kernel.
    pub(super) fn operand(&self) -> Operand<'a> {
        Operand { data: self.floats(), width: self.width, rows: self.rows }
    }
}
