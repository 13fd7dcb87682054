//! `let:`: constants, and their places: inside expressions, where numbers stand, and as `{name}` inside texts.

use super::node::{Node, NodeKind, Scalar};
use super::spec::Named;
use crate::diag::near::near;
use crate::diag::offset::OffsetMap;
use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::expr::parse::{self, MAX_DEPTH, is_name};

/// Most parts of a constant, which holds up those that double at every line.
const MAX_SIZE: usize = 10_000;

/// The constants of a spec in order; a later one may use those before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Constants {
    pub(super) list: Vec<Named<Expr>>,
}

impl Constants {
    /// Reads the value of `let:`.
    pub(super) fn read(node: &Node, diags: &mut Diags) -> Self {
        let mut constants = Self::default();
        if !matches!(node.kind, NodeKind::Map(_)) {
            diags.push(
                Diagnostic::new("E0104", format!("expected a map of constants, found {}", node.found()))
                    .at(node.span, ""),
            );
        }
        for entry in node.entries() {
            let name = Ident { name: entry.key.text.clone(), span: entry.key_span };
            if !is_name(&name.name) {
                diags.push(super::read::no_name(&name));
            }
            if let Some(user) = constants.list.iter().find(|other| mentions(&other.value, &name.name)) {
                let title = format!("`{}` names two things", name.name);
                let finding = Diagnostic::new("E0119", title).at(name.span, "a constant");
                diags.push(
                    finding
                        .at(user.value.span, "not this constant, which comes later")
                        .help("rename it, or move it up"),
                );
            }
            if let Some(value) = constants.literal(&entry.value, diags) {
                constants.list.push(Named { name, value });
            }
        }
        constants
    }

    /// A constant is what it says, without arithmetic: `2024-01-01` and `data/logs` are texts.
    fn literal(&self, node: &Node, diags: &mut Diags) -> Option<Expr> {
        let kind = match &node.kind {
            NodeKind::Seq(items) => {
                let read: Vec<Expr> = items.iter().filter_map(|item| self.literal(item, diags)).collect();
                if read.len() < items.len() {
                    return None;
                }
                ExprKind::List(read)
            }
            NodeKind::Scalar(scalar) if !node.is_null() => self.scalar(scalar, node.span, diags)?,
            _ => {
                let finding =
                    Diagnostic::new("E0104", format!("expected a number, a text or a list, found {}", node.found()));
                diags.push(finding.at(node.span, "a constant stands in one place of an expression"));
                return None;
            }
        };
        let mut value = Expr { kind, span: node.span };
        self.substitute(&mut value, &[]);
        if size(&mut value) > MAX_SIZE {
            diags.push(
                Diagnostic::new("E0110", "the constant is too large")
                    .at(node.span, format!("more than {MAX_SIZE} parts")),
            );
            return None;
        }
        Some(value)
    }

    fn scalar(&self, scalar: &Scalar, span: Span, diags: &mut Diags) -> Option<ExprKind> {
        if scalar.plain {
            let expr = parse::parse(&scalar.text, &scalar.map).ok().map(|expr| expr.kind);
            match expr {
                Some(ExprKind::Unary(op, value)) if matches!(value.kind, ExprKind::Number(_)) => {
                    return Some(ExprKind::Unary(op, value));
                }
                Some(kind @ (ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Name(_))) => return Some(kind),
                _ => {}
            }
        }
        self.fill(&scalar.text, &scalar.map, span, diags).map(ExprKind::Text)
    }

    /// The value of a constant.
    pub(super) fn get(&self, name: &str) -> Option<&Expr> {
        self.list.iter().rev().find(|constant| constant.name.name == name).map(|constant| &constant.value)
    }

    /// Puts constants in the place of their names, except those in `local`. Their places become the place of the name.
    pub(super) fn substitute(&self, expr: &mut Expr, local: &[&str]) {
        match &mut expr.kind {
            ExprKind::Name(name) => {
                if let Some(value) = self.get(name).filter(|_| !local.contains(&name.as_str())) {
                    let span = expr.span;
                    *expr = value.clone();
                    move_to(expr, span);
                }
            }
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null => {}
            // A constant has no members.
            ExprKind::Member(of, _) if matches!(of.kind, ExprKind::Name(_)) => {}
            kind => parts(kind, &mut |part| self.substitute(part, local)),
        }
    }

    /// A finding if an expression got too deep by its constants.
    pub(super) fn too_deep(expr: &mut Expr) -> Option<Diagnostic> {
        fn depth(expr: &mut Expr) -> usize {
            let mut deepest = 0;
            parts(&mut expr.kind, &mut |part| deepest = deepest.max(depth(part)));
            deepest + 1
        }
        let span = expr.span;
        (depth(expr) > MAX_DEPTH).then(|| {
            Diagnostic::new("E0110", "the expression is nested too deep").at(span, "with its constants filled in")
        })
    }

    /// Fills `{name}` in a text; `{{` is a brace. Braces around anything but a name, as in the glob `{a,b}.csv`, stay.
    pub(super) fn fill(&self, text: &str, map: &OffsetMap, whole: Span, diags: &mut Diags) -> Option<String> {
        if !text.contains('{') {
            return Some(text.to_owned());
        }
        let (mut out, mut at, mut good) = (String::new(), 0, true);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(open) = rest.find('{') else {
                out.push_str(rest);
                break;
            };
            out.push_str(rest.get(..open).unwrap_or(""));
            let after = rest.get(open + 1..).unwrap_or("");
            let name = after.split('}').next().filter(|name| name.len() < after.len() && is_name(name));
            let (taken, filling) = match name {
                _ if after.starts_with('{') => (2, "{".to_owned()),
                None => (1, "{".to_owned()),
                Some(name) => {
                    let place = if map.is_empty() { whole } else { map.span(at + open, at + open + name.len() + 2) };
                    let filling = self.text(name, place).unwrap_or_else(|finding| {
                        diags.push(finding);
                        good = false;
                        String::new()
                    });
                    (name.len() + 2, filling)
                }
            };
            out.push_str(&filling);
            at += open + taken;
        }
        good.then_some(out)
    }

    fn text(&self, name: &str, place: Span) -> Result<String, Diagnostic> {
        let Some(value) = self.get(name) else {
            let known: Vec<&str> = self.list.iter().map(|constant| constant.name.name.as_str()).collect();
            let finding = Diagnostic::new("E0117", format!("no constant is named `{name}`")).at(place, "");
            return Err(match near(name, known.iter().copied()) {
                Some(near) => finding.help(format!("`{near}` is one")),
                None => finding.help(format!("add `let: {{{name}: ...}}`, or write `{{{{` for a brace")),
            });
        };
        match &value.kind {
            ExprKind::Text(text) | ExprKind::Name(text) => Ok(text.clone()),
            ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Unary(..) => Ok(value.to_string()),
            _ => Err(Diagnostic::new("E0104", format!("expected a text or a number for `{name}`, found a list"))
                .at(place, "")
                .at(value.span, "the constant")),
        }
    }
}

/// Whether a constant is, or lists, a name.
fn mentions(value: &Expr, name: &str) -> bool {
    match &value.kind {
        ExprKind::Name(own) => own == name,
        ExprKind::List(items) => items.iter().any(|item| mentions(item, name)),
        _ => false,
    }
}

fn size(expr: &mut Expr) -> usize {
    let mut total = if let ExprKind::Text(text) = &expr.kind { 1 + text.len() / 64 } else { 1 };
    parts(&mut expr.kind, &mut |part| total += size(part));
    total
}

/// Puts one name in the place of another.
pub(super) fn rename(expr: &mut Expr, from: &str, to: &str) {
    match &mut expr.kind {
        ExprKind::Name(name) if name == from => *name = to.to_owned(),
        kind => parts(kind, &mut |part| rename(part, from, to)),
    }
}

/// Gives every part of an expression one place.
fn move_to(expr: &mut Expr, span: Span) {
    expr.span = span;
    parts(&mut expr.kind, &mut |part| move_to(part, span));
}

/// Calls `see` with every direct part of an expression.
fn parts(kind: &mut ExprKind, see: &mut dyn FnMut(&mut Expr)) {
    match kind {
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Name(_) => {}
        ExprKind::Member(of, _) => see(of),
        ExprKind::Unary(_, value) => see(value),
        ExprKind::Binary(_, left, right) => {
            see(left);
            see(right);
        }
        ExprKind::If(condition, yes, no) => {
            see(condition);
            see(yes);
            see(no);
        }
        ExprKind::List(items) => items.iter_mut().for_each(see),
        ExprKind::Call { args, .. } => args.iter_mut().for_each(|arg| see(&mut arg.value)),
    }
}
