//! Executors: one plan, two backends.

pub mod candle;
pub mod cost;
pub mod error;
pub mod feed;
pub mod host;
pub mod init;
pub mod kernels;
pub mod made_up;
pub mod matrix;
mod memory;
pub mod plan;
pub mod profile;
pub mod prologue;
mod row_set;
pub mod weights;
