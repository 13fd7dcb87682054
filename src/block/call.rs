//! Calls: arguments are evaluated and converted, a native function adds its nodes, a block is expanded in a scope of its own.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{Arg, Expr, ExprKind, Ident};
use crate::ir::axis::AxisId;
use crate::ir::graph::{Init, Role, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Type;

use super::evaluate::{Evaluator, Frame, Said};
use super::item::Item;
use super::library::{Block, Function};
use super::signature::{Default, Kind, Slot, bind, word};
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
    args: Vec<Item>,
}

impl<'a> Evaluator<'a> {
    /// A call in an expression.
    pub(super) fn call(&mut self, callee: &Ident, args: &[Arg], span: Span) -> Result<Item, Said> {
        let name = match self.local(&callee.name) {
            Some(Item::Function(name)) => name.clone(),
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
        for (slot, args) in slots.iter().zip(&bound) {
            items.push(self.argument(slot, args));
            spans.push(args.first().map_or(span, |arg| arg.value.span));
        }
        let items = items.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.run(function, items, span, &spans)
    }

    /// Calls a function of one value by name: an activation.
    pub(super) fn apply(&mut self, name: &str, x: ValueId, span: Span) -> Result<Item, Said> {
        let library = self.library;
        let function = library.find(name).ok_or(Said)?;
        let slots = library.slots(name).unwrap_or_default();
        let items = slots.iter().enumerate().map(|(at, _)| if at == 0 { Some(Item::Value(x)) } else { None }).collect();
        let spans = vec![span; slots.len()];
        self.run(function, items, span, &spans)
    }

    /// The argument of a slot; none where the call leaves it out.
    fn argument(&mut self, slot: &Slot, args: &[&Arg]) -> Result<Option<Item>, Said> {
        if slot.many {
            let items: Vec<_> = args.iter().map(|arg| self.one_argument(slot.kind, &arg.value)).collect();
            return items.into_iter().collect::<Result<_, _>>().map(|items| Some(Item::List(items)));
        }
        args.first().map(|arg| self.one_argument(slot.kind, &arg.value)).transpose()
    }

    fn one_argument(&mut self, kind: Kind, expr: &Expr) -> Result<Item, Said> {
        let local = kind != Kind::Name && matches!(&expr.kind, ExprKind::Name(name) if self.local(name).is_some());
        let item = match (kind, word(expr)) {
            _ if local => self.expr(expr)?,
            (Kind::Word | Kind::Table | Kind::Name, Some(word)) => Item::Text(word.to_owned()),
            (Kind::Function, Some(word)) => Item::Function(word.to_owned()),
            (Kind::Over, Some("width")) => Item::Width,
            (Kind::Init, _) => match init::read(expr) {
                Ok(init) => Item::Init(init),
                Err(finding) => return Err(self.say(finding)),
            },
            _ => self.expr(expr)?,
        };
        self.convert(item, kind, expr.span)
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
        let outside = self.paths.enter_block(name, share.as_deref());
        let scope = self.to.enter(self.paths.value());
        let item = self.body(block, items);
        self.to.enter(scope);
        self.paths.leave(outside);
        self.frames.pop();
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
            (Default::Word(word), Kind::Function) => Item::Function(word.to_owned()),
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

/// Arguments were converted to the kinds that the parameters declare, so a wrong kind here is a fault of the program.
impl Call<'_, '_> {
    /// An argument as it is.
    pub fn item(&self, at: usize) -> &Item {
        self.args.get(at).unwrap_or(&Item::Null)
    }

    /// A value of numbers.
    ///
    /// # Errors
    /// The parameter is of another kind.
    pub fn value(&self, at: usize) -> Result<ValueId, Fault> {
        match self.item(at) {
            Item::Value(value) => Ok(*value),
            _ => Err(self.unfit(at)),
        }
    }

    /// A value that may be left out.
    pub fn option(&self, at: usize) -> Option<ValueId> {
        self.value(at).ok()
    }

    /// All values of a parameter that takes many.
    pub fn values(&self, at: usize) -> Vec<ValueId> {
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(Item::raw).collect(),
            _ => Vec::new(),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// As above.
    pub fn number(&self, at: usize) -> Result<f64, Fault> {
        match self.item(at) {
            Item::Number(number) => Ok(*number),
            _ => Err(self.unfit(at)),
        }
    }

    /// A count.
    ///
    /// # Errors
    /// As above.
    pub fn count(&self, at: usize) -> Result<u32, Fault> {
        self.number(at).map(|number| number as u32)
    }

    /// Several counts.
    pub fn counts(&self, at: usize) -> Vec<u32> {
        let count = |item: &Item| if let Item::Number(number) = item { Some(*number as u32) } else { None };
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(count).collect(),
            _ => Vec::new(),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, at: usize) -> bool {
        matches!(self.item(at), Item::Bool(true))
    }

    /// A word, a name, the name of a table or of a function; empty if left out.
    pub fn word(&self, at: usize) -> &str {
        match self.item(at) {
            Item::Text(word) | Item::Function(word) => word,
            _ => "",
        }
    }

    /// A first value, or `or` if left out.
    pub fn init(&self, at: usize, or: Init) -> Init {
        match self.item(at) {
            Item::Init(init) => *init,
            _ => or,
        }
    }

    /// Axes; none for `width`.
    pub fn axes(&self, at: usize) -> Vec<AxisId> {
        let axis = |item: &Item| if let Item::Axis(axis) = item { Some(*axis) } else { None };
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(axis).collect(),
            item => axis(item).into_iter().collect(),
        }
    }

    /// The path of this call's own parameters.
    pub fn path(&mut self) -> String {
        self.at.paths.call(self.name, self.share.as_deref())
    }

    /// A trained parameter.
    ///
    /// # Errors
    /// Calls that share it need different ones.
    pub fn weight(&mut self, path: &str, ty: Type, init: Init) -> Result<ValueId, Fault> {
        self.at.to.param(path, ty, init, Role::Weight)
    }

    /// The width of a value.
    pub fn width(&self, value: ValueId) -> u32 {
        self.at.to.ty(value).width
    }

    fn unfit(&self, at: usize) -> Fault {
        Fault::new("E0399", format!("argument {at} of `{}` is of another kind", self.name))
    }
}
