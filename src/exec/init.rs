//! First values of parameters. Every element has a random address of its own (path, place), so a new layer changes no
//! other parameter, and a row of a table has the same first values whenever it is drawn.

use serde::{Deserialize, Serialize};

use crate::ir::graph::Init;
use crate::prim::philox;

/// Where the first values of one parameter come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct First {
    init: Init,
    /// The parameter's path, which names the stream.
    path: String,
    seed: u64,
}

impl First {
    /// Of a parameter; none where its values come from a file.
    pub fn new(init: Init, path: &str, seed: u64) -> Option<Self> {
        (init != Init::File).then(|| Self { init, path: path.to_owned(), seed })
    }

    /// Writes the values of a `rows x width` parameter that have the places from `from` on.
    pub fn fill(&self, [rows, width]: [usize; 2], from: usize, out: &mut [f32]) {
        let stream = philox::Stream::new(self.seed, &self.path);
        let mut draw = |value: &dyn Fn(u64) -> f64| {
            for (i, out) in out.iter_mut().enumerate() {
                *out = value((from + i) as u64) as f32;
            }
        };
        let uniform = |limit: f64| move |place: u64| limit * (2.0 * stream.uniform(place) - 1.0);
        match self.init {
            Init::Constant(value) => draw(&|_| value),
            Init::Normal { std } => draw(&|place| std * stream.normal(place)),
            Init::TruncatedNormal { std } => draw(&|place| std * truncated(&stream, place)),
            Init::Uniform { limit } => draw(&uniform(limit)),
            Init::Glorot => draw(&uniform((6.0 / (rows + width).max(1) as f64).sqrt())),
            Init::FanIn { fan_in } => draw(&uniform((1.0 / f64::from(fan_in.max(1))).sqrt())),
            Init::Counts | Init::File => draw(&|_| 1.0),
        }
    }
}

/// A standard normal number within two standard deviations, by the inverse of a bounded number of tries: the address of
/// a try is its element and its number.
fn truncated(stream: &philox::Stream, element: u64) -> f64 {
    let tries = (0..64u64).map(|attempt| stream.normal(element | attempt << 56));
    tries.into_iter().find(|value| value.abs() <= 2.0).unwrap_or(0.0)
}
