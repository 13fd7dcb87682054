//! Passes: each a file, each from a graph to a graph.

pub mod differentiate;
