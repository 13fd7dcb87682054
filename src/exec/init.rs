//! First values of parameters. Every element has a random address of its own (path, place), so a new layer changes no
//! other parameter.

use crate::ir::graph::Init;
use crate::prim::philox;

/// `rows * width` numbers, or none where they come from a file.
pub fn values(init: Init, path: &str, rows: usize, width: usize, seed: u64) -> Option<Vec<f32>> {
    let count = rows * width;
    let stream = philox::Stream::new(seed, path);
    let uniform = |limit: f64| {
        let draw = |i: usize| (limit * (2.0 * stream.uniform(i as u64) - 1.0)) as f32;
        Some((0..count).map(draw).collect())
    };
    match init {
        Init::Constant(value) => Some(vec![value as f32; count]),
        Init::Normal { std } => Some((0..count).map(|i| (std * stream.normal(i as u64)) as f32).collect()),
        Init::TruncatedNormal { std } => {
            Some((0..count).map(|i| (std * truncated(&stream, i as u64)) as f32).collect())
        }
        Init::Uniform { limit } => uniform(limit),
        Init::Glorot => uniform((6.0 / (rows + width).max(1) as f64).sqrt()),
        Init::FanIn { fan_in } => uniform((1.0 / f64::from(fan_in.max(1))).sqrt()),
        Init::Counts => Some(vec![1.0; count]),
        Init::File => None,
    }
}

/// A standard normal number within two standard deviations, by the inverse of a bounded number of tries: the address of
/// a try is its element and its number.
fn truncated(stream: &philox::Stream, element: u64) -> f64 {
    let tries = (0..64u64).map(|attempt| stream.normal(element | attempt << 56));
    tries.into_iter().find(|value| value.abs() <= 2.0).unwrap_or(0.0)
}
