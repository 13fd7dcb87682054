//! Training: metrics, checkpoints, run directories, the loop.

pub mod checkpoint;
pub mod metric;
