//! The kind of a data expression, found before any row is read.

use super::function::FUNCTIONS;
use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// Kinds of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A raw column: whatever is needed of it.
    Column,
    Number,
    Text,
    Bool,
    Null,
}

/// What names an expression may use.
pub(crate) struct Scope<'a> {
    /// The kind behind a name; none for a name that is not there, which someone else reports.
    pub(crate) name: &'a dyn Fn(&str) -> Option<Kind>,
    /// Whether `sample.time` and `step.time` mean something here.
    pub(crate) times: bool,
}

/// Whether a value of one kind can stand where another is needed.
pub(crate) fn fits(found: Kind, needed: Kind) -> bool {
    found == needed || matches!(found, Kind::Column | Kind::Null)
}

/// The kind of an expression. Every wrong kind inside is reported; none means that one was.
pub(crate) fn check(expr: &Expr, scope: &Scope, diags: &mut Diags) -> Option<Kind> {
    match &expr.kind {
        ExprKind::Number(_) => Some(Kind::Number),
        ExprKind::Text(_) => Some(Kind::Text),
        ExprKind::Bool(_) => Some(Kind::Bool),
        ExprKind::Null => Some(Kind::Null),
        ExprKind::Name(name) => (scope.name)(name),
        ExprKind::Member(object, member) => {
            let known = matches!(&object.kind, ExprKind::Name(name) if name == "sample" || name == "step");
            if known && member.name == "time" && scope.times {
                return Some(Kind::Number);
            }
            let title = format!("`{expr}` means nothing in this data expression");
            let help = if scope.times {
                "beside columns there are only `sample.time` and `step.time`"
            } else {
                "`sample.time` and `step.time` stand only in the `value` of a feature, where a time is declared"
            };
            diags.push(Diagnostic::new("E0453", title).at(expr.span, "").help(help));
            None
        }
        ExprKind::Unary(UnaryOp::Neg, x) => need(x, Kind::Number, scope, diags).then_some(Kind::Number),
        ExprKind::Unary(UnaryOp::Not, x) => need(x, Kind::Bool, scope, diags).then_some(Kind::Bool),
        ExprKind::Binary(op, a, b) => binary(*op, a, b, expr.span, scope, diags),
        ExprKind::If(condition, yes, no) => {
            let condition = need(condition, Kind::Bool, scope, diags);
            let (yes_kind, no_kind) = (check(yes, scope, diags)?, check(no, scope, diags)?);
            let both = unite(yes_kind, no_kind);
            if both.is_none() {
                let title =
                    format!("both branches of `if` must be of one kind, found {} and {}", say(yes_kind), say(no_kind));
                diags.push(wrong(title).at(no.span, say(no_kind)).at(yes.span, say(yes_kind)));
            }
            both.filter(|_| condition)
        }
        ExprKind::Call { callee, args, .. } => {
            let Some(function) = FUNCTIONS.iter().find(|function| function.name == callee.name) else {
                diags.push(unknown_function(&callee.name, callee.span));
                for arg in args {
                    check(&arg.value, scope, diags);
                }
                return None;
            };
            let (fewest, most) = function.arity;
            let named = args.iter().find_map(|arg| arg.name.as_ref());
            if named.is_some() || args.len() < fewest || args.len() > most {
                let count = if fewest == most { format!("{fewest}") } else { format!("{fewest} to {most}") };
                let title = format!("`{}` takes {count} unnamed argument(s), found {}", callee.name, args.len());
                diags.push(Diagnostic::new("E0453", title).at(named.map_or(expr.span, |name| name.span), ""));
                return None;
            }
            let fit = args.iter().fold(true, |fit, arg| match function.takes {
                Some(kind) => need(&arg.value, kind, scope, diags) && fit,
                None => check(&arg.value, scope, diags).is_some() && fit,
            });
            fit.then_some(function.gives)
        }
        ExprKind::List(_) => {
            diags.push(wrong("a data expression has one value per row, found a list".into()).at(expr.span, ""));
            None
        }
    }
}

fn binary(op: BinaryOp, a: &Expr, b: &Expr, span: Span, scope: &Scope, diags: &mut Diags) -> Option<Kind> {
    match op {
        BinaryOp::And | BinaryOp::Or => {
            let (a, b) = (need(a, Kind::Bool, scope, diags), need(b, Kind::Bool, scope, diags));
            (a && b).then_some(Kind::Bool)
        }
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem | BinaryOp::Pow => {
            let (a, b) = (need(a, Kind::Number, scope, diags), need(b, Kind::Number, scope, diags));
            (a && b).then_some(Kind::Number)
        }
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            let (left, right) = (check(a, scope, diags), check(b, scope, diags));
            let (left, right) = (left?, right?);
            if left == Kind::Null || right == Kind::Null {
                let tested = if left == Kind::Null { b } else { a };
                let finding = wrong("a comparison with null is always null".into()).at(span, "");
                diags.push(finding.help(format!("`is_null({tested})` asks whether it is null")));
                return None;
            }
            if unite(left, right).is_none() {
                let title = format!("only values of one kind compare, found {} and {}", say(left), say(right));
                diags.push(wrong(title).at(b.span, say(right)).at(a.span, say(left)));
                return None;
            }
            Some(Kind::Bool)
        }
    }
}

fn need(expr: &Expr, needed: Kind, scope: &Scope, diags: &mut Diags) -> bool {
    let Some(found) = check(expr, scope, diags) else { return false };
    if !fits(found, needed) {
        let finding = wrong(format!("expected {}, found {}", say(needed), say(found))).at(expr.span, say(found));
        diags.push(match (needed, found) {
            (Kind::Number, Kind::Bool) => finding.help(format!("`if({expr}, 1, 0)` is a number")),
            _ => finding,
        });
        return false;
    }
    true
}

fn unite(a: Kind, b: Kind) -> Option<Kind> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Kind::Null, other) | (other, Kind::Null) => Some(other),
        (Kind::Column, other) | (other, Kind::Column) => Some(other),
        _ => None,
    }
}

fn say(kind: Kind) -> &'static str {
    match kind {
        Kind::Column => "a column",
        Kind::Number => "a number",
        Kind::Text => "a text",
        Kind::Bool => "a truth value",
        Kind::Null => "null",
    }
}

fn wrong(title: String) -> Diagnostic {
    Diagnostic::new("E0452", title)
}

fn unknown_function(name: &str, span: Span) -> Diagnostic {
    let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let finding = Diagnostic::new("E0453", format!("there is no function `{name}` in data expressions")).at(span, "");
    match crate::diag::near::near(name, names.iter().copied()) {
        Some(near) => finding.help(format!("did it mean `{near}`?")),
        None => finding.help(format!("there are {}", names.join(", "))),
    }
}

/// Every name in an expression, with its place, in order of writing.
pub(crate) fn names(expr: &Expr) -> Vec<(&str, Span)> {
    fn walk<'a>(expr: &'a Expr, out: &mut Vec<(&'a str, Span)>) {
        match &expr.kind {
            ExprKind::Name(name) => out.push((name, expr.span)),
            ExprKind::Unary(_, x) => walk(x, out),
            ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(|x| walk(x, out)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|x| walk(x, out)),
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| walk(&arg.value, out)),
            ExprKind::List(list) => list.iter().for_each(|x| walk(x, out)),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Member(..) => {}
        }
    }
    let mut out = Vec::new();
    walk(expr, &mut out);
    out
}
