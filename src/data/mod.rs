//! Data: files to batches. Sources are read once into provisional columns, fitted on the train part, and written as a column cache.

mod array;
mod bind;
mod container;
mod eval;
mod interner;
mod join;
mod plan;
mod rows;
mod scratch;
mod source;
mod texts;
mod time;
mod zone;

use crate::ir::input::InputSource;

/// One graph input to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The input's name, by which batches hold it: `movie`, `history.movie`, `liked`.
    pub name: String,
    /// What it is read from.
    pub source: InputSource,
}
