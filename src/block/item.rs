//! What an expression gives: a value of the graph, or something that is known before there is a graph.

use crate::ir::axis::AxisId;
use crate::ir::graph::{Graph, Init, ValueId};

/// The result of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An axis.
    Axis(AxisId),
    /// `true`, `false`, or a comparison of known things.
    Bool(bool),
    /// Rows of a loss of which only some count.
    Counted {
        /// One number a row.
        value: ValueId,
        /// Which rows are part of the mean.
        counts: ValueId,
    },
    /// A function by its name: `activation=dice`.
    Function(String),
    /// Features side by side.
    Group(Group),
    /// Ids, which become numbers by their table where numbers are needed.
    Ids(Ids),
    /// The first value of a parameter: `init=normal(0.01)`.
    Init(Init),
    /// A label or an outcome: a number, or NaN where it is not known.
    Label(ValueId),
    /// `[200, 80]`.
    List(Vec<Item>),
    /// `null`.
    Null,
    /// A number.
    Number(f64),
    /// Rows for the places of an axis, as wide as what they are added to.
    Positions(Positions),
    /// Several values by name: `masked.tokens`.
    Record(Vec<(String, Item)>),
    /// A score for every row of a table.
    Scores(Scores),
    /// A text or a word: `weights=softmax`.
    Text(String),
    /// A value of the graph.
    Value(ValueId),
    /// The word `width` in the place of an axis.
    Width,
}

/// Places of an axis that become rows once their width is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Positions {
    /// The axis.
    pub axis: AxisId,
    /// Whether the newest element has place 0.
    pub from_end: bool,
    /// Sines and cosines instead of trained rows.
    pub sinusoid: bool,
    /// First values of trained rows.
    pub init: Init,
    /// The path of the parameter.
    pub path: String,
}

/// A score for every candidate: a hidden row against each row of a table. Kept apart until it is known what is asked of
/// them, since most of what is asked never needs all scores at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// What is scored.
    pub hidden: ValueId,
    /// Every row of the table.
    pub rows: ValueId,
    /// One number for each row of the table.
    pub bias: Option<ValueId>,
    /// The table.
    pub table: String,
    /// Its vocabulary.
    pub vocabulary: String,
}

/// Several features that stand side by side where numbers are needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `item`, `history.item`: also the name of the value.
    pub path: String,
    /// Its members.
    pub members: Vec<Item>,
}

/// Ids of the graph and how they become numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ids {
    /// The ids.
    pub value: ValueId,
    /// The table that `f(ids)` reads where `f` takes numbers.
    pub table: String,
    /// The axis of several ids, if there are several, and how their rows become one.
    pub bag: Option<(AxisId, Pooling)>,
}

/// How the rows of several ids become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// Not at all: the axis stays.
    None,
}

impl Item {
    /// The value of the graph behind it, as it is: ids stay ids.
    pub fn raw(&self) -> Option<ValueId> {
        match self {
            Item::Value(value) | Item::Label(value) | Item::Counted { value, .. } => Some(*value),
            Item::Ids(ids) => Some(ids.value),
            _ => None,
        }
    }

    /// What errors call it: a kind, or the type of a value.
    pub fn describe(&self, graph: &Graph) -> String {
        match self {
            Item::Axis(axis) => format!("the axis `{}`", graph.axis(*axis).name),
            Item::Bool(value) => format!("`{value}`"),
            Item::Function(name) => format!("the function `{name}`"),
            Item::Group(group) => format!("the group `{}`", group.path),
            Item::Counted { .. } | Item::Ids(_) | Item::Label(_) | Item::Value(_) => match self.raw() {
                Some(value) => graph.axes().show(graph.ty(value)),
                None => String::new(),
            },
            Item::Init(_) => "a first value".to_owned(),
            Item::List(_) => "a list".to_owned(),
            Item::Null => "`null`".to_owned(),
            Item::Number(number) => crate::expr::print::number(*number),
            Item::Record(fields) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                format!("a record of {}", crate::diag::near::list(&names, "and"))
            }
            Item::Positions(_) => "positions whose width is not known".to_owned(),
            Item::Scores(scores) => format!("scores of every `{}`", scores.vocabulary),
            Item::Text(text) => format!("the text \"{text}\""),
            Item::Width => "the word `width`".to_owned(),
        }
    }
}
