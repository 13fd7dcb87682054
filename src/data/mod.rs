//! Data: files to batches. Sources are read once into provisional columns, fitted on the train part, and written as a column cache.

mod array;
mod batch;
mod bind;
mod bundle;
mod cache;
mod container;
mod dataset;
mod encode;
mod eval;
mod feeder;
mod files;
mod findings;
mod fit;
mod history;
mod interner;
mod join;
mod load;
mod next;
mod order;
mod outside;
mod plan;
mod predict;
mod proposal;
mod relative;
pub mod report;
mod rows;
mod samples;
mod scale;
mod scratch;
mod source;
mod split;
mod store;
mod survey;
mod texts;
mod time;
mod vectors;
mod views;
mod zone;

pub use batch::Batch;
pub use bundle::DataBundle;
pub use cache::CacheDir;
pub use dataset::{Dataset, Options, open, train_rows};
pub use feeder::{Ahead, Batches};
pub use next::NextItem;
pub use order::Order;
pub use predict::{Raw, RawBatches, predict_rows, rows_beside, rows_of_samples};

pub use vectors::vectors;

use crate::diag::Diags;
use crate::ir::input::InputSource;
use crate::syntax::spec::Spec;

/// One graph input to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The input's name, by which batches hold it: `movie`, `history.movie`, `liked`.
    pub name: String,
    /// What it is read from.
    pub source: InputSource,
}

/// Finds what can be known of a data section before any file is touched: kinds of expressions, names of sources and
/// tables, what is not supported yet. `wants` are the inputs of the model's graph; none where the model has errors and so no
/// graph, and then every feature counts as read.
pub fn check(spec: &Spec, wants: Option<Vec<Want>>, diags: &mut Diags) {
    let every = || {
        let of = |name: &String| Want { name: name.clone(), source: InputSource::plain(name) };
        spec.features.iter().map(|feature| of(&feature.name.name)).collect()
    };
    let wants: Vec<Want> = wants.unwrap_or_else(every);
    plan::build(spec, &wants, diags);
}
