//! Expressions for tests.

use crate::diag::offset::OffsetMap;
use crate::diag::{FileId, Span};
use crate::expr::ast::{Arg, Expr, ExprKind, Ident};
use crate::expr::parse::parse;

/// The expression that a text says.
pub(crate) fn expr(text: &str) -> Expr {
    parse(text, &OffsetMap::straight(FileId::default(), 0, text.len())).unwrap()
}

/// Callee and arguments of a call.
pub(crate) fn calls(expr: &Expr) -> (&Ident, &[Arg]) {
    match &expr.kind {
        ExprKind::Call { callee, args, .. } => (callee, args),
        _ => panic!("{expr} is no call"),
    }
}

/// A name without a place.
pub(crate) fn ident(name: &str) -> Ident {
    Ident { name: name.to_owned(), span: Span::default() }
}
