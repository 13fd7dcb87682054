//! What is to be read and computed, resolved from a spec before any file is touched.
//!
//! Names of columns are still only names here: which source has them is known when headers have been read (`bind`).

mod axis;
mod build;
mod draw;
mod feature;
mod time;

pub(crate) use build::build;
pub(crate) use draw::DrawPlan;

use super::source::Dialect;
use super::time::Clock;
use crate::diag::Span;
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::syntax::spec::{Downsample, Edges, JoinMissing, Missing, Part, Scale, Spanned, Ties};

/// The resolved data section, restricted to what the wanted inputs need.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) sources: Vec<SourcePlan>,
    pub(crate) samples: SamplesPlan,
    pub(crate) joins: Vec<JoinPlan>,
    pub(crate) vocabularies: Vec<VocabularyPlan>,
    /// For every table and every feature with rows of its own: which of the vocabularies it has.
    pub(crate) tables: Vec<(String, usize)>,
    pub(crate) features: Vec<FeaturePlan>,
    pub(crate) axes: Vec<AxisPlan>,
    pub(crate) draws: Vec<DrawPlan>,
    pub(crate) inputs: Vec<Input>,
    /// What is stored like inputs, but no graph reads: ids that are not to be drawn.
    pub(crate) hidden: Vec<InputValue>,
}

/// A source.
#[derive(Clone, Debug)]
pub(crate) struct SourcePlan {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) paths: Vec<Spanned<String>>,
    pub(crate) dialect: Dialect,
    pub(crate) key: Option<Ident>,
    pub(crate) filter: Option<Expr>,
    /// Its own, or that of the samples.
    pub(crate) time: Option<TimePlan>,
    /// Broken rows are counted instead of being errors.
    pub(crate) skip_broken: bool,
}

/// The column that says when a row happened.
#[derive(Clone, Debug)]
pub(crate) struct TimePlan {
    pub(crate) column: Ident,
    pub(crate) clock: Clock,
}

/// What a sample is.
#[derive(Clone, Debug)]
pub(crate) struct SamplesPlan {
    /// What a sample is one of.
    pub(crate) unit: Unit,
    /// Places among the sources. Rows are numbered through them in this order.
    pub(crate) sources: Vec<usize>,
    pub(crate) labels: Vec<LabelPlan>,
    /// Outcome columns that are inputs.
    pub(crate) outcomes: Vec<Ident>,
    pub(crate) split: SplitPlan,
    pub(crate) split_span: Span,
    pub(crate) downsample: Option<Downsample>,
    /// Which draw gives negatives, and how many a row.
    pub(crate) negatives: Option<(usize, u32)>,
    pub(crate) ties: Ties,
    /// Columns whose codes come with every batch: what metrics group by.
    pub(crate) keys: Vec<Ident>,
}

/// What a sample is one of.
#[derive(Clone, Debug)]
pub(crate) enum Unit {
    /// A row.
    Row,
    /// The last row that a user has in a part; its features are to be predicted, and everything before it is history.
    User {
        /// The column that says whose a row is.
        by: Ident,
        /// Every so many rows before the last one of the train part there is a sample too.
        step: Option<u32>,
    },
    /// The rows that a column puts together: a list whose elements are predicted side by side.
    List {
        /// The column.
        by: Ident,
    },
}

impl Unit {
    /// The column whose equal values make one sample.
    pub(crate) fn by(&self) -> Option<&Ident> {
        match self {
            Unit::Row => None,
            Unit::User { by, .. } | Unit::List { by } => Some(by),
        }
    }
}

/// A label.
#[derive(Clone, Debug)]
pub(crate) struct LabelPlan {
    pub(crate) name: Ident,
    pub(crate) is: Expr,
    pub(crate) known_after: f64,
}

/// How samples are parted.
#[derive(Clone, Debug)]
pub(crate) enum SplitPlan {
    /// All train.
    None,
    /// Fractions in order of (time, row); rows of one time stay together.
    Time(Vec<f64>),
    /// The last of each is test, the one before valid.
    LeaveOneOut(Ident),
    /// Fractions of the distinct values of a column, or of the rows.
    Random { of: Option<Ident>, parts: Vec<f64>, seed: u64 },
    /// A condition per part.
    Where(Vec<(Part, Expr)>),
    /// A source per part, parallel to the sources of the samples.
    From(Vec<Part>),
}

/// A many-to-one join.
#[derive(Clone, Debug)]
pub(crate) struct JoinPlan {
    pub(crate) source: usize,
    pub(crate) column: Ident,
    pub(crate) missing: JoinMissing,
}

/// A vocabulary, shared by every table that names it.
#[derive(Clone, Debug)]
pub(crate) struct VocabularyPlan {
    pub(crate) name: String,
    pub(crate) rule: Rule,
}

/// How a text becomes a row of a table; row 0 is the unknown and the null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Ids of the train part, in order of first appearance, if they are there so often.
    Counted { min_count: u32 },
    /// `1 + xxh3(id) % n`.
    Hash(u32),
    /// `1 + id`.
    Size(u32),
    /// Buckets of numbers: as many rows as the edges of its features need.
    Buckets,
}

/// A feature.
#[derive(Clone, Debug)]
pub(crate) struct FeaturePlan {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// One expression, or one per column of a vector.
    pub(crate) values: Vec<Expr>,
    pub(crate) form: Form,
    /// What stands in its place outside training.
    pub(crate) serve_as: Option<f64>,
}

/// What becomes of the values.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Id {
        vocabulary: usize,
    },
    Ids {
        vocabulary: usize,
        separator: Option<String>,
        max: Option<usize>,
    },
    /// Numbers side by side, scaled each by itself.
    Numbers {
        scale: Scale,
        missing: Missing,
    },
    Bucket {
        vocabulary: usize,
        edges: Edges,
    },
}

/// An axis.
#[derive(Clone, Debug)]
pub(crate) struct AxisPlan {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) origin: Origin,
    /// The newest so many.
    pub(crate) last: u32,
    /// Features wanted along it.
    pub(crate) features: Vec<usize>,
}

/// Where the elements of an axis come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Earlier rows of a source.
    Events {
        source: usize,
        by: Ident,
        filter: Option<Expr>,
        /// Seconds before the sample in which nothing is seen.
        delay: f64,
    },
    /// List columns of the sample's row.
    Lists {
        /// The raw column that an element stands in for, and the column that lists it.
        columns: Vec<(String, Ident)>,
        /// The column that lists times.
        times: Option<Ident>,
        newest_first: bool,
        separator: Option<String>,
    },
    /// The rows of the sample's list.
    List {
        by: Ident,
        /// The column that orders them; the order of the file without.
        order: Option<Ident>,
        /// Whether what is beyond `last` is left out, instead of being an error.
        cut: bool,
    },
    /// Runs of elements of another axis, which then stand under them.
    Visits {
        /// The axis whose elements they hold.
        of: usize,
        rule: Visit,
    },
    /// Drawn items.
    Draw {
        /// Which draw; none where nothing reads it, so that nothing is drawn.
        draw: Option<usize>,
        /// How many under each element of `along`, or of the sample.
        n: u32,
        along: Option<usize>,
    },
}

/// Where one visit ends and the next begins.
#[derive(Clone, Debug)]
pub(crate) enum Visit {
    /// After so many seconds without an event.
    Gap(f64),
    /// Where a column changes.
    Column(Ident),
}

impl Origin {
    /// The column by which a sample finds its elements among rows.
    pub(crate) fn by(&self) -> Option<&Ident> {
        match self {
            Origin::Events { by, .. } | Origin::List { by, .. } => Some(by),
            Origin::Lists { .. } | Origin::Visits { .. } | Origin::Draw { .. } => None,
        }
    }
}

/// An input of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) value: InputValue,
}

/// What an input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputValue {
    /// A feature of the sample.
    Sample {
        feature: usize,
    },
    /// A feature of each element of an axis.
    Element {
        axis: usize,
        feature: usize,
    },
    Label(usize),
    Outcome(usize),
    /// A label of each element of a list.
    LabelAlong {
        axis: usize,
        label: usize,
    },
    /// An outcome of each element of a list.
    OutcomeAlong {
        axis: usize,
        outcome: usize,
    },
    /// How many elements of the whole list have a positive label.
    Positives {
        axis: usize,
        label: usize,
    },
    /// The log probability of each drawn element.
    LogQ {
        axis: usize,
    },
    Weight,
}

impl FeaturePlan {
    /// Whether a value looks at the sample's time: along an axis of events it is then known only per pair of sample and event.
    pub(crate) fn looks_at_sample(&self) -> bool {
        self.values.iter().any(reads_sample_time)
    }

    /// How wide its numbers are.
    pub(crate) fn width(&self) -> usize {
        match &self.form {
            Form::Numbers { missing, .. } => self.values.len() + usize::from(missing.flag),
            Form::Id { .. } | Form::Ids { .. } | Form::Bucket { .. } => 1,
        }
    }
}

impl Plan {
    /// Features that samples need themselves.
    pub(crate) fn sample_features(&self) -> Vec<usize> {
        self.wanted(|value| match value {
            InputValue::Sample { feature } => Some(feature),
            _ => None,
        })
    }

    fn wanted(&self, pick: impl Fn(InputValue) -> Option<usize>) -> Vec<usize> {
        let values = self.inputs.iter().map(|input| input.value).chain(self.hidden.iter().copied());
        let mut found: Vec<usize> = values.filter_map(pick).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How many samples are made of each row that is one: itself, and its negatives.
    pub(crate) fn made_of_a_row(&self) -> u64 {
        self.samples.negatives.map_or(1, |(_, n)| 1 + u64::from(n))
    }

    /// How the events of an axis part into visits, if they do.
    pub(crate) fn visits_of(&self, axis: usize) -> Option<&Visit> {
        self.axes.iter().find_map(|visits| match &visits.origin {
            Origin::Visits { of, rule } if *of == axis => Some(rule),
            _ => None,
        })
    }

    /// Features that are drawn with an item.
    pub(crate) fn drawn_features(&self) -> impl Iterator<Item = usize> {
        self.draws.iter().flat_map(|draw| draw.features.iter().copied())
    }

    /// Whether a value is one of the inputs, or stored like one.
    pub(crate) fn holds(&self, value: InputValue) -> bool {
        self.inputs.iter().any(|input| input.value == value) || self.hidden.contains(&value)
    }

    /// Axes whose elements are rows of a source.
    pub(crate) fn axes_of(&self, place: usize) -> impl Iterator<Item = (usize, &AxisPlan)> {
        let here = move |origin: &Origin| match origin {
            Origin::Events { source, .. } => *source == place,
            Origin::List { .. } => self.samples.sources.contains(&place),
            Origin::Lists { .. } | Origin::Visits { .. } | Origin::Draw { .. } => false,
        };
        self.axes.iter().enumerate().filter(move |(_, axis)| here(&axis.origin))
    }
}

/// Whether an expression mentions `sample.time`.
pub(crate) fn reads_sample_time(expr: &Expr) -> bool {
    mentions(expr, "sample")
}

/// Whether an expression mentions `sample.time` or `step.time`.
pub(crate) fn reads_time(expr: &Expr) -> bool {
    mentions(expr, "sample") || mentions(expr, "step")
}

fn mentions(expr: &Expr, object: &str) -> bool {
    match &expr.kind {
        ExprKind::Member(inner, _) => matches!(&inner.kind, ExprKind::Name(name) if name == object),
        ExprKind::Unary(_, x) => mentions(x, object),
        ExprKind::Binary(_, a, b) => mentions(a, object) || mentions(b, object),
        ExprKind::If(a, b, c) => [a, b, c].into_iter().any(|x| mentions(x, object)),
        ExprKind::Call { args, .. } => args.iter().any(|arg| mentions(&arg.value, object)),
        ExprKind::List(list) => list.iter().any(|x| mentions(x, object)),
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Name(_) => false,
    }
}
