//! Text to graph: every line goes through [`Builder`], so all types are inferred again and held against the stated ones.

mod grammar;
mod item;
mod ty;

use std::collections::BTreeMap;

use pest::iterators::Pair;

use crate::diag::near::near;
use crate::diag::{Diagnostic, FileId, Span};

use super::axis::AxisId;
use super::build::Builder;
use super::graph::{Graph, ParamId, ValueId};
use super::op::{EffectOp, Fault, Op};

pub(super) use grammar::{is_axis_name, is_path};

use grammar::Rule;

/// The operations that a text may name. The IR knows none by itself.
#[derive(Clone, Copy, Debug)]
pub struct Registry {
    /// A pure operation by name.
    pub op: fn(&str) -> Option<&'static dyn Op>,
    /// An operation that changes parameters.
    pub effect: fn(&str) -> Option<&'static dyn EffectOp>,
}

/// Reads the text form that a graph prints as; places of the values are places in the text.
///
/// # Errors
/// Every line that is wrong, or the first place where the text has no such form.
pub fn read(text: &str, file: FileId, registry: Registry) -> Result<Graph, Vec<Diagnostic>> {
    let pieces = grammar::parse(text, file).map_err(|finding| vec![finding])?;
    let mut reader = Reader { file, registry, scope: Scope::default(), findings: Vec::new() };
    for piece in pieces {
        match piece.as_rule() {
            Rule::name => reader.scope.to = Builder::new(&reader.name(piece)),
            Rule::lines => reader.lines(piece),
            _ => {}
        }
    }
    if reader.findings.is_empty() { Ok(reader.scope.to.finish()) } else { Err(reader.findings) }
}

/// A text under way.
struct Reader {
    file: FileId,
    registry: Registry,
    scope: Scope,
    findings: Vec<Diagnostic>,
}

/// The names of a graph. One whose line was wrong has no handle: its uses are no errors of their own.
#[derive(Default)]
struct Scope {
    to: Builder,
    axes: BTreeMap<String, Option<AxisId>>,
    values: BTreeMap<String, Option<ValueId>>,
    params: BTreeMap<String, Option<(ParamId, ValueId)>>,
}

impl Reader {
    fn lines(&mut self, lines: Pair<'_, Rule>) {
        for line in lines.into_inner() {
            match line.as_rule() {
                Rule::axis => self.axis_line(line),
                Rule::param => self.param_line(line),
                Rule::input => self.input_line(line),
                Rule::node => self.node_line(line),
                Rule::update => self.update_line(line),
                Rule::loss | Rule::output => self.root_line(line),
                _ => {}
            }
        }
    }

    /// A graph of its own between braces; none if a line of it is wrong.
    fn body(&mut self, lines: Pair<'_, Rule>) -> Option<Graph> {
        let before = self.findings.len();
        let inner = Scope { to: Builder::new("body"), ..Scope::default() };
        let outer = std::mem::replace(&mut self.scope, inner);
        self.lines(lines);
        let body = std::mem::replace(&mut self.scope, outer).to.finish();
        (self.findings.len() == before).then_some(body)
    }

    fn span(&self, piece: &Pair<'_, Rule>) -> Span {
        Span::new(self.file, piece.as_span().start(), piece.as_span().end())
    }

    /// Notes an error and gives nothing, which is what a line that has one comes to.
    fn error<T>(&mut self, code: &'static str, title: String, piece: &Pair<'_, Rule>, label: String) -> Option<T> {
        self.findings.push(Diagnostic::new(code, title).at(self.span(piece), label));
        None
    }

    /// Why an operation refused its operands, at the operand at fault.
    fn fault<T>(&mut self, fault: Fault, call: Span, operands: &[Span]) -> Option<T> {
        let place = fault.operand.and_then(|operand| operands.get(operand).copied()).unwrap_or(call);
        let finding = Diagnostic::new(fault.code, fault.title).at(place, "");
        self.findings.push(fault.help.into_iter().fold(finding, Diagnostic::help));
        None
    }

    /// Whether a name is new; an error if it is not.
    fn is_new(&mut self, taken: bool, piece: &Pair<'_, Rule>) -> bool {
        if taken {
            let title = format!("`{}` is declared twice", piece.as_str());
            self.error::<()>("E0332", title, piece, String::new());
        }
        !taken
    }

    fn unknown<T>(&mut self, what: &str, piece: &Pair<'_, Rule>, nearest: Option<String>) -> Option<T> {
        let finding = Diagnostic::new("E0331", format!("no {what} `{}`", piece.as_str())).at(self.span(piece), "");
        self.findings.push(match nearest {
            Some(nearest) => finding.help(format!("the nearest one is `{nearest}`")),
            None => finding.help(format!("a line above declares every {what}")),
        });
        None
    }

    fn axis(&mut self, piece: &Pair<'_, Rule>) -> Option<AxisId> {
        match self.scope.axes.get(piece.as_str()) {
            Some(known) => *known,
            None => {
                let nearest = near(piece.as_str(), self.scope.axes.keys().map(String::as_str)).map(str::to_owned);
                self.unknown("axis", piece, nearest)
            }
        }
    }

    /// `%item` or `@movie`.
    fn operand(&mut self, piece: &Pair<'_, Rule>) -> Option<ValueId> {
        let name = bare(piece.as_str());
        if piece.as_str().starts_with('@') {
            return self.param(piece).map(|(_, value)| value);
        }
        match self.scope.values.get(name) {
            Some(known) => *known,
            None => {
                let nearest = near(name, self.scope.values.keys().map(String::as_str)).map(|name| format!("%{name}"));
                self.unknown("value", piece, nearest)
            }
        }
    }

    fn param(&mut self, piece: &Pair<'_, Rule>) -> Option<(ParamId, ValueId)> {
        let name = bare(piece.as_str());
        match self.scope.params.get(name) {
            Some(known) => *known,
            None => {
                let nearest = near(name, self.scope.params.keys().map(String::as_str)).map(|name| format!("@{name}"));
                self.unknown("parameter", piece, nearest)
            }
        }
    }

    /// A bare or quoted name.
    fn name(&self, piece: Pair<'_, Rule>) -> String {
        match piece.into_inner().next() {
            Some(inner) if inner.as_rule() == Rule::text => plain_text(inner.as_str()),
            Some(inner) => inner.as_str().to_owned(),
            None => String::new(),
        }
    }
}

/// The pieces of a piece that say something.
fn parts<'a>(piece: Pair<'a, Rule>) -> impl Iterator<Item = Pair<'a, Rule>> {
    piece.into_inner().filter(|part| !matches!(part.as_rule(), Rule::colon | Rule::equal))
}

/// A name without its sign.
fn bare(name: &str) -> &str {
    name.trim_start_matches(['%', '@'])
}

/// A quoted text without its quotes and escapes.
fn plain_text(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let (mut plain, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, c) => plain.push(c),
            (true, c) => {
                plain.push(match c {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    c => c,
                });
                escaped = false;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests;
