//! Attributes of an operation: what it is told besides its operands.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::axis::AxisId;
use super::graph::Graph;
use super::op::Fault;

/// One attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    /// `true`, `false`.
    Bool(bool),
    /// A count or a place.
    Int(i64),
    /// A factor.
    Float(f64),
    /// A name, such as the path of a random stream.
    Text(String),
    /// Axes: what is reduced, expanded to, made.
    Axes(Vec<AxisId>),
    /// Several numbers.
    List(Vec<f64>),
    /// A graph of its own, with axes of its own: what `scan` does at each step. It is an attribute, and not a field of the
    /// node, so that whoever carries attributes (copies, passes, executors) carries it too.
    Body(Arc<Graph>),
}

/// What an operation says about one of its attributes; every declared attribute must be given.
pub type Declared = (&'static str, AttrKind);

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrKind {
    /// [`Attr::Bool`].
    Bool,
    /// [`Attr::Int`].
    Int,
    /// [`Attr::Float`]; a whole number is written as a float too.
    Float,
    /// [`Attr::Text`].
    Text,
    /// [`Attr::Axes`] of exactly one.
    Axis,
    /// [`Attr::Axes`], also none.
    Axes,
    /// [`Attr::List`].
    List,
    /// [`Attr::Body`].
    Body,
}

/// Attributes by name, printed in order of name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attrs(BTreeMap<&'static str, Attr>);

impl Attrs {
    /// No attributes.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: &'static str, attr: impl Into<Attr>) -> Self {
        self.0.insert(name, attr.into());
        self
    }

    /// The attribute of a name.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.0.get(name)
    }

    /// Whether these are the attributes that an operation declares: each once, of its kind, and no other.
    pub fn check(&self, op: &str, declared: &[Declared]) -> Result<(), Fault> {
        for (name, _) in self.iter() {
            if !declared.iter().any(|&(known, _)| known == name) {
                return Err(Fault::new("E0311", format!("`{op}` has no attribute `{name}`")));
            }
        }
        for &(name, kind) in declared {
            if !self.get(name).is_some_and(|attr| kind.holds(attr)) {
                let title = format!("`{op}` needs an attribute `{name}`, {}", kind.word());
                return Err(Fault::new("E0311", title));
            }
        }
        Ok(())
    }

    /// A count; 0 if it is absent or of another kind, which [`Attrs::check`] rules out where a node is added.
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Attr::Int(value)) => *value,
            _ => 0,
        }
    }

    /// A factor; 0 if absent.
    pub fn float(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Attr::Float(value)) => *value,
            _ => 0.0,
        }
    }

    /// A flag; false if absent.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Attr::Bool(true)))
    }

    /// A text; empty if absent.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Attr::Text(text)) => text,
            _ => "",
        }
    }

    /// Axes; none if absent.
    pub fn axes(&self, name: &str) -> &[AxisId] {
        match self.get(name) {
            Some(Attr::Axes(axes)) => axes,
            _ => &[],
        }
    }

    /// One axis: the first of [`Attrs::axes`].
    pub fn axis(&self, name: &str) -> Option<AxisId> {
        self.axes(name).first().copied()
    }

    /// A graph of the node's own; none if absent.
    pub fn body(&self, name: &str) -> Option<&Arc<Graph>> {
        match self.get(name) {
            Some(Attr::Body(body)) => Some(body),
            _ => None,
        }
    }

    /// Every attribute in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Attr)> {
        self.0.iter().map(|(name, attr)| (*name, attr))
    }

    /// The same attributes with every axis replaced, for a copy into another graph.
    #[must_use]
    pub fn map_axes(&self, map: &mut dyn FnMut(AxisId) -> AxisId) -> Self {
        let mapped = self.0.iter().map(|(name, attr)| match attr {
            Attr::Axes(axes) => (*name, Attr::Axes(axes.iter().map(|&axis| map(axis)).collect())),
            other => (*name, other.clone()),
        });
        Self(mapped.collect())
    }
}

impl AttrKind {
    /// Whether an attribute is of this kind.
    pub fn holds(self, attr: &Attr) -> bool {
        match (self, attr) {
            (AttrKind::Bool, Attr::Bool(_))
            | (AttrKind::Int, Attr::Int(_))
            | (AttrKind::Float, Attr::Float(_))
            | (AttrKind::Text, Attr::Text(_))
            | (AttrKind::Axes, Attr::Axes(_))
            | (AttrKind::List, Attr::List(_))
            | (AttrKind::Body, Attr::Body(_)) => true,
            (AttrKind::Axis, Attr::Axes(axes)) => axes.len() == 1,
            _ => false,
        }
    }

    /// What errors call it.
    pub fn word(self) -> &'static str {
        match self {
            AttrKind::Bool => "`true` or `false`",
            AttrKind::Int => "a whole number",
            AttrKind::Float => "a number",
            AttrKind::Text => "a quoted text",
            AttrKind::Axis => "an axis",
            AttrKind::Axes => "a list of axes",
            AttrKind::List => "a list of numbers",
            AttrKind::Body => "a body",
        }
    }
}

impl From<bool> for Attr {
    fn from(value: bool) -> Self {
        Attr::Bool(value)
    }
}

impl From<u32> for Attr {
    fn from(value: u32) -> Self {
        Attr::Int(i64::from(value))
    }
}

impl From<i64> for Attr {
    fn from(value: i64) -> Self {
        Attr::Int(value)
    }
}

impl From<f64> for Attr {
    fn from(value: f64) -> Self {
        Attr::Float(value)
    }
}

impl From<&str> for Attr {
    fn from(value: &str) -> Self {
        Attr::Text(value.to_owned())
    }
}

impl From<AxisId> for Attr {
    fn from(value: AxisId) -> Self {
        Attr::Axes(vec![value])
    }
}

impl From<Vec<AxisId>> for Attr {
    fn from(value: Vec<AxisId>) -> Self {
        Attr::Axes(value)
    }
}

impl From<Vec<f64>> for Attr {
    fn from(value: Vec<f64>) -> Self {
        Attr::List(value)
    }
}

impl From<Arc<Graph>> for Attr {
    fn from(value: Arc<Graph>) -> Self {
        Attr::Body(value)
    }
}
