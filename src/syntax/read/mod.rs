//! [`Node`] to [`Spec`]: one small reader per section over the kinds of value in `value.rs`.
//!
//! A reader that meets an error makes the finding and gives none; the entry is then left out and its name noted as broken, so that one slip neither
//! hides other findings nor draws findings after itself.

mod axis;
mod feature;
mod model;
mod samples;
mod source;
mod train;
mod value;

use super::constant::Constants;
use super::extend::Document;
use super::node::{Entry, Node, NodeKind};
use super::spec::{Named, Spec};
use crate::diag::near::{list, near};
use crate::diag::{Diagnostic, Diags, FileId, Span};
use crate::expr::ast::Ident;
use crate::expr::parse::is_name;
use std::path::PathBuf;

/// The version of the language, as `specrec:` says it.
const VERSION: &str = "1";

const SPEC: &[&str] = &[
    "specrec", "name", "let", "sources", "samples", "tables", "features", "groups", "axes", "runs", "blocks", "model",
    "losses", "outputs", "metrics", "train", "extends",
];

/// Maps whose keys are looked for in other places.
const HOMES: &[(&str, &[&str])] = &[
    ("`samples`", samples::SAMPLES),
    ("a source", source::SOURCE),
    ("a feature", feature::FEATURE),
    ("`train`", train::TRAIN),
    ("`optimizer` under `train`", train::OPTIMIZER),
    ("the spec itself", SPEC),
];

/// Reads a whole spec. None only if there is nothing to go on with: no samples.
pub(super) fn spec(document: &Document, stem: &str, base: PathBuf, diags: &mut Diags) -> Option<Spec> {
    let constants = document.root.get("let").map(|node| Constants::read(node, diags)).unwrap_or_default();
    let mut reader = Reader { constants: &constants, dirs: &document.dirs, diags, broken: Vec::new() };
    let r = &mut reader;
    let fields = r.map(&document.root, "a spec", Span { end: document.root.span.start, ..document.root.span }, SPEC)?;
    version(r, &fields);
    let name = fields.get("name").and_then(|node| r.ident(node));
    let (features, spread) = feature::features(r, fields.get("features"));
    let mut groups = r.named(fields.get("groups"), |r, entry| r.idents(&entry.value));
    for group in spread {
        match groups.iter().find(|other| other.name.name == group.name.name) {
            Some(other) => {
                let finding = taken(&other.name, group.name.span, "");
                r.push(finding.note("features that are spread out form a group of their prefix"));
            }
            None => groups.push(group),
        }
    }
    let mut spec = Spec {
        name: name.unwrap_or(Ident { name: stem.to_owned(), span: document.root.span }),
        lets: constants.list.clone(),
        sources: r.named(fields.get("sources"), source::source),
        samples: match r.required(&fields, "samples") {
            Some(node) => samples::samples(r, node, fields.place("samples"))?,
            None => return None,
        },
        tables: r.named(fields.get("tables"), feature::table),
        features,
        groups,
        axes: r.named(fields.get("axes"), axis::axis),
        runs: r.named(fields.get("runs"), model::run),
        blocks: model::blocks(r, fields.get("blocks")),
        model: r.named(fields.get("model"), |r, entry| r.expr(&entry.value)),
        losses: r.named(fields.get("losses"), |r, entry| r.expr(&entry.value)),
        outputs: r.named(fields.get("outputs"), |r, entry| r.expr(&entry.value)),
        metrics: r.named(fields.get("metrics"), |r, entry| r.expr(&entry.value)),
        train: train::train(r, fields.get("train"), fields.place("train")),
        base,
        broken: Vec::new(),
    };
    no_constant_hides(r, &spec);
    spec.broken = reader.broken;
    Some(spec)
}

/// Reads the `blocks:` of a library file, which is nothing but blocks.
pub(super) fn blocks(root: &Node, dirs: &[(FileId, PathBuf)], diags: &mut Diags) -> Vec<super::spec::BlockSpec> {
    let constants = Constants::default();
    let mut reader = Reader { constants: &constants, dirs, diags, broken: Vec::new() };
    let Some(fields) = reader.map(root, "a library", root.span, &["specrec", "blocks"]) else { return Vec::new() };
    version(&mut reader, &fields);
    model::blocks(&mut reader, fields.get("blocks"))
}

/// What readers share.
pub(super) struct Reader<'a> {
    constants: &'a Constants,
    dirs: &'a [(FileId, PathBuf)],
    diags: &'a mut Diags,
    broken: Vec<Ident>,
}

/// A map whose keys are all known.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    /// `a feature`.
    what: &'static str,
    /// What a missing key is marked at.
    at: Span,
    /// All of it.
    span: Span,
}

impl<'n> Fields<'n> {
    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }

    /// The value at a key.
    fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Where a key stands, or the map if it does not.
    fn place(&self, key: &str) -> Span {
        self.entry(key).map_or(self.at, |entry| entry.key_span)
    }
}

impl Reader<'_> {
    fn push(&mut self, finding: Diagnostic) {
        self.diags.push(finding);
    }

    /// A map with keys out of `keys`; findings for the others. `at` is what a missing key will be marked at.
    fn map<'n>(&mut self, node: &'n Node, what: &'static str, at: Span, keys: &[&str]) -> Option<Fields<'n>> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            let title = format!("expected a map for {what}, found {}", node.found());
            let finding = Diagnostic::new("E0104", title).at(node.span, "");
            self.push(finding.help(format!("its keys are {}", list(keys, "and"))));
            return None;
        }
        for entry in node.entries() {
            let key = entry.key.text.as_str();
            if keys.contains(&key) {
                continue;
            }
            let finding = Diagnostic::new("E0102", format!("{what} has no key `{key}`")).at(entry.key_span, "");
            let home = HOMES.iter().find(|(_, keys)| keys.contains(&key));
            self.push(match (home, near(key, keys.iter().copied())) {
                _ if key == "<<" => finding.help("merge keys are not read: `extends` takes in another file"),
                (Some((home, _)), _) => finding.help(format!("`{key}` is a key of {home}")),
                (None, Some(near)) => finding.help(format!("`{near}` is one")),
                (None, None) => finding.help(format!("the keys are {}", list(keys, "and"))),
            });
        }
        Some(Fields { entries: node.entries(), what, at, span: node.span })
    }

    /// The value at a key that has to be there.
    fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            self.push(
                Diagnostic::new("E0105", format!("{} needs `{key}`", fields.what))
                    .at(fields.at, format!("`{key}` is missing")),
            );
        }
        found
    }

    /// Reads a map from names to things of one kind; an entry that cannot be read is noted as broken.
    fn named<T>(&mut self, node: Option<&Node>, read: impl Fn(&mut Self, &Entry) -> Option<T>) -> Vec<Named<T>> {
        let Some(node) = node else { return Vec::new() };
        if !matches!(node.kind, NodeKind::Map(_)) {
            self.wrong(node, "a map from names to values");
            return Vec::new();
        }
        let mut out = Vec::new();
        for entry in node.entries() {
            let name = self.entry_name(entry);
            match read(self, entry) {
                Some(value) => out.push(Named { name, value }),
                None => self.broken.push(name),
            }
        }
        out
    }

    /// The name that an entry gives to its value; a finding if no expression can say it.
    fn entry_name(&mut self, entry: &Entry) -> Ident {
        let name = Ident { name: entry.key.text.clone(), span: entry.key_span };
        if !is_name(&name.name) {
            self.push(no_name(&name));
        }
        name
    }

    fn wrong(&mut self, node: &Node, expected: &str) {
        self.push(Diagnostic::new("E0104", format!("expected {expected}, found {}", node.found())).at(node.span, ""));
    }
}

/// The finding for a key that is to be a name and is none.
pub(super) fn no_name(name: &Ident) -> Diagnostic {
    let title = format!("`{}` is no name", name.name);
    Diagnostic::new("E0122", title)
        .at(name.span, "expected letters, digits and `_`, not starting with a digit, and no keyword")
        .help("a column of any name can be read by `column:`; the feature's own name is free")
}

fn taken(name: &Ident, first: Span, why: &str) -> Diagnostic {
    Diagnostic::new("E0119", format!("`{}` names two things", name.name))
        .at(name.span, why)
        .at(first, "first here")
        .help("rename one of them")
}

fn version(r: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(node) = r.required(fields, "specrec") else { return };
    if node.text() != Some(VERSION) {
        let finding =
            Diagnostic::new("E0120", format!("expected version `{VERSION}` of the language, found {}", node.found()))
                .at(node.span, "");
        r.push(finding.help("this program reads `specrec: 1`"));
    }
}

/// A constant stands for its value wherever its name does, so a value of the same name could never be reached.
fn no_constant_hides(r: &mut Reader<'_>, spec: &Spec) {
    let mut names: Vec<&Ident> = Vec::new();
    names.extend(spec.features.iter().map(|named| &named.name));
    names.extend(spec.groups.iter().map(|named| &named.name));
    names.extend(spec.axes.iter().map(|named| &named.name));
    names.extend(spec.runs.iter().map(|named| &named.name));
    names.extend(spec.samples.labels.iter().map(|named| &named.name));
    names.extend(spec.model.iter().map(|named| &named.name));
    names.extend(spec.outputs.iter().map(|named| &named.name));
    for constant in &spec.lets {
        if let Some(name) = names.iter().find(|name| name.name == constant.name.name) {
            r.push(taken(name, constant.name.span, "a constant of this name hides it"));
        }
    }
}
