//! `samples:`: what a sample is, its labels, its parts, and draws.

use super::source::time;
use super::{Fields, Reader};
use crate::diag::{Diagnostic, Span};
use crate::syntax::node::{Entry, Node, NodeKind};
use crate::syntax::spec::{
    Downsample, DrawBy, DrawSpec, Join, JoinMissing, LabelSpec, Part, Per, Samples, Spanned, Split, Ties,
};

pub(super) const SAMPLES: &[&str] =
    &["from", "per", "join", "time", "labels", "outcomes", "split", "negatives", "downsample", "ties"];
const DRAW: &[&str] = &["n", "of", "by", "power", "not_in", "along", "seed"];
const PARTS: &[(&str, Part)] = &[("train", Part::Train), ("valid", Part::Valid), ("test", Part::Test)];

/// Reads `samples:`.
pub(super) fn samples(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Samples> {
    let fields = r.map(node, "samples", at, SAMPLES)?;
    let from = r.required(&fields, "from").and_then(|node| r.ident(node));
    let samples = Samples {
        per: fields.get("per").and_then(|node| per(r, node)).unwrap_or_default(),
        join: joins(r, fields.get("join")),
        time: fields.get("time").and_then(|node| time(r, node, fields.place("time"))),
        labels: r.named(fields.get("labels"), label),
        outcomes: fields.get("outcomes").and_then(|node| r.idents(node)).unwrap_or_default(),
        split: fields.get("split").and_then(|node| {
            let value = split(r, node, fields.place("split"))?;
            Some(Spanned { value, span: node.span })
        }),
        negatives: fields.get("negatives").and_then(|node| {
            let draw_fields = r.map(node, "negatives", fields.place("negatives"), DRAW)?;
            draw(r, &draw_fields, "of")
        }),
        downsample: fields.get("downsample").and_then(|node| downsample(r, node, fields.place("downsample"))),
        ties: fields
            .get("ties")
            .and_then(|node| r.choice(node, &[("out", Ties::Out), ("row_order", Ties::RowOrder)]))
            .map_or(Ties::default(), |choice| choice.value),
        span: fields.span,
        from: from?,
    };
    Some(samples)
}

/// `row`, `user`, or `steps of 10`.
fn per(r: &mut Reader<'_>, node: &Node) -> Option<Per> {
    let Some(text) = node.text().and_then(|text| text.strip_prefix("steps of ")) else {
        return r
            .choice(node, &[("row", 0), ("user", 1), ("steps of 10", 2)])
            .map(|word| if word.value == 0 { Per::Row } else { Per::User });
    };
    let steps = r
        .text(node)?
        .value
        .strip_prefix("steps of ")
        .and_then(|count| count.trim().parse::<u32>().ok())
        .filter(|steps| *steps > 0);
    if steps.is_none() {
        r.wrong(node, &format!("`steps of` and a whole number from 1 on instead of `{text}`"));
    }
    steps.map(Per::Steps)
}

fn joins(r: &mut Reader<'_>, node: Option<&Node>) -> Vec<Join> {
    const MISSING: &[(&str, JoinMissing)] =
        &[("null", JoinMissing::Null), ("drop", JoinMissing::Drop), ("error", JoinMissing::Error)];
    let read = |r: &mut Reader<'_>, entry: &Entry| {
        if matches!(entry.value.kind, NodeKind::Scalar(_)) {
            return r.ident(&entry.value).map(|column| (column, JoinMissing::default()));
        }
        let fields = r.map(&entry.value, "a join", entry.key_span, &["column", "missing"])?;
        let column = r.required(&fields, "column").and_then(|node| r.ident(node));
        let missing = fields
            .get("missing")
            .and_then(|node| r.choice(node, MISSING))
            .map_or(JoinMissing::default(), |choice| choice.value);
        Some((column?, missing))
    };
    r.named(node, read)
        .into_iter()
        .map(|named| Join { source: named.name, column: named.value.0, missing: named.value.1 })
        .collect()
}

fn label(r: &mut Reader<'_>, entry: &Entry) -> Option<LabelSpec> {
    if !matches!(entry.value.kind, NodeKind::Map(_)) {
        return r.expr(&entry.value).map(|is| LabelSpec { is, known_after: None });
    }
    let fields = r.map(&entry.value, "a label", entry.key_span, &["is", "known_after"])?;
    let is = r.required(&fields, "is").and_then(|node| r.expr(node));
    Some(LabelSpec { known_after: fields.get("known_after").and_then(|node| r.seconds(node)), is: is? })
}

/// How a split is made: the word of `by`, what an error calls it, its keys.
const METHODS: &[(&str, (&str, &[&str]))] = &[
    ("time", ("a split by time", &["by", "parts"])),
    ("leave_one_out", ("a split by leave_one_out", &["by", "of"])),
    ("random", ("a random split", &["by", "of", "parts", "seed"])),
];

fn split(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Split> {
    let place = |key: &str| node.entries().iter().find(|entry| entry.key.text == key).map(|entry| entry.key_span);
    let part = PARTS.iter().map(|(part, _)| *part).find(|part| node.get(part).is_some());
    if let Some(part) = part {
        if !r.exclusive("a split", &[("by", place("by")), (part, place(part))]) {
            return None;
        }
        let fields = r.map(node, "a split by expressions", at, &["train", "valid", "test"])?;
        return parts_of(r, &fields);
    }
    let Some(by) = node.get("by") else {
        let fields = r.map(node, "a split", at, &["by", "of", "parts", "seed", "train", "valid", "test"])?;
        r.required(&fields, "by");
        return None;
    };
    let (what, keys) = r.choice(by, METHODS)?.value;
    let fields = r.map(node, what, at, keys)?;
    if !keys.contains(&"parts") {
        return r.required(&fields, "of").and_then(|node| r.ident(node)).map(Split::LeaveOneOut);
    }
    let parts = fractions(r, &fields);
    if !keys.contains(&"of") {
        return parts.map(Split::Time);
    }
    let of = fields.get("of").and_then(|node| r.ident(node));
    let seed = fields.get("seed").and_then(|node| r.seed(node)).unwrap_or(1);
    Some(Split::Random { of, parts: parts?, seed })
}

/// `parts:`, which are two or three and add up to 1.
fn fractions(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<f64>> {
    let node = r.required(fields, "parts")?;
    let positive = |r: &mut Reader<'_>, item: &Node| {
        r.number_where(item, "a fraction between 0 and 1", |value| (0.0..=1.0).contains(&value))
    };
    let parts = r.list(node, "fractions", positive)?;
    let sum: f64 = parts.iter().sum();
    let title = match parts.len() {
        2 | 3 if (sum - 1.0).abs() < 1e-6 => return Some(parts),
        2 | 3 => format!(
            "the parts of the split add up to {}, not to 1",
            crate::expr::print::number((sum * 1e9).round() / 1e9)
        ),
        count => format!("expected two or three parts (train, validation, test), found {count}"),
    };
    r.push(Diagnostic::new("E0123", title).at(node.span, "").help("for example `parts: [0.8, 0.1, 0.1]`"));
    None
}

/// `{train: EXPR, ...}` or `{train: {from: a}, ...}`.
fn parts_of(r: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Split> {
    r.required(fields, "train")?;
    let (mut conditions, mut sources, mut good) = (Vec::new(), Vec::new(), true);
    for (word, part) in PARTS {
        let Some(entry) = fields.entry(word) else { continue };
        if matches!(entry.value.kind, NodeKind::Map(_)) {
            let own = r.map(&entry.value, "a part", entry.key_span, &["from"])?;
            let source = r.required(&own, "from").and_then(|node| r.ident(node));
            good &= source.is_some();
            sources.extend(source.map(|source| (*part, source, entry.key_span)));
        } else {
            let condition = r.expr(&entry.value);
            good &= condition.is_some();
            conditions.extend(condition.map(|condition| (*part, condition, entry.key_span)));
        }
    }
    let (condition, source) = (conditions.first().map(|part| part.2), sources.first().map(|part| part.2));
    if let (Some(condition), Some(source)) = (condition, source) {
        let finding =
            Diagnostic::new("E0116", "a split is by expressions or by sources, not by both").at(source, "a source");
        r.push(finding.at(condition, "an expression"));
        return None;
    }
    if !good {
        return None;
    }
    Some(match source {
        None => Split::Where(conditions.into_iter().map(|(part, condition, _)| (part, condition)).collect()),
        Some(_) => Split::From(sources.into_iter().map(|(part, source, _)| (part, source)).collect()),
    })
}

/// A draw of ids; `of` is the key that says of what.
pub(super) fn draw(r: &mut Reader<'_>, fields: &Fields<'_>, of: &str) -> Option<DrawSpec> {
    let what = r.required(fields, of).and_then(|node| r.ident(node));
    let n = r.required(fields, "n").and_then(|node| r.whole(node, 1));
    let by = r
        .required(fields, "by")
        .and_then(|node| r.choice(node, &[("uniform", DrawBy::Uniform), ("popularity", DrawBy::Popularity)]));
    Some(DrawSpec {
        power: fields.get("power").and_then(|node| r.number(node)).map_or(1.0, |power| power.value),
        not_in: fields.get("not_in").and_then(|node| r.idents(node)).unwrap_or_default(),
        along: fields.get("along").and_then(|node| r.idents(node)).unwrap_or_default(),
        seed: fields.get("seed").and_then(|node| r.seed(node)).unwrap_or(1),
        n: n?.value,
        of: what?,
        by: by?.value,
    })
}

fn downsample(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Downsample> {
    let fields = r.map(node, "downsample", at, &["where", "keep"])?;
    let filter = r.required(&fields, "where").and_then(|node| r.expr(node));
    let keep = r
        .required(&fields, "keep")
        .and_then(|node| r.number_where(node, "a share above 0, at most 1", |keep| keep > 0.0 && keep <= 1.0));
    Some(Downsample { filter: filter?, keep: keep? })
}
