//! [`Expr`] to text: the fewest parentheses that read back as the same tree.

use super::ast::{Arg, BinaryOp, Expr, ExprKind, Param, Signature, UnaryOp};
use std::fmt::{self, Display, Formatter, Write};

/// How tightly each form binds; a part weaker than its place gets parentheses.
mod level {
    pub(super) const PIPE: u8 = 0;
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const COMPARE: u8 = 4;
    pub(super) const ADD: u8 = 5;
    pub(super) const MULTIPLY: u8 = 6;
    pub(super) const NEGATE: u8 = 7;
    pub(super) const POWER: u8 = 8;
    pub(super) const MEMBER: u8 = 9;
    pub(super) const WHOLE: u8 = 10;
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_at(f, self, level::PIPE)
    }
}

impl Display for Signature {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name.name)?;
        for (at, Param { name, default }) in self.params.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(&name.name)?;
            if let Some(default) = default {
                write!(f, "={default}")?;
            }
        }
        f.write_char(')')
    }
}

/// A number as the language writes it: the shortest text that reads back as the same bits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) { format!("{value:e}") } else { format!("{value}") }
}

fn write_at(f: &mut Formatter<'_>, expr: &Expr, place: u8) -> fmt::Result {
    if level(&expr.kind) >= place {
        return write_kind(f, &expr.kind);
    }
    f.write_char('(')?;
    write_kind(f, &expr.kind)?;
    f.write_char(')')
}

fn write_kind(f: &mut Formatter<'_>, kind: &ExprKind) -> fmt::Result {
    match kind {
        ExprKind::Number(value) => f.write_str(&number(*value)),
        ExprKind::Text(text) => write_text(f, text),
        ExprKind::Bool(value) => write!(f, "{value}"),
        ExprKind::Null => f.write_str("null"),
        ExprKind::Name(name) => f.write_str(name),
        ExprKind::Member(of, member) => {
            // After a number the dot would read as part of it.
            let place = if matches!(of.kind, ExprKind::Number(_)) { level::WHOLE + 1 } else { level::MEMBER };
            write_at(f, of, place)?;
            write!(f, ".{}", member.name)
        }
        ExprKind::Unary(UnaryOp::Neg, value) => {
            f.write_char('-')?;
            write_at(f, value, level::NEGATE)
        }
        ExprKind::Unary(UnaryOp::Not, value) => {
            f.write_str("not ")?;
            write_at(f, value, level::NOT)
        }
        ExprKind::Binary(op, left, right) => {
            let (sign, own, left_place, right_place) = binary(*op);
            debug_assert!(own <= left_place.max(right_place));
            write_at(f, left, left_place)?;
            write!(f, " {sign} ")?;
            write_at(f, right, right_place)
        }
        ExprKind::If(condition, yes, no) => write!(f, "if({condition}, {yes}, {no})"),
        ExprKind::List(items) => {
            f.write_char('[')?;
            for (at, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
            }
            f.write_char(']')
        }
        ExprKind::Call { callee, args, piped } => match args.split_first() {
            Some((Arg { name: None, value }, rest)) if *piped => {
                write_at(f, value, level::PIPE)?;
                write!(f, " |> {}", callee.name)?;
                if rest.is_empty() { Ok(()) } else { write_args(f, rest) }
            }
            _ => {
                f.write_str(&callee.name)?;
                write_args(f, args)
            }
        },
    }
}

fn write_args(f: &mut Formatter<'_>, args: &[Arg]) -> fmt::Result {
    f.write_char('(')?;
    for (at, Arg { name, value }) in args.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        if let Some(name) = name {
            write!(f, "{}=", name.name)?;
        }
        write!(f, "{value}")?;
    }
    f.write_char(')')
}

fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn level(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Call { args, piped: true, .. } if args.first().is_some_and(|arg| arg.name.is_none()) => level::PIPE,
        ExprKind::Binary(op, ..) => binary(*op).1,
        ExprKind::Unary(UnaryOp::Not, _) => level::NOT,
        ExprKind::Unary(UnaryOp::Neg, _) => level::NEGATE,
        ExprKind::Number(value) if value.is_sign_negative() => level::NEGATE,
        ExprKind::Member(..) => level::MEMBER,
        _ => level::WHOLE,
    }
}

/// Sign, own level, weakest level on the left, weakest level on the right.
fn binary(op: BinaryOp) -> (&'static str, u8, u8, u8) {
    let left = |sign, own: u8| (sign, own, own, own + 1);
    let alone = |sign| (sign, level::COMPARE, level::COMPARE + 1, level::COMPARE + 1);
    match op {
        BinaryOp::Or => left("or", level::OR),
        BinaryOp::And => left("and", level::AND),
        BinaryOp::Eq => alone("=="),
        BinaryOp::Ne => alone("!="),
        BinaryOp::Lt => alone("<"),
        BinaryOp::Le => alone("<="),
        BinaryOp::Gt => alone(">"),
        BinaryOp::Ge => alone(">="),
        BinaryOp::Add => left("+", level::ADD),
        BinaryOp::Sub => left("-", level::ADD),
        BinaryOp::Mul => left("*", level::MULTIPLY),
        BinaryOp::Div => left("/", level::MULTIPLY),
        BinaryOp::Rem => left("%", level::MULTIPLY),
        BinaryOp::Pow => ("^", level::POWER, level::POWER + 1, level::POWER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;
    use crate::diag::offset::OffsetMap;
    use crate::expr::ast::Ident;
    use crate::expr::parse::parse;
    use proptest::prelude::*;

    fn printed(text: &str) -> String {
        parse(text, &OffsetMap::straight(Default::default(), 0, text.len())).unwrap().to_string()
    }

    #[test]
    fn parentheses_stand_only_where_needed() {
        for (text, expected) in [
            ("(a + b) * c", "(a + b) * c"),
            ("(a * b) + c", "a * b + c"),
            ("a - (b - c)", "a - (b - c)"),
            ("(a ^ b) ^ c", "(a ^ b) ^ c"),
            ("a ^ (b ^ c)", "a ^ b ^ c"),
            ("(-a) ^ 2", "(-a) ^ 2"),
            ("not (a and b)", "not (a and b)"),
            ("not (a == b)", "not a == b"),
            ("(x |> f) + 1", "(x |> f) + 1"),
            ("f((x|>g), k=[1,2])|>h(3)", "f(x |> g, k=[1, 2]) |> h(3)"),
            ("(5).x", "(5).x"),
            ("if(a, 1e-8, 3d)", "if(a, 1e-8, 259200)"),
            ("'a\"b\\\\c'", "\"a\\\"b\\\\c\""),
        ] {
            assert_eq!(printed(text), expected);
        }
    }

    #[test]
    fn numbers_read_back_as_the_same_bits() {
        for value in [0.0, 0.1, 1e-8, 5e-324, f64::MAX, 123456789.125, 1e21, 86400.0] {
            assert_eq!(number(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    fn expr() -> impl Strategy<Value = Expr> {
        let at = |kind| Expr { kind, span: Span::default() };
        let ident = || "[a-z_][a-z0-9_]{0,6}x".prop_map(|name| Ident { name, span: Span::default() });
        let leaf = prop_oneof![
            (0.0..1e20_f64).prop_map(ExprKind::Number),
            "[ -~\n\té日]{0,8}".prop_map(ExprKind::Text),
            any::<bool>().prop_map(ExprKind::Bool),
            Just(ExprKind::Null),
            ident().prop_map(|ident| ExprKind::Name(ident.name)),
        ]
        .prop_map(at);
        let ops = proptest::sample::select(vec![
            BinaryOp::Or,
            BinaryOp::And,
            BinaryOp::Eq,
            BinaryOp::Ne,
            BinaryOp::Lt,
            BinaryOp::Le,
            BinaryOp::Gt,
            BinaryOp::Ge,
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Rem,
            BinaryOp::Pow,
        ]);
        leaf.prop_recursive(6, 60, 4, move |inner| {
            let boxed = || inner.clone().prop_map(Box::new);
            let args = proptest::collection::vec((proptest::option::of(ident()), inner.clone()), 0..4);
            let op = proptest::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]);
            prop_oneof![
                (boxed(), ident()).prop_map(|(of, member)| ExprKind::Member(of, member)),
                (op, boxed()).prop_map(|(op, value)| ExprKind::Unary(op, value)),
                (ops.clone(), boxed(), boxed()).prop_map(|(op, left, right)| ExprKind::Binary(op, left, right)),
                (boxed(), boxed(), boxed()).prop_map(|(c, a, b)| ExprKind::If(c, a, b)),
                proptest::collection::vec(inner.clone(), 0..4).prop_map(ExprKind::List),
                (ident(), args, any::<bool>()).prop_map(|(callee, mut args, piped)| {
                    args.sort_by_key(|(name, _)| name.as_ref().map(|name| name.name.clone()));
                    args.dedup_by(|(a, _), (b, _)| a.is_some() && a == b);
                    let args: Vec<Arg> = args.into_iter().map(|(name, value)| Arg { name, value }).collect();
                    let piped = piped && args.first().is_some_and(|arg| arg.name.is_none());
                    ExprKind::Call { callee, args, piped }
                }),
            ]
            .prop_map(at)
        })
    }

    proptest! {
        #[test]
        fn every_tree_reads_back_from_its_text(expr in expr()) {
            let text = expr.to_string();
            let map = OffsetMap::straight(Default::default(), 0, text.len());
            let read = parse(&text, &map).map_err(|error| TestCaseError::fail(format!("{text}: {}", error.title)))?;
            prop_assert_eq!(crate::diag::without_spans(&read), crate::diag::without_spans(&expr));
        }
    }
}
