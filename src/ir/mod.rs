//! The IR: axes, spaces, types, and the graph they stand in.

pub mod attr;
pub mod axis;
pub mod build;
pub mod copy;
pub mod graph;
pub mod input;
pub mod op;
pub mod print;
pub mod read;
pub mod rows;
pub mod types;
