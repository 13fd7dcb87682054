//! Why a step could not be computed.

use crate::ir::rows::RowsError;

/// A step that did not happen; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The batch does not bring a value that the graph reads.
    #[error("the batch has no values for input `{0}`")]
    MissingInput(String),
    /// Values of another kind or number than the input's type says.
    #[error("input `{name}` needs {expected} values of {kind}, found {found}")]
    WrongInput {
        /// The input.
        name: String,
        /// Rows times width.
        expected: usize,
        /// `f32` or `u32`.
        kind: &'static str,
        /// How many and of what.
        found: String,
    },
    /// An id beyond its table.
    #[error("`{name}` has id {id}, but table `{table}` has {rows} rows")]
    IdOutOfRange {
        /// The value that holds it.
        name: String,
        /// The id.
        id: u32,
        /// The table.
        table: String,
        /// Its rows.
        rows: usize,
    },
    /// A parameter of the graph that the weights lack, or of another size.
    #[error("the weights hold no `{0}` of the size that the graph needs")]
    MissingWeight(String),
    /// A value that must be known before the step is not.
    #[error("`{0}` decides the size of an axis but is not known before the step")]
    NotKnown(String),
    /// A loss is NaN or infinite; no parameter has changed.
    #[error("loss `{0}` is not a finite number")]
    NotFinite(String),
    /// The axes of the batch.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// Candle.
    #[error("`{node}`: {source}")]
    Candle {
        /// The value being computed.
        node: String,
        /// What Candle said.
        source: candle_core::Error,
    },
    /// The device.
    #[error("{0}")]
    Device(String),
}
