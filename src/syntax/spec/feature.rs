//! `tables:` and `features:`.

use super::Spanned;
use crate::diag::Span;
use crate::expr::ast::{Expr, Ident};

/// `tables:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSpec {
    /// `dim:` width of a row.
    pub dim: Option<Spanned<u32>>,
    /// `of:` another table or feature whose vocabulary is shared.
    pub of: Option<Ident>,
    /// `min_count:` rarer ids share the unknown row.
    pub min_count: Option<Spanned<u32>>,
    /// `hash:` buckets instead of a vocabulary.
    pub hash: Option<Spanned<u32>>,
    /// `size:` ids are the integers below it.
    pub size: Option<Spanned<u32>>,
    /// `init: normal(0.01) | uniform(a) | zeros`.
    pub init: Option<Expr>,
    /// `l2:` factor of the squared rows of the batch.
    pub l2: Option<f64>,
    /// `from:` vectors of a file.
    pub from: Option<Vectors>,
    /// `train: frozen | tuned | {after: 1 epoch}`.
    pub train: Option<Spanned<Tuning>>,
    /// The whole entry.
    pub span: Span,
}

/// Pre-trained vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// File, relative to the spec.
    pub path: Spanned<String>,
    /// Column of ids.
    pub key: Ident,
    /// Column of vectors, or several columns of numbers.
    pub columns: Vec<Ident>,
    /// `missing: mean | zeros`.
    pub missing_mean: bool,
}

/// Whether a table is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// Never.
    Frozen,
    /// From the start.
    Tuned,
    /// From this epoch on.
    AfterEpochs(u32),
}

/// `features:`.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSpec {
    /// `type:`.
    pub kind: Spanned<FeatureKind>,
    /// `column:`; the feature's name when absent.
    pub column: Option<Ident>,
    /// `columns:` of a vector.
    pub columns: Option<Vec<Ident>>,
    /// `value:` an expression over raw columns.
    pub value: Option<Expr>,
    /// `side:`.
    pub side: Option<Spanned<Side>>,
    /// `table:` a shared one.
    pub table: Option<Ident>,
    /// The table keys written on the feature itself: `dim`, `min_count`, `hash`, `size`, `init`.
    pub own_table: TableSpec,
    /// `separator:` of several values in one text.
    pub separator: Option<Spanned<String>>,
    /// `pool: mean | sum | none` of several values.
    pub pool: Pool,
    /// `max:` values kept of several.
    pub max: Option<Spanned<u32>>,
    /// `scale:` of a number.
    pub scale: Scale,
    /// `edges:` of a bucket: a count (quantiles of the train part) or the edges themselves.
    pub edges: Option<Spanned<Edges>>,
    /// `missing: {fill: mean, flag: true}` of a number.
    pub missing: Missing,
    /// `serve_as:` constant value in evaluation and serving.
    pub serve_as: Option<Spanned<f64>>,
    /// The whole entry.
    pub span: Span,
}

/// Kinds of feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// One id.
    Id,
    /// Several ids.
    Ids,
    /// A number, one wide (two with a missing flag).
    Number,
    /// A number cut into ids.
    Bucket,
    /// Several numbers.
    Vector,
}

/// Who carries the feature in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The request's user.
    User,
    /// Each candidate.
    Item,
    /// The request itself.
    Context,
}

/// How several values become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    /// Their mean; zeros of none.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Kept as an axis.
    None,
}

/// How a number is scaled; statistics are of the train part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// As it is.
    #[default]
    None,
    /// `(x - mean) / std`.
    Zscore,
    /// `(x - min) / (max - min)`.
    Minmax,
}

/// Edges of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub enum Edges {
    /// So many buckets with edges at quantiles of the train part.
    Count(u32),
    /// These edges; n edges make n + 1 buckets.
    At(Vec<f64>),
}

/// A number that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Missing {
    /// What stands in its place; none: zero.
    pub fill: Fill,
    /// A second column, 1 where it was missing.
    pub flag: bool,
}

/// What stands for a missing number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// Mean of the train part.
    Mean,
    /// This number (before scaling).
    Value(f64),
}

impl Default for Fill {
    fn default() -> Self {
        Fill::Value(0.0)
    }
}
