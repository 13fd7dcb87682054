//! Data: files to batches. Sources are read once into provisional columns, fitted on the train part, and written as a column cache.

mod array;
mod container;
mod eval;
mod interner;
mod scratch;
mod source;
mod texts;
mod time;
mod zone;
