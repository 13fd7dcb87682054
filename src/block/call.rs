//! Calls: arguments are evaluated and converted, a native function adds its nodes, a block is expanded in a scope of its own.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{Arg, Expr, ExprKind, Ident};
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;

use super::evaluate::{Evaluator, Frame, Said};
use super::item::Item;
use super::library::{Block, Function};
use super::signature::{Default, Kind, Slot, bind, usage, word};
use super::{Native, init};

/// Most blocks inside each other.
const MAX_DEPTH: usize = 64;

/// A call of a native function: what it is told, and where it adds its nodes.
pub struct Call<'c, 'a> {
    /// The evaluation.
    pub at: &'c mut Evaluator<'a>,
    /// The name it is called by.
    pub name: &'static str,
    /// Where it is called.
    pub span: Span,
    /// `share=`.
    pub share: Option<String>,
    /// Arguments by parameter.
    pub(super) args: Vec<Item>,
}

impl<'a> Evaluator<'a> {
    /// A call in an expression.
    pub(super) fn call(&mut self, callee: &Ident, args: &[Arg], span: Span) -> Result<Item, Said> {
        let name = match self.local(&callee.name) {
            Some(Item::Function(name)) => name.clone(),
            // A rate may well be called `dropout`: what is called is a function.
            Some(_) if self.library.knows(&callee.name) => callee.name.clone(),
            Some(other) => {
                let found = other.describe(self.to.graph());
                let finding = Diagnostic::new("E0302", format!("`{}` is no function, but {found}", callee.name));
                return Err(self.say(finding.at(callee.span, "")));
            }
            None => callee.name.clone(),
        };
        let library = self.library;
        let function = library.find(&name).ok_or(Said)?;
        let slots = library.slots(&name).unwrap_or_default();
        let bound = match bind(callee, &slots, args, span) {
            Ok(bound) => bound,
            Err(findings) => {
                findings.into_iter().for_each(|finding| {
                    self.say(finding);
                });
                return Err(Said);
            }
        };
        let mut items = Vec::with_capacity(slots.len());
        let mut spans = Vec::with_capacity(slots.len());
        let mut step = None;
        for (slot, args) in slots.iter().zip(&bound) {
            let item = match slot.kind {
                Kind::Passed => self.passed(step.as_deref(), args).map(Some),
                _ => self.argument(slot, args),
            };
            if let (Kind::Step, Ok(Some(Item::Function(name)))) = (slot.kind, &item) {
                step = Some(name.clone());
            }
            items.push(item);
            spans.push(args.first().map_or(span, |arg| arg.value.span));
        }
        let items = items.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.run(function, items, span, &spans)
    }

    /// Calls a function of one value by name: an activation.
    pub(super) fn apply(&mut self, name: &str, x: ValueId, span: Span) -> Result<Item, Said> {
        self.apply_with(name, vec![Item::Value(x)], &[], span)
    }

    /// Calls a function by name with its first arguments, and others by name.
    pub(super) fn apply_with(
        &mut self,
        name: &str,
        first: Vec<Item>,
        named: &[(String, Item)],
        span: Span,
    ) -> Result<Item, Said> {
        let library = self.library;
        let function = library.find(name).ok_or(Said)?;
        let slots = library.slots(name).unwrap_or_default();
        let given = first.len();
        let takes = slots.iter().filter(|slot| !slot.named_only).count();
        if given > takes {
            let title = format!("`{name}` takes {takes} values, and {given} are given");
            let finding = Diagnostic::new("E0310", title).at(span, "");
            return Err(self.say(finding.help(format!("it is `{}`", usage(name, &slots)))));
        }
        let mut items = Vec::with_capacity(slots.len());
        for (slot, item) in slots.iter().zip(first) {
            let item = self.convert(item, slot.kind, span)?;
            items.push(Some(if slot.many { Item::List(vec![item]) } else { item }));
        }
        for slot in slots.iter().skip(given) {
            let item = named.iter().find(|(name, _)| *name == slot.name).map(|(_, item)| item.clone());
            if item.is_none() && slot.required {
                let title = format!("`{name}` needs `{}`", slot.name);
                let finding = Diagnostic::new("E0310", title).at(span, "");
                return Err(self.say(finding.help(format!("it is `{}`", usage(name, &slots)))));
            }
            items.push(item);
        }
        let spans = vec![span; items.len()];
        self.run(function, items, span, &spans)
    }

    /// Arguments for the function `step`, each as that takes it.
    fn passed(&mut self, step: Option<&str>, args: &[&Arg]) -> Result<Item, Said> {
        let slots = step.and_then(|step| self.library.slots(step)).unwrap_or_default();
        let mut fields = Vec::new();
        for arg in args {
            let Some(name) = &arg.name else { continue };
            let Some(slot) = slots.iter().find(|slot| slot.name == name.name) else {
                let step = step.unwrap_or_default();
                let title = format!("`{step}` has no argument `{}`", name.name);
                return Err(self.say(Diagnostic::new("E0312", title).at(name.span, "")));
            };
            fields.push((name.name.clone(), self.one_argument(slot.kind, &arg.value)?));
        }
        Ok(Item::Record(fields))
    }

    /// The argument of a slot; none where the call leaves it out.
    fn argument(&mut self, slot: &Slot, args: &[&Arg]) -> Result<Option<Item>, Said> {
        if slot.many {
            let items: Vec<_> = args.iter().map(|arg| self.one_argument(slot.kind, &arg.value)).collect();
            return items.into_iter().collect::<Result<_, _>>().map(|items| Some(Item::List(items)));
        }
        if slot.kind == Kind::Lengths {
            let fields = args.iter().filter_map(|arg| Some((arg.name.as_ref()?.name.clone(), &arg.value)));
            let fields = fields.map(|(name, value)| Ok((name, self.one_argument(slot.kind, value)?)));
            return fields.collect::<Result<Vec<_>, Said>>().map(|fields| Some(Item::Record(fields)));
        }
        args.first().map(|arg| self.one_argument(slot.kind, &arg.value)).transpose()
    }

    fn one_argument(&mut self, kind: Kind, expr: &Expr) -> Result<Item, Said> {
        let local = kind != Kind::Name && matches!(&expr.kind, ExprKind::Name(name) if self.local(name).is_some());
        let item = match (kind, word(expr)) {
            (Kind::NewAxis, Some(word)) => Item::Text(word.to_owned()),
            (Kind::Axis | Kind::Axes | Kind::Over, _) => self.axes_of(expr)?,
            _ if local => self.expr(expr)?,
            (Kind::Word | Kind::Table | Kind::Name, Some(word)) => Item::Text(word.to_owned()),
            (Kind::Function | Kind::Step, Some(word)) => Item::Function(word.to_owned()),
            (Kind::Init, _) => match init::read(expr) {
                Ok(init) => Item::Init(init),
                Err(finding) => return Err(self.say(finding)),
            },
            _ => self.expr(expr)?,
        };
        self.convert(item, kind, expr.span)
    }

    /// What stands in the place of axes: `width`, axes that expressions have made, or whatever else is an axis.
    fn axes_of(&mut self, expr: &Expr) -> Result<Item, Said> {
        match &expr.kind {
            ExprKind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.axes_of(item)).collect();
                items.into_iter().collect::<Result<_, _>>().map(Item::List)
            }
            ExprKind::Name(name) if name == "width" => Ok(Item::Width),
            ExprKind::Name(name) => match self.made_axis(name) {
                Some(axis) => Ok(Item::Axis(axis)),
                None => self.expr(expr),
            },
            _ => self.expr(expr),
        }
    }

    fn run(
        &mut self,
        function: Function<'a>,
        items: Vec<Option<Item>>,
        span: Span,
        spans: &[Span],
    ) -> Result<Item, Said> {
        match function {
            Function::Native(native) => {
                let share = items.get(native.parameters.len()).and_then(|share| text(share.as_ref()));
                let args = native.parameters.iter().zip(items);
                let args = args.map(|(parameter, item)| item.unwrap_or_else(|| parameter.default_item())).collect();
                let before = self.to.locate(span);
                let mut call = Call { at: self, name: native.name, span, share, args };
                let made = (native.run)(&mut call);
                self.to.locate(before);
                match made {
                    Ok(item) => Ok(item),
                    Err(Stop::Said) => Err(Said),
                    Err(Stop::Fault(fault)) => self.placed(Err(fault), span, spans),
                }
            }
            Function::Block(block) => self.expand(block, items, span),
        }
    }

    /// The body of a block with its parameters in place.
    fn expand(&mut self, block: &'a Block, items: Vec<Option<Item>>, span: Span) -> Result<Item, Said> {
        let name = &block.spec.signature.name.name;
        if self.frames.len() == MAX_DEPTH {
            let finding = Diagnostic::new("E0350", format!("more than {MAX_DEPTH} blocks inside each other"));
            return Err(self.say(finding.at(span, "")));
        }
        let share = text(items.get(block.spec.signature.params.len()).and_then(Option::as_ref));
        let frame = Frame { locals: BTreeMap::new(), block: name.clone(), call: span, shipped: block.shipped };
        self.frames.push(frame);
        self.made_axes.push(BTreeMap::new());
        let outside = self.paths.enter_block(name, share.as_deref());
        let scope = self.to.enter(self.paths.value());
        let item = self.body(block, items);
        self.to.enter(scope);
        self.paths.leave(outside);
        self.frames.pop();
        self.made_axes.pop();
        item
    }

    fn body(&mut self, block: &Block, items: Vec<Option<Item>>) -> Result<Item, Said> {
        let params = block.spec.signature.params.iter().zip(&block.slots).zip(items);
        for ((param, slot), item) in params {
            let item = match (item, &param.default) {
                (Some(item), _) => item,
                (None, Some(Expr { kind: ExprKind::Null, .. }) | None) => Item::Null,
                (None, Some(default)) => self.one_argument(slot.kind, default)?,
            };
            self.bind_local(&param.name.name, item);
        }
        for line in &block.spec.body {
            let item = self.value(&line.name.name, &line.value)?;
            if line.name.name == "return" {
                return Ok(item);
            }
            self.bind_local(&line.name.name, item);
        }
        Err(Said)
    }

    fn bind_local(&mut self, name: &str, item: Item) {
        if let Some(frame) = self.frames.last_mut() {
            frame.locals.insert(name.to_owned(), item);
        }
    }
}

fn text(item: Option<&Item>) -> Option<String> {
    match item {
        Some(Item::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Why a native function gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The finding has been made.
    Said,
    /// A fault without a place.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl From<Said> for Stop {
    fn from(_: Said) -> Self {
        Stop::Said
    }
}

impl super::signature::Parameter {
    /// What it is when a call leaves it out.
    fn default_item(&self) -> Item {
        match (self.default, self.kind) {
            (Default::Number(number), _) => Item::Number(number),
            (Default::Flag(flag), _) => Item::Bool(flag),
            (Default::Word(word), Kind::Function | Kind::Step) => Item::Function(word.to_owned()),
            (Default::Word(word), _) => Item::Text(word.to_owned()),
            (Default::Required | Default::Absent, _) => Item::Null,
        }
    }
}

impl Native {
    /// What it takes, as a call meets it.
    pub fn slots(&self) -> Vec<Slot> {
        let own = self.parameters.iter().map(|parameter| Slot {
            name: parameter.name.to_owned(),
            kind: parameter.kind,
            required: parameter.default == Default::Required,
            default: parameter.default.to_string(),
            words: parameter.words.iter().map(|word| (*word).to_owned()).collect(),
            many: parameter.many,
            named_only: false,
        });
        own.chain(self.owns.then(Slot::share)).collect()
    }
}
