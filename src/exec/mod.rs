//! Executors: one plan, two backends.

pub mod feed;
pub mod kernels;
