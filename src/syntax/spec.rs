//! A spec as typed, spanned data: what the file says, after `extends`, `let` and `--set`, before any name is resolved.

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
    /// `delimiter:` one character.
    pub delimiter: Option<Spanned<char>>,
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
        /// The newest so many.
        last: Spanned<u32>,
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

/// `train:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSpec {
    /// Samples a step.
    pub batch: u32,
    /// Passes over the train part.
    pub epochs: u32,
    /// `optimizer:`.
    pub optimizer: OptimizerSpec,
    /// `shuffle: rows | none`.
    pub shuffle: bool,
    /// `validate: 5000 steps`; an epoch when absent.
    pub validate: Option<u64>,
    /// `monitor:` a metric, or `loss`.
    pub monitor: Option<Ident>,
    /// Validations without a better value before stopping.
    pub patience: Option<u32>,
    /// Largest global gradient norm.
    pub clip: Option<f64>,
    /// Seed of initial values, shuffles, dropout and draws.
    pub seed: u64,
    /// `init: {run: ..., vocabulary: grow}`.
    pub init: Option<InitSpec>,
    /// The whole entry.
    pub span: Span,
}

/// `optimizer:`.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerSpec {
    /// `dense: adam | adamw | sgd | adagrad`.
    pub dense: Spanned<String>,
    /// `tables: lazy_adam | adam | adagrad | sgd`.
    pub tables: Spanned<String>,
    /// Learning rate.
    pub lr: f64,
    /// Learning rate of the tables; `lr` when absent.
    pub tables_lr: Option<f64>,
    /// `schedule: constant | {warmup: n, decay: linear | cosine, to: 0.1}` and the like.
    pub schedule: Schedule,
    /// Decoupled for adamw; added to the gradient of the dense part otherwise.
    pub weight_decay: f64,
    /// Momentum of sgd.
    pub momentum: f64,
    /// First moment.
    pub beta1: f64,
    /// Second moment.
    pub beta2: f64,
    /// Added to the root.
    pub eps: f64,
}

/// Learning rate over steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps of linear rise from 0.
    pub warmup: u64,
    /// What follows.
    pub decay: Decay,
    /// The factor reached at the end of a decay.
    pub to: f64,
}

/// Forms of decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// None.
    Constant,
    /// Linear to the last step.
    Linear,
    /// Half a cosine to the last step.
    Cosine,
    /// Times a factor every epoch.
    Exponential(f64),
}

/// Start from another run.
#[derive(Clone, Debug, PartialEq)]
pub struct InitSpec {
    /// The run directory.
    pub run: Spanned<String>,
    /// New ids get rows of their own.
    pub grow: bool,
}
