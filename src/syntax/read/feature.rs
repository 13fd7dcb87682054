//! `tables:` and `features:`.

use super::{Fields, Reader};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::Ident;
use crate::expr::parse::is_name;
use crate::syntax::constant::rename;
use crate::syntax::node::{Entry, Node, NodeKind};
use crate::syntax::spec::{
    Edges, FeatureKind, FeatureSpec, Fill, Missing, Named, Pool, Scale, Side, Spanned, TableSpec, Tuning, Vectors,
};

const TABLE: &[&str] = &["dim", "of", "min_count", "unknown", "hash", "size", "init", "l2", "from", "train", "missing"];
const VECTORS: &[&str] = &["path", "key", "column", "columns"];
pub(super) const FEATURE: &[&str] = &[
    "type",
    "column",
    "columns",
    "value",
    "side",
    "table",
    "dim",
    "min_count",
    "hash",
    "size",
    "init",
    "l2",
    "separator",
    "pool",
    "max",
    "scale",
    "edges",
    "missing",
    "serve_as",
];

const KINDS: &[(&str, FeatureKind)] = &[
    ("id", FeatureKind::Id),
    ("ids", FeatureKind::Ids),
    ("number", FeatureKind::Number),
    ("bucket", FeatureKind::Bucket),
    ("vector", FeatureKind::Vector),
];
const SIDES: &[(&str, Side)] = &[("user", Side::User), ("item", Side::Item), ("context", Side::Context)];
const POOLS: &[(&str, Pool)] = &[("mean", Pool::Mean), ("sum", Pool::Sum), ("none", Pool::None)];
const SCALES: &[(&str, Scale)] = &[("none", Scale::None), ("zscore", Scale::Zscore), ("minmax", Scale::Minmax)];

/// Most features that one description spreads to.
const MAX_SPREAD: u32 = 100_000;

/// One table.
pub(super) fn table(r: &mut Reader<'_>, entry: &Entry) -> Option<TableSpec> {
    let fields = r.map(&entry.value, "a table", entry.key_span, TABLE)?;
    if let Some(node) = fields.get("unknown") {
        r.choice(node, &[("shared", ())]);
    }
    let missing_mean = fields
        .get("missing")
        .and_then(|node| r.choice(node, &[("mean", true), ("zeros", false)]))
        .is_none_or(|choice| choice.value);
    let mut table = own_table(r, &fields);
    table.of = fields.get("of").and_then(|node| r.ident(node));
    table.from = fields.get("from").and_then(|node| vectors(r, node, fields.place("from"), missing_mean));
    table.train = fields.get("train").and_then(|node| tuning(r, node, fields.place("train")));
    let place = |key: &str| fields.entry(key).map(|entry| entry.key_span);
    r.exclusive("a table", &[("of", place("of")), ("hash", place("hash")), ("size", place("size"))]);
    Some(table)
}

/// The keys of a table that a feature may carry itself.
fn own_table(r: &mut Reader<'_>, fields: &Fields<'_>) -> TableSpec {
    let mut whole = |key: &str, least: u32| fields.get(key).and_then(|node| r.whole(node, least));
    let (dim, min_count, hash, size) = (whole("dim", 1), whole("min_count", 1), whole("hash", 1), whole("size", 1));
    TableSpec {
        dim,
        of: None,
        min_count,
        hash,
        size,
        init: fields.get("init").and_then(|node| r.expr(node)),
        l2: fields.get("l2").and_then(|node| r.number_where(node, "a factor from 0 on", |factor| factor >= 0.0)),
        from: None,
        train: None,
        span: fields.span,
    }
}

fn vectors(r: &mut Reader<'_>, node: &Node, at: Span, missing_mean: bool) -> Option<Vectors> {
    let fields = r.map(node, "a file of vectors", at, VECTORS)?;
    let path = r.required(&fields, "path").and_then(|node| r.path(node));
    let key = r.required(&fields, "key").and_then(|node| r.ident(node));
    let place = |key: &str| fields.entry(key).map(|entry| entry.key_span);
    let columns = match (fields.get("column"), fields.get("columns")) {
        (Some(column), None) => r.ident(column).map(|column| vec![column]),
        (None, Some(columns)) => r.idents(columns),
        (Some(_), Some(_)) => {
            r.exclusive(fields.what, &[("column", place("column")), ("columns", place("columns"))]);
            None
        }
        (None, None) => {
            r.required(&fields, "column");
            None
        }
    };
    Some(Vectors { path: path?, key: key?, columns: columns?, missing_mean })
}

/// `frozen`, `tuned`, or `{after: 1 epoch}`.
fn tuning(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Spanned<Tuning>> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return r.choice(node, &[("frozen", Tuning::Frozen), ("tuned", Tuning::Tuned)]);
    }
    let fields = r.map(node, "the training of a table", at, &["after"])?;
    let epochs = r.required(&fields, "after").and_then(|node| r.counted(node, "epochs"))?;
    Some(Spanned { value: Tuning::AfterEpochs(u32::try_from(epochs).unwrap_or(u32::MAX)), span: node.span })
}

/// All features, and a group for each description that spreads out: `C1..C26`.
pub(super) fn features(r: &mut Reader<'_>, node: Option<&Node>) -> (Vec<Named<FeatureSpec>>, Vec<Named<Vec<Ident>>>) {
    let (mut features, mut groups) = (Vec::<Named<FeatureSpec>>::new(), Vec::new());
    let Some(node) = node else { return (features, groups) };
    if !matches!(node.kind, NodeKind::Map(_)) {
        r.wrong(node, "a map from names to features");
    }
    for entry in node.entries() {
        let mut prefix = None;
        let names = match spread(r, entry) {
            Names::One => vec![r.entry_name(entry)],
            Names::Bad => continue,
            Names::Many(group, names) => {
                let name = Ident { name: group.clone(), span: entry.key_span };
                groups.push(Named { name, value: names.clone() });
                prefix = Some(group);
                names
            }
        };
        let Some(value) = feature(r, entry) else {
            r.broken.extend(names);
            continue;
        };
        for name in names {
            match features.iter().find(|other| other.name.name == name.name) {
                Some(other) => r.push(super::taken(&name, other.name.span, "")),
                None => {
                    let mut value = value.clone();
                    // In the value of `I1..I13`, `I` is the column of each: `log(1 + I)`.
                    if let (Some(prefix), Some(expr)) = (&prefix, &mut value.value) {
                        rename(expr, prefix, &name.name);
                    }
                    features.push(Named { name, value });
                }
            }
        }
    }
    (features, groups)
}

enum Names {
    One,
    Many(String, Vec<Ident>),
    Bad,
}

/// The names of `C1..C26`.
fn spread(r: &mut Reader<'_>, entry: &Entry) -> Names {
    let Some((first, last)) = entry.key.text.split_once("..") else { return Names::One };
    let numbered = |text: &str| {
        let prefix = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = text.get(prefix.len()..).unwrap_or("");
        let padded = digits.len() > 1 && digits.starts_with('0');
        digits
            .parse::<u32>()
            .ok()
            .filter(|_| is_name(prefix))
            .map(|number| (prefix.to_owned(), number, padded.then_some(digits.len())))
    };
    match (numbered(first), numbered(last)) {
        (Some((prefix, from, width)), Some((other, to, _)))
            if prefix == other && from <= to && to - from < MAX_SPREAD =>
        {
            let width = width.unwrap_or(0);
            let names = (from..=to)
                .map(|number| Ident { name: format!("{prefix}{number:0width$}"), span: entry.key_span })
                .collect();
            Names::Many(prefix, names)
        }
        _ => {
            let finding =
                Diagnostic::new("E0118", format!("`{}` does not spread out", entry.key.text)).at(entry.key_span, "");
            r.push(finding.help(
                "one prefix and two rising numbers, as in `C1..C26`, give `C1`, `C2` and so on, and the group `C`",
            ));
            Names::Bad
        }
    }
}

fn feature(r: &mut Reader<'_>, entry: &Entry) -> Option<FeatureSpec> {
    let node = &entry.value;
    let fields = match node.kind {
        // `user: id` is short for `user: {type: id}`.
        NodeKind::Scalar(_) => Fields { entries: &[], what: "a feature", at: entry.key_span, span: node.span },
        _ => r.map(node, "a feature", entry.key_span, FEATURE)?,
    };
    let kind = match node.kind {
        NodeKind::Scalar(_) => r.choice(node, KINDS),
        _ => r.required(&fields, "type").and_then(|node| r.choice(node, KINDS)),
    };
    let place = |key: &str| fields.entry(key).map(|entry| entry.key_span);
    r.exclusive("a feature", &[("column", place("column")), ("columns", place("columns")), ("value", place("value"))]);
    r.exclusive("a feature", &[("hash", place("hash")), ("size", place("size")), ("table", place("table"))]);
    let value = fields.get("value").map(|node| r.expr(node));
    let feature = FeatureSpec {
        column: fields.get("column").and_then(|node| r.ident(node)),
        columns: fields.get("columns").and_then(|node| r.idents(node)),
        value: value.clone().flatten(),
        side: fields.get("side").and_then(|node| r.choice(node, SIDES)),
        table: fields.get("table").and_then(|node| r.ident(node)),
        own_table: own_table(r, &fields),
        separator: fields.get("separator").and_then(|node| r.raw(node)),
        pool: fields.get("pool").and_then(|node| r.choice(node, POOLS)).map_or(Pool::default(), |choice| choice.value),
        max: fields.get("max").and_then(|node| r.whole(node, 1)),
        scale: fields
            .get("scale")
            .and_then(|node| r.choice(node, SCALES))
            .map_or(Scale::default(), |choice| choice.value),
        edges: fields.get("edges").and_then(|node| edges(r, node)),
        missing: fields.get("missing").and_then(|node| missing(r, node, fields.place("missing"))).unwrap_or_default(),
        serve_as: fields.get("serve_as").and_then(|node| r.number(node)),
        span: fields.span,
        kind: kind?,
    };
    let unreadable = matches!(value, Some(None));
    (!unreadable).then_some(feature)
}

/// A count of buckets, or their edges in rising order.
fn edges(r: &mut Reader<'_>, node: &Node) -> Option<Spanned<Edges>> {
    if !matches!(node.kind, NodeKind::Seq(_)) {
        return r.whole(node, 2).map(|count| Spanned { value: Edges::Count(count.value), span: count.span });
    }
    let edges = r.list(node, "numbers", |r, item| r.number(item).map(|number| number.value))?;
    if edges.is_empty() || edges.windows(2).any(|pair| pair.first() >= pair.last()) {
        r.push(
            Diagnostic::new("E0112", "expected edges in rising order")
                .at(node.span, "")
                .help("n edges make n + 1 buckets"),
        );
        return None;
    }
    Some(Spanned { value: Edges::At(edges), span: node.span })
}

/// `{fill: mean, flag: true}`.
fn missing(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Missing> {
    let fields = r.map(node, "the treatment of missing numbers", at, &["fill", "flag"])?;
    let fill = match fields.get("fill") {
        None => Fill::default(),
        Some(node) if node.text() == Some("mean") => Fill::Mean,
        Some(node) => Fill::Value(r.number(node)?.value),
    };
    Some(Missing { fill, flag: fields.get("flag").and_then(|node| r.flag(node)).unwrap_or(false) })
}
