//! specrec: a compiler for attention-based recommender models. Data flows one way through the stages:
//!
//! 1. [`syntax`] and [`expr`] read a YAML spec into a spanned, typed [`syntax::spec::Spec`]; [`diag`] holds what is found.
//! 2. [`lower`], with the functions of [`block`], checks it and makes a model graph of [`ir`], built of [`prim`].
//! 3. [`pass`] instantiates that graph for training, evaluation or prediction.
//! 4. [`data`] turns files into batches, and [`exec`] computes a graph on a batch, on the host's kernels or on Candle.
//! 5. [`train`] fits, measures and keeps a run; [`cli`] is the command line.
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
