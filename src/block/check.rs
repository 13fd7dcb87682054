//! What can be said of an expression before anything has a type: names exist, functions exist, arguments find their
//! places. Evaluation then finds only faults of type.

use std::collections::BTreeSet;

use crate::diag::near::{list, near};
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::{Arg, Expr, ExprKind, Ident};

use super::library::Library;
use super::signature::{Kind, Slot, bind, word};

/// The names that an expression may use.
pub trait Names {
    /// Whether a name stands for something here; the finding if not.
    fn look(&self, name: &Ident) -> Result<(), Diagnostic>;

    /// Whether `axis.member` stands for something; none if `axis` is no axis.
    fn look_member(&self, axis: &Ident, member: &Ident) -> Option<Result<(), Diagnostic>>;

    /// Whether an expression makes an axis of this name, and if a value of the spec does, which.
    fn look_axis(&self, name: &str) -> Option<Option<String>>;

    /// Whether a table of this name exists.
    fn look_table(&self, name: &Ident) -> Result<(), Diagnostic>;

    /// Whether `name` is a parameter or a local value of a block, which hides every other meaning.
    fn is_local(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Whether a value of that name is made here, so that its parameters have paths of its name.
    fn makes(&self, name: &str) -> bool;
}

/// What an expression refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// Names of the scope, in order.
    pub names: Vec<Ident>,
    /// `history.item`: axis and member.
    pub members: Vec<(Ident, Ident)>,
    /// Tables.
    pub tables: Vec<Ident>,
    /// Values whose expressions make an axis that is named here.
    pub makers: Vec<Ident>,
    /// Blocks and native functions.
    pub functions: BTreeSet<String>,
    /// Whether it is in order; findings have been made if not.
    pub sound: bool,
}

/// Checks an expression and tells what it refers to.
pub fn check(expr: &Expr, names: &dyn Names, library: &Library, diags: &mut Diags) -> References {
    let found = References { sound: true, ..References::default() };
    let mut walk = Walk { names, library, diags, found };
    walk.expr(expr);
    walk.found
}

/// Checks an expression that stands in the place of an argument, such as the default of a parameter.
pub(super) fn check_argument(
    slot: &Slot,
    expr: &Expr,
    names: &dyn Names,
    library: &Library,
    diags: &mut Diags,
) -> References {
    let found = References { sound: true, ..References::default() };
    let mut walk = Walk { names, library, diags, found };
    walk.argument(&Ident { name: slot.name.clone(), span: expr.span }, slot, expr);
    walk.found
}

struct Walk<'a> {
    names: &'a dyn Names,
    library: &'a Library,
    diags: &'a mut Diags,
    found: References,
}

impl Walk<'_> {
    fn say(&mut self, finding: Diagnostic) {
        self.found.sound = false;
        self.diags.push(finding);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null => {}
            ExprKind::Name(name) => self.name(&Ident { name: name.clone(), span: expr.span }),
            ExprKind::Member(base, member) => self.member(base, member),
            ExprKind::Call { callee, args, .. } => self.call(callee, args, expr),
            ExprKind::Unary(_, operand) => self.expr(operand),
            ExprKind::Binary(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::If(condition, yes, no) => [condition, yes, no].into_iter().for_each(|part| self.expr(part)),
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
        }
    }

    fn name(&mut self, name: &Ident) {
        match self.names.look(name) {
            Ok(()) => self.found.names.push(name.clone()),
            Err(finding) if self.library.knows(&name.name) => {
                let way_out = format!("`{}` is a function: a call has brackets, `{0}(x)`", name.name);
                self.say(finding.help(way_out));
            }
            Err(finding) => self.say(finding),
        }
    }

    fn member(&mut self, base: &Expr, member: &Ident) {
        let ExprKind::Name(name) = &base.kind else { return self.expr(base) };
        let axis = Ident { name: name.clone(), span: base.span };
        match self.names.look_member(&axis, member) {
            None => self.name(&axis),
            Some(Ok(())) => self.found.members.push((axis, member.clone())),
            Some(Err(finding)) => self.say(finding),
        }
    }

    fn call(&mut self, callee: &Ident, args: &[Arg], expr: &Expr) {
        if self.names.is_local(&callee.name) && !self.library.knows(&callee.name) {
            self.found.names.push(callee.clone());
            return args.iter().for_each(|arg| self.expr(&arg.value));
        }
        let library = self.library;
        self.found.functions.insert(callee.name.clone());
        let Some(slots) = library.slots(&callee.name) else {
            if !library.is_broken(&callee.name) {
                self.say(unknown_function(callee, library));
            }
            self.found.sound = false;
            return args.iter().for_each(|arg| self.expr(&arg.value));
        };
        match bind(callee, &slots, args, expr.span) {
            Err(findings) => {
                findings.into_iter().for_each(|finding| self.say(finding));
                args.iter().filter(|arg| word(&arg.value).is_none()).for_each(|arg| self.expr(&arg.value));
            }
            Ok(bound) => {
                for (slot, args) in slots.iter().zip(&bound) {
                    if slot.kind == Kind::Passed {
                        self.passed(args, step_of(&slots, &bound));
                    } else {
                        args.iter().for_each(|arg| self.argument(callee, slot, &arg.value));
                    }
                }
            }
        }
    }

    fn argument(&mut self, callee: &Ident, slot: &Slot, value: &Expr) {
        if matches!(slot.kind, Kind::Axis | Kind::Axes | Kind::Over) {
            return self.axes(value);
        }
        let local = slot.kind != Kind::Name && matches!(&value.kind, ExprKind::Name(name) if self.names.is_local(name));
        if local || !is_said_by_word(slot.kind) {
            return self.expr(value);
        }
        if slot.kind == Kind::Init {
            if let Err(finding) = super::init::read(value) {
                self.say(finding);
            }
            return;
        }
        let Some(text) = word(value) else { return self.expr(value) };
        let name = Ident { name: text.to_owned(), span: value.span };
        match slot.kind {
            Kind::Word => self.word(callee, slot, &name),
            Kind::Function => self.function(&name),
            Kind::Step if self.library.slots(&name.name).is_none() => self.function(&name),
            Kind::Step => {
                self.found.functions.insert(name.name);
            }
            Kind::Table => match self.names.look_table(&name) {
                Ok(()) => self.found.tables.push(name),
                Err(finding) => self.say(finding),
            },
            Kind::Name if self.names.makes(&name.name) => {
                let title = format!("`{}` is the name of a value, so it cannot name shared parameters", name.name);
                self.say(Diagnostic::new("E0119", title).at(name.span, "").help("any other name will do"));
            }
            _ => {}
        }
    }

    /// Axes in an argument: names of the scope, or of axes that expressions make.
    fn axes(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::List(items) => items.iter().for_each(|item| self.axes(item)),
            ExprKind::Name(name) if name == "width" => {}
            ExprKind::Name(name) => match self.names.look_axis(name) {
                Some(Some(maker)) => self.found.makers.push(Ident { name: maker, span: value.span }),
                Some(None) => {}
                None => self.expr(value),
            },
            _ => self.expr(value),
        }
    }

    /// Arguments for another function: as a call of it would have them.
    fn passed(&mut self, args: &[&Arg], step: Option<&str>) {
        let slots = step.and_then(|step| self.library.slots(step));
        for arg in args {
            let Some(name) = &arg.name else { continue };
            match (&slots, step) {
                (Some(slots), Some(step)) => match slots.iter().find(|slot| slot.name == name.name) {
                    Some(slot) => self.argument(name, slot, &arg.value),
                    None => {
                        let title = format!("`{step}` has no argument `{}`", name.name);
                        let finding = Diagnostic::new("E0312", title);
                        self.say(match near(&name.name, slots.iter().map(|slot| slot.name.as_str())) {
                            Some(near) => finding.at(name.span, format!("`{near}` is one")),
                            None => finding.at(name.span, ""),
                        });
                    }
                },
                // What a parameter stands for is known where the block is called.
                _ if word(&arg.value).is_none() => self.expr(&arg.value),
                _ => {}
            }
        }
    }

    fn word(&mut self, callee: &Ident, slot: &Slot, name: &Ident) {
        if slot.words.is_empty() || slot.words.contains(&name.name) {
            return;
        }
        let words: Vec<&str> = slot.words.iter().map(String::as_str).collect();
        let title = format!("`{}` of `{}` is {}, found `{}`", slot.name, callee.name, list(&words, "or"), name.name);
        let finding = Diagnostic::new("E0313", title);
        self.say(match near(&name.name, words.iter().copied()) {
            Some(near) => finding.at(name.span, format!("`{near}` is one")),
            None => finding.at(name.span, ""),
        });
    }

    fn function(&mut self, name: &Ident) {
        self.found.functions.insert(name.name.clone());
        let Some(slots) = self.library.slots(&name.name) else {
            if !self.library.is_broken(&name.name) {
                let finding = unknown_function(name, self.library);
                self.say(finding);
            }
            self.found.sound = false;
            return;
        };
        let lacking: Vec<&str> =
            slots.iter().skip(1).filter(|slot| slot.required).map(|slot| slot.name.as_str()).collect();
        if !lacking.is_empty() || slots.is_empty() {
            let title = format!("`{}` is no function of one value", name.name);
            let finding = Diagnostic::new("E0310", title).at(name.span, "");
            self.say(finding.help(format!("it also needs {}: a block can give it", list(&lacking, "and"))));
        }
    }
}

/// The function that a call names as its step.
fn step_of<'e>(slots: &[Slot], bound: &[Vec<&'e Arg>]) -> Option<&'e str> {
    let step = slots.iter().zip(bound).find(|(slot, _)| slot.kind == Kind::Step);
    step.and_then(|(_, args)| args.first()).and_then(|arg| word(&arg.value))
}

/// Whether a bare name in the place of such an argument is a word and not a name of the scope.
pub(super) fn is_said_by_word(kind: Kind) -> bool {
    matches!(kind, Kind::Word | Kind::Function | Kind::Step | Kind::Table | Kind::Name | Kind::NewAxis | Kind::Init)
}

/// The finding for a function that does not exist.
fn unknown_function(name: &Ident, library: &Library) -> Diagnostic {
    let finding = Diagnostic::new("E0202", format!("no function `{}`", name.name));
    match near(&name.name, library.names()) {
        Some(near) => finding.at(name.span, format!("`{near}` is one")),
        None => finding.at(name.span, "").help("a function of one's own stands under `blocks:`"),
    }
}
