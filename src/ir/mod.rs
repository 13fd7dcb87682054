//! The IR: axes, spaces, types, and the graph they stand in.

pub mod input;
