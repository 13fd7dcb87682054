//! A spec as typed, spanned data: what the file says, after `extends`, `let` and `--set`, before any name is resolved.

mod feature;
mod samples;
mod train;

pub use feature::*;
pub use samples::*;
pub use train::*;

use crate::diag::Span;
use crate::expr::ast::{Expr, Ident, Signature};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A named entry of a map; maps keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T> {
    /// The key.
    pub name: Ident,
    /// The value.
    pub value: T,
}

/// A whole spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// `name:`.
    pub name: Ident,
    /// `let:` constants; already substituted in every expression and number, kept for printing.
    pub lets: Vec<Named<Expr>>,
    /// `sources:`.
    pub sources: Vec<Named<SourceSpec>>,
    /// `samples:`.
    pub samples: Samples,
    /// `tables:`.
    pub tables: Vec<Named<TableSpec>>,
    /// `features:`, `C1..C26` already spread out.
    pub features: Vec<Named<FeatureSpec>>,
    /// `groups:` (the implicit group of a spread `C1..C26` included).
    pub groups: Vec<Named<Vec<Ident>>>,
    /// `axes:`.
    pub axes: Vec<Named<AxisSpec>>,
    /// `runs:`.
    pub runs: Vec<Named<RunSpec>>,
    /// `blocks:`: the spec's own, not the shipped library.
    pub blocks: Vec<BlockSpec>,
    /// `model:`.
    pub model: Vec<Named<Expr>>,
    /// `losses:`.
    pub losses: Vec<Named<Expr>>,
    /// `outputs:`.
    pub outputs: Vec<Named<Expr>>,
    /// `metrics:`.
    pub metrics: Vec<Named<Expr>>,
    /// `train:`.
    pub train: TrainSpec,
    /// The directory that relative paths start from.
    pub base: std::path::PathBuf,
    /// Names whose entry could not be read: declared, but left out above. The finding is made; later stages stay silent about them.
    pub broken: Vec<Ident>,
}

impl Spec {
    /// The column that says whose a row of the samples is, if the spec says so: that of a split by user, or the one by
    /// which an axis of earlier rows of the samples' own source goes.
    pub fn user_column(&self) -> Option<&Ident> {
        let of_axis = |axis: &'_ Named<AxisSpec>| match &axis.value.origin {
            AxisOrigin::From { from, .. } => from.name == self.samples.from.name,
            _ => false,
        };
        match self.samples.split.as_ref().map(|split| &split.value) {
            Some(Split::LeaveOneOut(of) | Split::Random { of: Some(of), .. }) => Some(of),
            _ => self.axes.iter().find(|axis| of_axis(axis)).and_then(|axis| match &axis.value.origin {
                AxisOrigin::From { by, .. } => Some(by),
                _ => None,
            }),
        }
    }

    /// Whether a sample is what comes next in a user's sequence, so that its own row is what is to be predicted. With
    /// `negatives`, rows are candidates like any others.
    pub fn is_next_item(&self) -> bool {
        self.samples.per != Per::Row && self.samples.negatives.is_none()
    }

    /// Whether a feature of the sample tells what a next-item sample is to predict: all do but those of the user.
    pub fn is_of_target(&self, feature: &Named<FeatureSpec>) -> bool {
        let column = feature.value.column.as_ref().unwrap_or(&feature.name);
        let plain = feature.value.value.is_none() && feature.value.columns.is_none();
        let of_user = feature.value.side.as_ref().is_some_and(|side| side.value == Side::User)
            || (plain && self.user_column().is_some_and(|user| user.name == column.name));
        self.is_next_item() && !of_user
    }
}

/// `path:` of a source: one or several files, globs or directories.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// Paths as written, relative to the spec's directory.
    pub paths: Vec<Spanned<String>>,
    /// `format:`; guessed from the name when absent.
    pub format: Option<Spanned<Format>>,
    /// `key:` a column that is unique (checked).
    pub key: Option<Ident>,
    /// `columns:` names for files without a header.
    pub columns: Option<Vec<Ident>>,
    /// `delimiter:` one character, or several, such as `::`.
    pub delimiter: Option<Spanned<String>>,
    /// `encoding:` a WHATWG label such as `latin1`; UTF-8 when absent.
    pub encoding: Option<Spanned<String>>,
    /// `missing:` texts that mean null; the empty text when absent.
    pub missing: Option<Vec<String>>,
    /// `where:` keeps only these rows.
    pub filter: Option<Expr>,
    /// `time:`.
    pub time: Option<TimeSpec>,
    /// `partition:` a column whose value stands in the path as `name=value`.
    pub partition: Option<Ident>,
    /// `on_error: fail | skip` a broken row.
    pub on_error: OnError,
    /// The whole entry.
    pub span: Span,
}

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text, quoted as RFC 4180.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// `label qid:1 1:0.5 ...`
    Libsvm,
    /// `user item item ...` a line.
    Sequences,
}

/// What a broken row does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Stop with file, line and what was expected.
    #[default]
    Fail,
    /// Leave the row out and count it.
    Skip,
}

/// `time:` of a source or of the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSpec {
    /// The column.
    pub column: Ident,
    /// `unit: s | ms | us | ns | day`; text dates when absent and the column is text.
    pub unit: Option<Spanned<String>>,
    /// `zone:` an IANA name.
    pub zone: Option<Spanned<String>>,
}

/// `axes:` one origin each.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisSpec {
    /// Where its elements come from.
    pub origin: AxisOrigin,
    /// The whole entry.
    pub span: Span,
}

/// Origins of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisOrigin {
    /// Strictly earlier events of a source.
    From {
        /// The source.
        from: Ident,
        /// The column that sample and event share.
        by: Ident,
        /// Which events.
        filter: Option<Expr>,
        /// The newest so many; all when absent.
        last: Option<Spanned<u32>>,
        /// Seconds that serving would not know yet.
        delay: f64,
    },
    /// List columns of the row itself.
    Columns {
        /// Feature (or `step.time`) and the column that lists it.
        columns: Vec<(Ident, Ident)>,
        /// `order: newest_first | oldest_first`.
        newest_first: bool,
        /// The newest so many.
        last: Spanned<u32>,
        /// `separator:` of list columns in text files.
        separator: Option<Spanned<String>>,
    },
    /// Visits inside another axis.
    Within {
        /// The axis.
        axis: Ident,
        /// Seconds of silence that end a visit.
        gap: Option<f64>,
        /// A column that names the visit.
        column: Option<Ident>,
        /// The newest so many visits.
        last: Option<Spanned<u32>>,
    },
    /// A list to re-rank.
    List {
        /// The column that groups rows.
        by: Ident,
        /// The column that orders them.
        order: Option<Ident>,
        /// Longest list.
        max: Spanned<u32>,
        /// Longer lists are cut instead of an error.
        cut: bool,
    },
    /// Drawn ids.
    Draw(DrawSpec),
}

/// `runs:` a value of another run's inference graph.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// The run directory.
    pub run: Spanned<String>,
    /// The value's name there.
    pub value: Ident,
    /// The axis along which it is computed.
    pub along: Option<Ident>,
}

/// `blocks:` an attention of one's own.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSpec {
    /// Name and parameters.
    pub signature: Signature,
    /// Local values in order; the one named `return` is the result.
    pub body: Vec<Named<Expr>>,
}
