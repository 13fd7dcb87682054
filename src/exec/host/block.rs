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
}

/// A stage's block.
pub(super) struct Block<'a> {
    /// Rows of the stage's space in this block.
    pub(super) rows: usize,
    /// The operands.
    pub(super) reads: &'a [Read<'a>],
    /// Where the rows of each of the block's samples begin in the stage's space, counted over the whole batch; one more
    /// entry than there are samples.
    pub(super) segments: &'a [u32],
    /// Random addresses of the block's samples.
    pub(super) ids: &'a [u64],
    /// The map from this block's rows to those of the result, for reductions along an axis.
    pub(super) to_result: Rows<'a>,
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
