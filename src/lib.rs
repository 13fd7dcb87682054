//! specrec: a compiler for attention-based recommender models.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod block;
pub mod cli;
pub mod data;
pub mod diag;
pub mod exec;
pub mod expr;
pub mod ir;
pub mod lower;
pub mod pass;
pub mod prim;
pub mod syntax;
pub mod train;
