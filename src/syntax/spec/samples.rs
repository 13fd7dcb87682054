//! `samples:` and draws.

use super::{Named, Spanned, TimeSpec};
use crate::diag::Span;
use crate::expr::ast::{Expr, Ident};

/// `samples:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// `from:` a source.
    pub from: Ident,
    /// `per:`.
    pub per: Per,
    /// `join:`: source and our columns that hold its key.
    pub join: Vec<Join>,
    /// `time:`.
    pub time: Option<TimeSpec>,
    /// `labels:`.
    pub labels: Vec<Named<LabelSpec>>,
    /// `outcomes:` columns that can never be an input of their own row.
    pub outcomes: Vec<Ident>,
    /// `split:`.
    pub split: Option<Spanned<Split>>,
    /// `negatives:` extra rows with every label false.
    pub negatives: Option<DrawSpec>,
    /// `downsample:` of the train part.
    pub downsample: Option<Downsample>,
    /// `ties:`.
    pub ties: Ties,
    /// The whole entry.
    pub span: Span,
}

/// One sample per what.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Per {
    /// A row of the source.
    #[default]
    Row,
    /// A user: next item.
    User,
    /// Sliding windows of so many steps.
    Steps(u32),
}

/// A many-to-one join.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The joined source; has a `key`.
    pub source: Ident,
    /// Our column that holds its key.
    pub column: Ident,
    /// `missing: null | drop | error`.
    pub missing: JoinMissing,
}

/// A row whose key is not in the joined source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JoinMissing {
    /// Its columns are null; counted.
    #[default]
    Null,
    /// The row is left out; counted.
    Drop,
    /// An error with file and line.
    Error,
}

/// A label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelSpec {
    /// A boolean or number over raw columns.
    pub is: Expr,
    /// Seconds after the row's time before any history may show it.
    pub known_after: Option<f64>,
}

/// How samples are parted.
#[derive(Clone, Debug, PartialEq)]
pub enum Split {
    /// `{by: time, parts: [...]}`: fractions of rows in order of time; rows of one time stay together.
    Time(Vec<f64>),
    /// `{by: leave_one_out, of: user}`.
    LeaveOneOut(Ident),
    /// `{by: random, of: user, parts: [...], seed: 1}`; `of` keeps a user whole.
    Random {
        /// Column whose rows stay together.
        of: Option<Ident>,
        /// Fractions.
        parts: Vec<f64>,
        /// Seed of the draw.
        seed: u64,
    },
    /// `{train: EXPR, valid: EXPR, test: EXPR}`.
    Where(Vec<(Part, Expr)>),
    /// `{train: {from: a}, test: {from: b}}`.
    From(Vec<(Part, Ident)>),
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All fitting sees this part only.
    Train,
    /// Chooses settings and the best checkpoint.
    Valid,
    /// Read once.
    Test,
}

/// `negatives:` and `draw` axes.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawSpec {
    /// How many.
    pub n: u32,
    /// The group or feature drawn.
    pub of: Ident,
    /// `by: uniform | popularity`.
    pub by: DrawBy,
    /// Exponent of the counts.
    pub power: f64,
    /// Axes whose ids are excluded; the target always is.
    pub not_in: Vec<Ident>,
    /// Axes along which the draw is made anew.
    pub along: Vec<Ident>,
    /// Seed.
    pub seed: u64,
}

/// Weights of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawBy {
    /// All ids alike.
    Uniform,
    /// By train counts.
    Popularity,
}

/// `downsample:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Downsample {
    /// Which train rows.
    pub filter: Expr,
    /// The share kept; their loss is re-weighted by its inverse.
    pub keep: f64,
}

/// Events of the sample's own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// Left out of the history.
    #[default]
    Out,
    /// Those in earlier rows belong to it.
    RowOrder,
}
