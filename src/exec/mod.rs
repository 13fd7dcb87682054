//! Executors: one plan, two backends.

pub mod feed;
