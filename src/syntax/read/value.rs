//! The kinds of value that a section is made of: texts, names, numbers, choices, expressions.

use super::Reader;
use crate::diag::near::{list, near};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};
use crate::expr::parse;
use crate::syntax::constant::Constants;
use crate::syntax::node::{Node, NodeKind, Scalar};
use crate::syntax::spec::Spanned;
use std::path::Path;

impl Reader<'_> {
    fn scalar<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n Scalar> {
        match &node.kind {
            NodeKind::Scalar(scalar) if !node.is_null() => Some(scalar),
            _ => {
                self.wrong(node, expected);
                None
            }
        }
    }

    /// A text with its constants filled in.
    pub(super) fn text(&mut self, node: &Node) -> Option<Spanned<String>> {
        let scalar = self.scalar(node, "a text")?;
        let value = self.constants.fill(&scalar.text, &scalar.map, node.span, self.diags)?;
        Some(Spanned { value, span: node.span })
    }

    /// A text that is data, such as a separator: braces in it are braces.
    pub(super) fn raw(&mut self, node: &Node) -> Option<Spanned<String>> {
        let scalar = self.scalar(node, "a text")?;
        Some(Spanned { value: scalar.text.clone(), span: node.span })
    }

    /// A path, relative to the base wherever the file that holds it is.
    pub(super) fn path(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node)?;
        let dir = self.dirs.iter().find(|(file, _)| *file == node.span.file).map_or(Path::new(""), |(_, dir)| dir);
        if dir.as_os_str().is_empty() {
            return Some(text);
        }
        let value = super::super::extend::plain(&dir.join(&text.value)).display().to_string();
        Some(Spanned { value, ..text })
    }

    /// A name of something: a column, a source, a feature.
    pub(super) fn ident(&mut self, node: &Node) -> Option<Ident> {
        let scalar = self.scalar(node, "a name")?;
        let name = self.constants.fill(&scalar.text, &scalar.map, node.span, self.diags)?;
        Some(Ident { name, span: node.span })
    }

    /// A list; every item is read.
    pub(super) fn list<T>(
        &mut self,
        node: &Node,
        expected: &str,
        read: impl Fn(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let NodeKind::Seq(items) = &node.kind else {
            let finding = Diagnostic::new("E0104", format!("expected a list of {expected}, found {}", node.found()))
                .at(node.span, "");
            let single = matches!(node.kind, NodeKind::Scalar(_)) && !node.is_null();
            self.push(if single {
                finding.help(format!("a list of one is `[{}]`", node.text().unwrap_or("")))
            } else {
                finding
            });
            return None;
        };
        let read: Vec<T> = items.iter().filter_map(|item| read(self, item)).collect();
        (read.len() == items.len()).then_some(read)
    }

    /// A list of names.
    pub(super) fn idents(&mut self, node: &Node) -> Option<Vec<Ident>> {
        self.list(node, "names", |r, item| r.ident(item))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, table: &[(&str, T)]) -> Option<Spanned<T>> {
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        let expected = list(&words, "or");
        // `null` and `none` are words here although YAML reads the first as nothing.
        let word = match &node.kind {
            NodeKind::Scalar(scalar) if !scalar.text.is_empty() => scalar.text.clone(),
            _ => {
                self.wrong(node, &expected);
                return None;
            }
        };
        let word =
            self.constants.fill(&word, &crate::diag::offset::OffsetMap::new(node.span.file), node.span, self.diags)?;
        let known = words.contains(&word.as_str());
        let word = match self.constants.get(&word).map(|value| &value.kind) {
            Some(ExprKind::Name(word) | ExprKind::Text(word)) if !known => word.clone(),
            _ => word,
        };
        if let Some((_, value)) = table.iter().find(|(known, _)| *known == word) {
            return Some(Spanned { value: *value, span: node.span });
        }
        let finding = Diagnostic::new("E0112", format!("expected {expected}, found `{word}`")).at(node.span, "");
        self.push(match near(&word, words) {
            Some(near) => finding.help(format!("`{near}` is one")),
            None => finding,
        });
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, node: &Node) -> Option<bool> {
        self.choice(node, &[("true", true), ("false", false)]).map(|flag| flag.value)
    }

    /// A number, which may be said with constants: `2 * keep`.
    pub(super) fn number(&mut self, node: &Node) -> Option<Spanned<f64>> {
        let scalar = self.scalar(node, "a number")?;
        let value = parse::parse(&scalar.text, &scalar.map).ok().and_then(|mut expr| {
            self.constants.substitute(&mut expr, &[]);
            fold(&expr)
        });
        if value.is_none() {
            self.wrong(node, "a number");
        }
        Some(Spanned { value: value?, span: node.span })
    }

    /// A number that holds a condition; `expected` says which.
    pub(super) fn number_where(&mut self, node: &Node, expected: &str, holds: impl Fn(f64) -> bool) -> Option<f64> {
        let number = self.number(node)?;
        if holds(number.value) {
            return Some(number.value);
        }
        self.push(Diagnostic::new("E0112", format!("expected {expected}, found {}", node.found())).at(node.span, ""));
        None
    }

    /// A whole number from `least` on.
    pub(super) fn whole(&mut self, node: &Node, least: u32) -> Option<Spanned<u32>> {
        let expected = format!("a whole number from {least} on");
        let value = self.number_where(node, &expected, |value| value.fract() == 0.0 && value >= f64::from(least))?;
        self.number_where(node, "a whole number below 2^32", |value| value <= f64::from(u32::MAX))?;
        Some(Spanned { value: value as u32, span: node.span })
    }

    /// A seed.
    pub(super) fn seed(&mut self, node: &Node) -> Option<u64> {
        let limit = 9_007_199_254_740_992.0; // 2^53: beyond it a number of the language is not exact
        self.number_where(node, "a whole number below 2^53", |value| {
            value.fract() == 0.0 && (0.0..limit).contains(&value)
        })
        .map(|value| value as u64)
    }

    /// A duration in seconds: `3d`, `30m`, or a number of seconds.
    pub(super) fn seconds(&mut self, node: &Node) -> Option<f64> {
        self.number_where(node, "a duration such as `3d`, `1h`, `30m` or `10s`", |value| value >= 0.0)
    }

    /// `5000 steps`, `1 epoch`: a count and what is counted. A count of one may leave out the plural's `s`.
    pub(super) fn counted(&mut self, node: &Node, unit: &str) -> Option<u64> {
        let scalar = self.scalar(node, &format!("a count such as `5 {unit}`"))?;
        let text = self.constants.fill(&scalar.text, &scalar.map, node.span, self.diags)?;
        let singular = unit.strip_suffix('s').unwrap_or(unit);
        let count = text.split_once(' ').and_then(|(count, word)| {
            let word = word.trim();
            let value = match self.constants.get(count).map(fold) {
                Some(value) => value?,
                None => count.parse::<u64>().ok()? as f64,
            };
            let whole = value.fract() == 0.0 && (0.0..1e15).contains(&value);
            ((word == unit || word == singular) && whole).then_some(value as u64)
        });
        if count.is_none() {
            self.wrong(node, &format!("a count such as `5 {unit}`"));
        }
        count
    }

    /// An expression with its constants in place.
    pub(super) fn expr(&mut self, node: &Node) -> Option<Expr> {
        self.expr_except(node, &[])
    }

    /// An expression in which the names in `local` are no constants.
    pub(super) fn expr_except(&mut self, node: &Node, local: &[&str]) -> Option<Expr> {
        if !matches!(node.kind, NodeKind::Scalar(_)) || node.is_null() {
            let finding =
                Diagnostic::new("E0104", format!("expected an expression, found {}", node.found())).at(node.span, "");
            self.push(match node.kind {
                NodeKind::Scalar(_) => finding.help("write it after the `: `, or on indented lines below"),
                _ => finding.help("an expression that starts with `[` or `{` goes into quotes"),
            });
            return None;
        }
        let NodeKind::Scalar(scalar) = &node.kind else { return None };
        match parse::parse(&scalar.text, &scalar.map) {
            Ok(mut expr) => {
                self.constants.substitute(&mut expr, local);
                match Constants::too_deep(&mut expr) {
                    None => Some(expr),
                    Some(finding) => {
                        self.push(finding);
                        None
                    }
                }
            }
            Err(finding) => {
                self.push(finding);
                None
            }
        }
    }

    /// Two keys of which one at most may stand.
    pub(super) fn exclusive(&mut self, what: &str, keys: &[(&str, Option<Span>)]) -> bool {
        let present: Vec<(&str, Span)> = keys.iter().filter_map(|(key, span)| span.map(|span| (*key, span))).collect();
        let [(first, first_span), (second, second_span), ..] = present.as_slice() else { return true };
        let finding = Diagnostic::new("E0116", format!("{what} has `{first}` and `{second}`, of which one may stand"));
        self.push(
            finding
                .at(*second_span, "")
                .at(*first_span, "")
                .help(format!("keep one of {}", list(&present.iter().map(|(key, _)| *key).collect::<Vec<_>>(), "and"))),
        );
        false
    }
}

/// The value of an expression of numbers.
fn fold(expr: &Expr) -> Option<f64> {
    let value = match &expr.kind {
        ExprKind::Number(value) => *value,
        ExprKind::Unary(UnaryOp::Neg, value) => -fold(value)?,
        ExprKind::Binary(op, left, right) => {
            let (left, right) = (fold(left)?, fold(right)?);
            match op {
                BinaryOp::Add => left + right,
                BinaryOp::Sub => left - right,
                BinaryOp::Mul => left * right,
                BinaryOp::Div => left / right,
                BinaryOp::Pow => left.powf(right),
                _ => return None,
            }
        }
        _ => return None,
    };
    value.is_finite().then_some(value)
}
