//! One batch: the rows of every axis and the values of every input, as plain vectors.

use std::collections::BTreeMap;

/// The values of one input, row-major, `rows(space) x width`.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers, labels, weights.
    F32(Vec<f32>),
    /// Ids as rows of their vocabulary.
    U32(Vec<u32>),
}

/// What one step reads. Built ahead on another thread by `data`, or by hand in tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    /// Rows of `B`.
    pub samples: usize,
    /// For every ragged input axis, by name: where the elements of each row of its parent space begin; `parent rows + 1`
    /// long, from 0 to the axis's rows. Elements of one sample are contiguous, oldest first.
    pub offsets: BTreeMap<String, Vec<u32>>,
    /// Values by input name.
    pub columns: BTreeMap<String, Column>,
    /// A number per sample that does not depend on batching or order: the address of its random numbers.
    pub ids: Vec<u64>,
}
