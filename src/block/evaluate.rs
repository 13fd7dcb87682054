//! Evaluates expressions: what is known is computed, the rest becomes nodes of the graph. Blocks of the language are expanded
//! where they are called, so the graph holds primitives only.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::{Init, Role, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::item::Item;
use super::library::Library;
use super::path::Paths;

/// Most expressions that are evaluated for one spec, blocks expanded: blocks that call blocks twice grow without limit.
const MAX_STEPS: usize = 200_000;

/// The finding has been made; what depends on it stays silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said;

/// The names of the spec around the blocks.
pub trait Outer {
    /// What a name stands for; none if a finding has been made about it.
    ///
    /// # Errors
    /// The value cannot be made.
    fn name(&mut self, to: &mut Builder, name: &str) -> Result<Option<Item>, Fault>;

    /// What `axis.member` stands for; none as above.
    ///
    /// # Errors
    /// As above.
    fn member(&mut self, to: &mut Builder, axis: AxisId, member: &str) -> Result<Option<Item>, Fault>;

    /// The parameter behind a table's name.
    fn table(&self, name: &str) -> Option<TableParam>;
}

/// A table as the graph sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableParam {
    /// The vocabulary whose ids have rows in it.
    pub vocabulary: String,
    /// Width of a row.
    pub dim: u32,
    /// First values.
    pub init: Init,
    /// Trained by rows, or frozen.
    pub role: Role,
}

/// One block call around what is being evaluated.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) locals: BTreeMap<String, Item>,
    /// The block's name.
    pub(super) block: String,
    /// Where it is called.
    pub(super) call: Span,
    /// Whether the block is of the shipped library.
    pub(super) shipped: bool,
}

/// The state of an evaluation.
pub struct Evaluator<'a> {
    /// The graph.
    pub to: Builder,
    /// The names of the spec.
    pub outer: &'a mut dyn Outer,
    /// Paths of parameters.
    pub paths: Paths,
    /// Every function.
    pub library: &'a Library,
    /// Findings.
    pub diags: &'a mut Diags,
    pub(super) frames: Vec<Frame>,
    /// Axes that expressions have made, by name: of the spec itself, then of each block around what is evaluated.
    pub(super) made_axes: Vec<BTreeMap<String, AxisId>>,
    /// Values of the spec that have been evaluated.
    values: BTreeMap<String, Item>,
    /// Values by the place of the expression that gave them, outside blocks.
    pub(super) trace: BTreeMap<Place, ValueId>,
    /// Values that have the name the spec has for them.
    pub(super) named: BTreeSet<ValueId>,
    /// Rows of tables by ids and table.
    pub(super) looked_up: BTreeMap<(ValueId, String), ValueId>,
    /// Values of groups by path.
    pub(super) groups: BTreeMap<String, ValueId>,
    steps: usize,
}

pub(super) type Place = (crate::diag::FileId, u32, u32);

impl<'a> Evaluator<'a> {
    /// An evaluation that adds to `to`.
    pub fn new(
        to: Builder,
        outer: &'a mut dyn Outer,
        paths: Paths,
        library: &'a Library,
        diags: &'a mut Diags,
    ) -> Self {
        Self {
            to,
            outer,
            paths,
            library,
            diags,
            frames: Vec::new(),
            made_axes: vec![BTreeMap::new()],
            values: BTreeMap::new(),
            trace: BTreeMap::new(),
            named: BTreeSet::new(),
            looked_up: BTreeMap::new(),
            groups: BTreeMap::new(),
            steps: 0,
        }
    }

    /// Evaluates an expression of the spec as the value `name`: its nodes are named in it, the result by it.
    ///
    /// # Errors
    /// A finding has been made.
    pub fn value(&mut self, name: &str, expr: &Expr) -> Result<Item, Said> {
        self.open(name);
        let path = self.paths.value().to_owned();
        let item = self.expr(expr)?;
        self.give_name(&item, &path);
        Ok(item)
    }

    /// From now on nodes and parameters are named in the value `name`.
    pub fn open(&mut self, name: &str) {
        self.paths.enter_value(name);
        self.to.enter(self.paths.value());
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// A finding has been made.
    pub fn expr(&mut self, expr: &Expr) -> Result<Item, Said> {
        self.steps += 1;
        if self.steps == MAX_STEPS {
            // The call in the spec itself says more than the block that happens to be the last.
            let at = self.frames.first().map_or(expr.span, |frame| frame.call);
            let finding = Diagnostic::new("E0350", "the model is too large: blocks multiply each other");
            let help = "a block that calls another one twice doubles it at every level";
            self.diags.push(finding.at(at, "").help(help));
        }
        if self.steps >= MAX_STEPS {
            return Err(Said);
        }
        let before = self.to.locate(expr.span);
        let item = self.kind(expr);
        self.to.locate(before);
        if let Some(value) = item.as_ref().ok().and_then(Item::raw) {
            self.note(expr.span, value);
        }
        item
    }

    /// Remembers what the expression at a place gave, outside blocks, where a place has one meaning.
    pub(super) fn note(&mut self, span: Span, value: ValueId) {
        if self.frames.is_empty() {
            self.trace.insert(place(span), value);
        }
    }

    fn kind(&mut self, expr: &Expr) -> Result<Item, Said> {
        match &expr.kind {
            ExprKind::Number(value) => Ok(Item::Number(*value)),
            ExprKind::Text(text) => Ok(Item::Text(text.clone())),
            ExprKind::Bool(value) => Ok(Item::Bool(*value)),
            ExprKind::Null => Ok(Item::Null),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Member(base, member) => self.member(base, member, expr.span),
            ExprKind::Call { callee, args, .. } => self.call(callee, args, expr.span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, expr.span),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::If(condition, yes, no) => self.choose(condition, yes, no, expr.span),
            ExprKind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
                items.into_iter().collect::<Result<_, _>>().map(Item::List)
            }
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Item, Said> {
        if let Some(frame) = self.frames.last() {
            return frame.locals.get(name).cloned().ok_or(Said);
        }
        if let Some(item) = self.values.get(name) {
            return Ok(item.clone());
        }
        let found = self.outer.name(&mut self.to, name);
        self.placed(found, span, &[])?.ok_or(Said)
    }

    /// From now on `name` stands for an item in the spec itself.
    pub fn define(&mut self, name: &str, item: Item) {
        self.values.insert(name.to_owned(), item);
    }

    /// The local value of a name, inside a block.
    pub(super) fn local(&self, name: &str) -> Option<&Item> {
        self.frames.last().and_then(|frame| frame.locals.get(name))
    }

    fn member(&mut self, base: &Expr, member: &Ident, span: Span) -> Result<Item, Said> {
        match self.expr(base)? {
            Item::Axis(axis) => {
                let found = self.outer.member(&mut self.to, axis, &member.name);
                self.placed(found, span, &[])?.ok_or(Said)
            }
            Item::Record(fields) => match fields.iter().find(|(name, _)| *name == member.name) {
                Some((_, item)) => Ok(item.clone()),
                None => {
                    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                    let title = format!("no `{}` here, only {}", member.name, crate::diag::near::list(&names, "and"));
                    Err(self.say(Diagnostic::new("E0201", title).at(member.span, "")))
                }
            },
            other => {
                let found = other.describe(self.to.graph());
                let title = format!("expected an axis or a record before `.{}`, found {found}", member.name);
                Err(self.say(Diagnostic::new("E0302", title).at(base.span, found)))
            }
        }
    }

    /// `if(condition, yes, no)`: a known condition takes one side and leaves the other unevaluated.
    fn choose(&mut self, condition: &Expr, yes: &Expr, no: &Expr, span: Span) -> Result<Item, Said> {
        match self.expr(condition)? {
            Item::Bool(true) => self.expr(yes),
            Item::Bool(false) => self.expr(no),
            item => {
                let (a, b) = (self.expr(yes), self.expr(no));
                let operands = [
                    self.condition(item, condition.span)?,
                    self.number_value(a?, yes.span)?,
                    self.number_value(b?, no.span)?,
                ];
                let made = make::choose(&mut self.to, operands[0], operands[1], operands[2]);
                let spans = [condition.span, yes.span, no.span];
                self.placed(made, span, &spans).map(Item::Value)
            }
        }
    }

    /// Gives the value of the graph behind an item the name that the spec has for it, unless it has a better one.
    pub fn give_name(&mut self, item: &Item, path: &str) {
        let Some(value) = item.raw() else { return };
        let old = &self.to.graph().value(value).name;
        let inner = old.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        if !path.is_empty() && (inner || !self.named.contains(&value)) {
            self.to.rename(value, path);
            self.named.insert(value);
        }
    }

    /// The value that the expression at a place gave, outside blocks.
    pub fn traced(&self, span: Span) -> Option<ValueId> {
        self.trace.get(&place(span)).copied()
    }

    /// A known number as a value of the graph, which has single precision.
    pub(super) fn constant(&mut self, value: f64) -> Result<ValueId, Fault> {
        if !(value as f32).is_finite() {
            let number = crate::expr::print::number(value);
            return Err(Fault::new("E0314", format!("`{number}` is no finite number of single precision")));
        }
        make::constant(&mut self.to, value, 1)
    }
}

fn place(span: Span) -> Place {
    (span.file, span.start, span.end)
}
