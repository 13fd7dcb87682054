//! `sources:`.

use super::Reader;
use crate::syntax::node::{Entry, Node, NodeKind};
use crate::syntax::spec::{Format, OnError, SourceSpec, Spanned, TimeSpec};

pub(super) const SOURCE: &[&str] =
    &["path", "format", "key", "columns", "delimiter", "encoding", "missing", "where", "time", "partition", "on_error"];
const TIME: &[&str] = &["column", "unit", "zone"];

const FORMATS: &[(&str, Format)] = &[
    ("csv", Format::Csv),
    ("jsonl", Format::Jsonl),
    ("parquet", Format::Parquet),
    ("libsvm", Format::Libsvm),
    ("sequences", Format::Sequences),
];
pub(in crate::syntax) const UNITS: &[(&str, &str)] =
    &[("s", "s"), ("ms", "ms"), ("us", "us"), ("ns", "ns"), ("day", "day")];

/// One source.
pub(super) fn source(r: &mut Reader<'_>, entry: &Entry) -> Option<SourceSpec> {
    let fields = r.map(&entry.value, "a source", entry.key_span, SOURCE)?;
    let paths = r.required(&fields, "path").and_then(|node| paths(r, node));
    Some(SourceSpec {
        format: fields.get("format").and_then(|node| r.choice(node, FORMATS)),
        key: fields.get("key").and_then(|node| r.ident(node)),
        columns: fields.get("columns").and_then(|node| r.idents(node)),
        delimiter: fields.get("delimiter").and_then(|node| delimiter(r, node)),
        encoding: fields.get("encoding").and_then(|node| r.text(node)),
        missing: fields
            .get("missing")
            .and_then(|node| r.list(node, "texts", |r, item| r.raw(item).map(|text| text.value))),
        filter: fields.get("where").and_then(|node| r.expr(node)),
        time: fields.get("time").and_then(|node| time(r, node, fields.place("time"))),
        partition: fields.get("partition").and_then(|node| r.ident(node)),
        on_error: fields
            .get("on_error")
            .and_then(|node| r.choice(node, &[("fail", OnError::Fail), ("skip", OnError::Skip)]))
            .map_or(OnError::default(), |choice| choice.value),
        paths: paths?,
        span: fields.span,
    })
}

fn paths(r: &mut Reader<'_>, node: &Node) -> Option<Vec<Spanned<String>>> {
    match &node.kind {
        NodeKind::Seq(_) => r.list(node, "paths", |r, item| r.path(item)),
        _ => r.path(node).map(|path| vec![path]),
    }
}

fn delimiter(r: &mut Reader<'_>, node: &Node) -> Option<Spanned<String>> {
    let text = r.raw(node)?;
    if text.value.is_empty() {
        r.wrong(node, "a character or several, such as `\",\"`, `\"\\t\"` or `\"::\"`");
        return None;
    }
    Some(Spanned { value: text.value, span: node.span })
}

/// `time:`: a column, or a map when more is to be said about it.
pub(super) fn time(r: &mut Reader<'_>, node: &Node, at: crate::diag::Span) -> Option<TimeSpec> {
    if matches!(node.kind, NodeKind::Scalar(_)) {
        return r.ident(node).map(|column| TimeSpec { column, unit: None, zone: None });
    }
    let fields = r.map(node, "time", at, TIME)?;
    let column = r.required(&fields, "column").and_then(|node| r.ident(node));
    let unit = fields.get("unit").and_then(|node| r.choice(node, UNITS));
    Some(TimeSpec {
        unit: unit.map(|unit| Spanned { value: unit.value.to_owned(), span: unit.span }),
        zone: fields.get("zone").and_then(|node| r.text(node)),
        column: column?,
    })
}
