//! `axes:`, each of exactly one origin.

use super::samples::draw;
use super::{Fields, Reader};
use crate::diag::near::list;
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::Ident;
use crate::syntax::node::{Entry, Node};
use crate::syntax::spec::{AxisOrigin, AxisSpec};

/// An origin: the key that names it, how it is called, the other keys it reads, its reader.
struct Origin {
    key: &'static str,
    what: &'static str,
    keys: &'static [&'static str],
    read: fn(&mut Reader<'_>, &Fields<'_>) -> Option<AxisOrigin>,
}

const ORIGINS: &[Origin] = &[
    Origin { key: "from", what: "an axis of events", keys: &["from", "by", "where", "last", "delay"], read: events },
    Origin {
        key: "columns",
        what: "an axis of list columns",
        keys: &["columns", "order", "last", "separator"],
        read: columns,
    },
    Origin { key: "within", what: "an axis of visits", keys: &["within", "gap", "column", "last"], read: within },
    Origin { key: "list", what: "an axis of a list", keys: &["list", "order", "max", "cut"], read: slate },
    Origin {
        key: "draw",
        what: "a drawn axis",
        keys: &["draw", "n", "by", "power", "not_in", "along", "seed"],
        read: drawn,
    },
];

/// One axis.
pub(super) fn axis(r: &mut Reader<'_>, entry: &Entry) -> Option<AxisSpec> {
    let node = &entry.value;
    let place = |key: &str| node.entries().iter().find(|entry| entry.key.text == key).map(|entry| entry.key_span);
    let present: Vec<(&str, Option<Span>)> = ORIGINS.iter().map(|origin| (origin.key, place(origin.key))).collect();
    if !r.exclusive("an axis", &present) {
        return None;
    }
    let Some(origin) = ORIGINS.iter().find(|origin| node.get(origin.key).is_some()) else {
        let keys: Vec<&str> = ORIGINS.iter().map(|origin| origin.key).collect();
        let all: Vec<&str> = ORIGINS.iter().flat_map(|origin| origin.keys).copied().collect();
        r.map(node, "an axis", entry.key_span, &all)?;
        r.push(
            Diagnostic::new("E0105", "an axis needs an origin")
                .at(entry.key_span, format!("expected {}", list(&keys, "or"))),
        );
        return None;
    };
    let fields = r.map(node, origin.what, entry.key_span, origin.keys)?;
    Some(AxisSpec { origin: (origin.read)(r, &fields)?, span: fields.span })
}

fn events(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<AxisOrigin> {
    let from = r.required(fields, "from").and_then(|node| r.ident(node));
    let by = r.required(fields, "by").and_then(|node| r.ident(node));
    let last = fields.get("last").map(|node| r.whole(node, 1));
    let filter = fields.get("where").map(|node| r.expr(node));
    let delay = fields.get("delay").and_then(|node| r.seconds(node)).unwrap_or(0.0);
    let filter = match filter {
        Some(filter) => Some(filter?),
        None => None,
    };
    let last = match last {
        Some(last) => Some(last?),
        None => None,
    };
    Some(AxisOrigin::From { from: from?, by: by?, filter, last, delay })
}

fn columns(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<AxisOrigin> {
    let node = r.required(fields, "columns")?;
    let mut columns: Vec<(Ident, Ident)> = Vec::new();
    if node.entries().is_empty() {
        r.wrong(node, "a map from features to the columns that list them, such as `{movie: hist_movies}`");
        return None;
    }
    for entry in node.entries() {
        let feature = Ident { name: entry.key.text.clone(), span: entry.key_span };
        columns.extend(r.ident(&entry.value).map(|column| (feature, column)));
    }
    let last = r.required(fields, "last").and_then(|node| r.whole(node, 1));
    let order =
        r.required(fields, "order").and_then(|node| r.choice(node, &[("newest_first", true), ("oldest_first", false)]));
    let separator = fields.get("separator").and_then(|node| r.raw(node));
    (columns.len() == node.entries().len()).then_some(())?;
    Some(AxisOrigin::Columns { columns, newest_first: order?.value, last: last?, separator })
}

fn within(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<AxisOrigin> {
    let axis = r.required(fields, "within").and_then(|node| r.ident(node));
    let place = |key: &str| fields.entry(key).map(|entry| entry.key_span);
    if !r.exclusive(fields.what, &[("gap", place("gap")), ("column", place("column"))]) {
        return None;
    }
    if place("gap").is_none() && place("column").is_none() {
        r.push(
            Diagnostic::new("E0105", format!("{} needs `gap` or `column`", fields.what))
                .at(fields.at, "what parts one visit from the next is missing"),
        );
        return None;
    }
    let gap = fields.get("gap").and_then(|node| r.seconds(node));
    let column = fields.get("column").and_then(|node| r.ident(node));
    let last = fields.get("last").and_then(|node| r.whole(node, 1));
    Some(AxisOrigin::Within { axis: axis?, gap, column, last })
}

fn slate(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<AxisOrigin> {
    let optional = |r: &mut Reader<'_>, node: Option<&Node>| node.and_then(|node| r.ident(node));
    let by = r.required(fields, "list").and_then(|node| r.ident(node));
    let max = r.required(fields, "max").and_then(|node| r.whole(node, 1));
    let order = optional(r, fields.get("order"));
    let cut = fields.get("cut").and_then(|node| r.flag(node)).unwrap_or(false);
    Some(AxisOrigin::List { by: by?, order, max: max?, cut })
}

fn drawn(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<AxisOrigin> {
    draw(r, fields, "draw").map(AxisOrigin::Draw)
}
