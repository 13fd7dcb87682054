//! The commonest slip of a spec: a flow map `{...}` or list `[...]` ends a value at the first comma of its call.
//!
//! `{click: bce(a, b)}` is, to YAML, a map of two keys, `click` and `b)`. Such a map is put together again after the finding, so that one slip is one
//! finding.

use super::node::{Entry, Node, NodeKind, Scalar};
use crate::diag::offset::OffsetMap;
use crate::diag::{Diagnostic, Diags, FileId, Span};
use crate::expr::parse::each_bracket;

/// Whether a plain text opens more brackets than it closes.
pub(super) fn is_open(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.plain && balance(&scalar.text) > 0)
}

/// Joins the entries of a flow map that a comma inside a call tore apart.
pub(super) fn mend_map(entries: &mut Vec<Entry>, file: FileId, text: &str, offset: usize, diags: &mut Diags) {
    let mut mended: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut torn = false;
    for entry in entries.drain(..) {
        let piece = if entry.value.is_null() { entry.key_span } else { entry.value.span };
        match mended.last_mut() {
            Some(last) if torn => torn = !join(&mut last.value, piece.end, file, text, offset),
            _ => {
                if is_open(&entry.value)
                    && let Some(finding) = finding(&entry.value, file, text, offset)
                {
                    diags.push(finding.help(format!("or write `{}` in block style, one entry a line", entry.key.text)));
                    torn = true;
                }
                mended.push(entry);
            }
        }
    }
    *entries = mended;
}

/// Joins the items of a flow list that a comma inside a call tore apart.
pub(super) fn mend_list(items: &mut Vec<Node>, file: FileId, text: &str, offset: usize, diags: &mut Diags) {
    let mut mended: Vec<Node> = Vec::with_capacity(items.len());
    let mut torn = false;
    for item in items.drain(..) {
        match mended.last_mut() {
            Some(last) if torn => torn = !join(last, item.span.end, file, text, offset),
            _ => {
                if is_open(&item)
                    && let Some(finding) = finding(&item, file, text, offset)
                {
                    diags.push(finding);
                    torn = true;
                }
                mended.push(item);
            }
        }
    }
    *items = mended;
}

/// What is said about an open value; none if no bracket on the rest of its line closes it.
pub(super) fn finding(node: &Node, file: FileId, text: &str, offset: usize) -> Option<Diagnostic> {
    let start = (node.span.start as usize).checked_sub(offset)?;
    let line = text.get(start..)?.lines().next()?;
    let (mut depth, mut end) = (0_usize, None);
    each_bracket(line, |at, bracket| {
        depth = if matches!(bracket, '(' | '[') { depth + 1 } else { depth.saturating_sub(1) };
        if depth == 0 && end.is_none() {
            end = Some(at + 1);
        }
    });
    let whole = line.get(..end?)?;
    let title = format!("the comma inside `{whole}` ends the value, for it stands in a flow map or list");
    let span = Span::new(file, offset + start, offset + start + whole.len());
    Some(Diagnostic::new("E0106", title).at(span, "").help(format!("put it into quotes: {}", quoted(whole))))
}

/// Lengthens an open value to `end`; whether it is closed now.
fn join(value: &mut Node, end: u32, file: FileId, text: &str, offset: usize) -> bool {
    let start = value.span.start;
    let from = (start as usize).saturating_sub(offset);
    let Some(source) = text.get(from..(end as usize).saturating_sub(offset)) else { return true };
    value.span.end = end;
    let map = OffsetMap::straight(file, start as usize, source.len());
    value.kind = NodeKind::Scalar(Scalar { text: source.to_owned(), plain: true, map });
    balance(source) <= 0
}

fn balance(text: &str) -> i64 {
    let mut depth = 0;
    each_bracket(text, |_, bracket| depth += if matches!(bracket, '(' | '[') { 1 } else { -1 });
    depth
}

/// A text as a quoted YAML scalar, in backticks.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("`'{}'`", text.replace('\'', "''")) } else { format!("`\"{text}\"`") }
}
