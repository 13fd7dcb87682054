//! What a function takes, as data: one description for native functions and for blocks of the language, so that errors,
//! suggestions and listings are the same for both.

use crate::diag::near::{list, near};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{Arg, Expr, ExprKind, Ident};
use crate::expr::print::number;

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// A value of numbers; ids become numbers by their table, a known number becomes a constant.
    Value,
    /// Ids.
    Ids,
    /// A condition.
    Condition,
    /// A known number.
    Number,
    /// A known whole number from 1 on.
    Count,
    /// A list of counts.
    Counts,
    /// `true` or `false`.
    Flag,
    /// One axis.
    Axis,
    /// One axis or a list of them.
    Axes,
    /// One axis, a list of them, or the word `width`.
    Over,
    /// A function of one value, by name: `relu`, `dice`, a block.
    Function,
    /// A function by name, which the call gives its other arguments: the step of a `scan`, the block of a `repeat`.
    Step,
    /// Arguments of any other name, for the function that the [`Kind::Step`] before names.
    Passed,
    /// The name of an axis that the call makes: `as=steps`.
    NewAxis,
    /// A length under the name of an axis that the call makes: `heads=8`.
    Lengths,
    /// One of a few words.
    Word,
    /// A first value: `zeros`, `normal(0.01)`.
    Init,
    /// A table, by name.
    Table,
    /// A name that is not looked up: `share=tower`.
    Name,
}

/// What an argument is when a call leaves it out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// It may not be left out.
    Required,
    /// Nothing.
    Absent,
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A word, or a function.
    Word(&'static str),
}

impl std::fmt::Display for Default {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Default::Required | Default::Absent => Ok(()),
            Default::Number(value) => f.write_str(&number(*value)),
            Default::Flag(value) => write!(f, "{value}"),
            Default::Word(word) => f.write_str(word),
        }
    }
}

/// A parameter of a native function.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is when left out.
    pub default: Default,
    /// The words that a [`Kind::Word`] takes.
    pub words: &'static [&'static str],
    /// Whether it takes all positional arguments from its place on.
    pub many: bool,
}

impl Kind {
    /// Whether it takes the arguments whose names the function does not know.
    pub fn takes_any_name(self) -> bool {
        matches!(self, Kind::Passed | Kind::Lengths)
    }
}

impl Parameter {
    /// A parameter that every call gives.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, default: Default::Required, words: &[], many: false }
    }

    /// One or more values.
    pub const fn many(name: &'static str, kind: Kind) -> Self {
        Self { many: true, ..Self::new(name, kind) }
    }

    /// One of a few words; the first is the default.
    pub const fn word(name: &'static str, words: &'static [&'static str]) -> Self {
        let default = match words {
            [first, ..] => Default::Word(first),
            [] => Default::Required,
        };
        Self { default, words, ..Self::new(name, Kind::Word) }
    }

    /// The same, with a default.
    #[must_use]
    pub const fn or(self, default: Default) -> Self {
        Self { default, ..self }
    }
}

/// A parameter of any function, as a call meets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub kind: Kind,
    /// Whether a call must give it.
    pub required: bool,
    /// What it is when a call leaves it out, as the language writes it; empty for nothing.
    pub default: String,
    /// The words that it takes, where it takes words.
    pub words: Vec<String>,
    /// Whether it takes all positional arguments from its place on.
    pub many: bool,
    /// Whether it is given by name only.
    pub named_only: bool,
}

impl Slot {
    /// `share=name`, which every function with parameters of its own takes.
    pub fn share() -> Self {
        Self {
            name: "share".to_owned(),
            kind: Kind::Name,
            required: false,
            default: String::new(),
            words: Vec::new(),
            many: false,
            named_only: true,
        }
    }
}

/// The arguments of a call by slot.
pub type Bound<'e> = Vec<Vec<&'e Arg>>;

/// Sorts the arguments of a call into the slots of its function, or says everything that does not fit.
pub fn bind<'e>(callee: &Ident, slots: &[Slot], args: &'e [Arg], span: Span) -> Result<Bound<'e>, Vec<Diagnostic>> {
    let mut bound: Bound<'e> = vec![Vec::new(); slots.len()];
    let mut findings = Vec::new();
    let usage = || format!("it is `{}`", usage(&callee.name, slots));
    let mut next = 0;
    let places = slots.iter().filter(|slot| !slot.named_only && !slot.kind.takes_any_name()).count();
    for arg in args {
        let at = match &arg.name {
            None if next < places => {
                let at = next;
                next += usize::from(!slots.get(at).is_some_and(|slot| slot.many));
                at
            }
            None => {
                let given = args.iter().filter(|arg| arg.name.is_none()).count();
                let title = format!("`{}` takes at most {places} arguments, found {given}", callee.name);
                findings.push(Diagnostic::new("E0310", title).at(arg.value.span, "one too many").help(usage()));
                break;
            }
            Some(name) => match place_of(slots, &name.name) {
                Some(at) => at,
                None => {
                    findings.push(unknown(callee, name, slots).help(usage()));
                    continue;
                }
            },
        };
        let (Some(slot), Some(taken)) = (slots.get(at), bound.get_mut(at)) else { continue };
        match taken.first() {
            Some(_) if slot.kind.takes_any_name() => taken.push(arg),
            Some(first) if !slot.many || arg.name.is_some() => {
                let title = format!("`{}` of `{}` is given twice", slot.name, callee.name);
                findings.push(Diagnostic::new("E0114", title).at(arg.value.span, "").at(first.value.span, "first"));
            }
            _ => taken.push(arg),
        }
    }
    let lacking = slots.iter().zip(&bound).filter(|(slot, taken)| slot.required && taken.is_empty());
    let lacking: Vec<&str> = lacking.map(|(slot, _)| slot.name.as_str()).collect();
    if !lacking.is_empty() && findings.is_empty() {
        let title = format!("`{}` needs {}", callee.name, list(&lacking, "and"));
        let place = if callee.span == Span::default() { span } else { callee.span };
        findings.push(Diagnostic::new("E0310", title).at(place, "").help(usage()));
    }
    if findings.is_empty() { Ok(bound) } else { Err(findings) }
}

/// The slot of an argument's name: its own, or one that takes any.
fn place_of(slots: &[Slot], name: &str) -> Option<usize> {
    let own = slots.iter().position(|slot| slot.name == name && !slot.kind.takes_any_name());
    own.or_else(|| slots.iter().position(|slot| slot.kind.takes_any_name()))
}

/// `mlp(x, units, activation=relu, share=)`: optional ones with `=`.
pub fn usage(name: &str, slots: &[Slot]) -> String {
    let parts: Vec<String> = slots
        .iter()
        .map(|slot| match slot {
            Slot { many: true, .. } => format!("{}, ...", slot.name),
            Slot { kind: Kind::Passed | Kind::Lengths, .. } => format!("{}=...", slot.name),
            Slot { required: true, .. } => slot.name.clone(),
            _ => format!("{}={}", slot.name, slot.default),
        })
        .collect();
    format!("{name}({})", parts.join(", "))
}

fn unknown(callee: &Ident, name: &Ident, slots: &[Slot]) -> Diagnostic {
    let finding = Diagnostic::new("E0312", format!("`{}` has no argument `{}`", callee.name, name.name));
    match near(&name.name, slots.iter().map(|slot| slot.name.as_str())) {
        Some(near) => finding.at(name.span, format!("`{near}` is one")),
        None => finding.at(name.span, ""),
    }
}

/// The word that an argument is: a bare name or a text.
pub fn word(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(word) | ExprKind::Text(word) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::testing::{calls, expr};

    fn slot(name: &str, required: bool) -> Slot {
        Slot { required, named_only: false, kind: Kind::Value, ..Slot { name: name.to_owned(), ..Slot::share() } }
    }

    fn codes(text: &str) -> Vec<&'static str> {
        let slots = [slot("x", true), slot("units", true), slot("dropout", false), Slot::share()];
        let parsed = expr(text);
        let (callee, args) = calls(&parsed);
        match bind(callee, &slots, args, parsed.span) {
            Ok(_) => Vec::new(),
            Err(findings) => findings.iter().map(|finding| finding.code).collect(),
        }
    }

    #[test]
    fn arguments_find_their_slots_by_place_and_by_name() {
        assert_eq!(codes("f(a, b, share=s)"), [""; 0]);
        assert_eq!(codes("f(a, units=b, dropout=c)"), [""; 0]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(codes("f(a)"), ["E0310"]);
        assert_eq!(codes("f(a, b, c, d)"), ["E0310"]);
        assert_eq!(codes("f(a, b, x=c)"), ["E0114"]);
        assert_eq!(codes("f(a, b, dropuot=c, shar=d)"), ["E0312", "E0312"]);
    }
}
