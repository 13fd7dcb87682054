//! The integration tests, one binary: one module per concern.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod backends;
mod both;
mod by_hand;
mod cli;
mod combinations;
mod conformance;
mod cut;
mod data;
mod docs;
mod errors;
mod faults;
mod graphs;
mod mutations;
mod next;
mod parity;
mod predict;
mod profile;
mod properties;
mod random_graph;
mod regulariser;
mod request;
mod run;
mod runs;
mod small;
mod specs;
mod tables;
mod tidy;
mod train;
mod trajectories;
mod words;
