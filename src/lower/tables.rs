//! Tables: those under `tables:` and the own ones of features, with the vocabularies that they share.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::evaluate::TableParam;
use crate::block::init;
use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::Ident;
use crate::ir::axis::AxisKind;
use crate::ir::graph::{Graph, Init, Role};
use crate::syntax::spec::{Edges, FeatureKind, FeatureSpec, Spanned, Spec, TableSpec, Tuning};

/// Width of a row where a spec gives none.
const DIM: u32 = 16;

/// A table that the graph reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name, and that of its parameter: the entry of `tables:`, or the feature.
    pub name: String,
    /// The table whose ids have rows here; itself unless it says `of:`.
    pub vocabulary: String,
    /// Width of a row.
    pub dim: u32,
    /// How many rows.
    pub rows: Rows,
    /// Whether it is trained.
    pub tuning: Tuning,
}

/// How many rows a table has; row 0 is that of unknown and missing ids in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// As many as its vocabulary, fitted on the train part, has ids.
    Vocabulary,
    /// One for each bucket of a hash.
    Hash(u32),
    /// One for each integer below this.
    Size(u32),
    /// One for each bucket of a number.
    Buckets(u32),
}

/// All tables of a spec.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    list: BTreeMap<&'a str, Entry<'a>>,
    /// Tables about which a finding has been made.
    broken: BTreeSet<&'a str>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    name: &'a Ident,
    spec: &'a TableSpec,
    /// The feature whose own table it is.
    feature: Option<&'a FeatureSpec>,
}

impl<'a> Tables<'a> {
    pub(super) fn read(spec: &'a Spec, diags: &mut Diags) -> Self {
        let broken = spec.broken.iter().map(|name| name.name.as_str()).collect();
        let mut tables = Self { broken, ..Self::default() };
        for table in &spec.tables {
            let entry = Entry { name: &table.name, spec: &table.value, feature: None };
            tables.list.insert(&table.name.name, entry);
        }
        for feature in spec.features.iter().filter(|feature| has_ids(&feature.value)) {
            let name = &feature.name;
            match (&feature.value.table, tables.list.get(name.name.as_str())) {
                (Some(table), _) => tables.look(table, diags),
                (None, Some(taken)) => {
                    let title =
                        format!("feature `{0}` has a table of its own, but `{0}` stands under `tables:`", name.name);
                    let finding =
                        Diagnostic::new("E0119", title).at(name.span, "").at(taken.name.span, "the other one");
                    diags.push(finding.help(format!("`table: {}` makes it the feature's", name.name)));
                }
                (None, None) => {
                    let entry = Entry { name, spec: &feature.value.own_table, feature: Some(&feature.value) };
                    tables.list.insert(&name.name, entry);
                }
            }
        }
        for table in &spec.tables {
            if let Some(of) = &table.value.of {
                tables.look(of, diags);
            }
        }
        for table in &spec.tables {
            if let Some(Spanned { value: Tuning::AfterEpochs(_), span }) = &table.value.train {
                let finding =
                    Diagnostic::new("E0451", "a table that is trained after some epochs is not supported yet");
                diags.push(finding.at(*span, "").help("`frozen` never trains it, `tuned` trains it from the start"));
            }
        }
        tables.circles(diags);
        tables.inits(diags);
        tables
    }

    /// Whether a table exists; a finding if not.
    fn look(&self, name: &Ident, diags: &mut Diags) {
        if let Err(finding) = self.find(name) {
            diags.push(finding);
        }
    }

    /// Whether a table exists.
    pub(super) fn find(&self, name: &Ident) -> Result<(), Diagnostic> {
        if self.list.contains_key(name.name.as_str()) || self.broken.contains(name.name.as_str()) {
            return Ok(());
        }
        let finding = Diagnostic::new("E0222", format!("no table `{}`", name.name));
        Err(match near(&name.name, self.list.keys().copied()) {
            Some(near) => finding.at(name.span, format!("`{near}` is one")),
            None => {
                finding.at(name.span, "").help("tables stand under `tables:`; a feature of ids without one has its own")
            }
        })
    }

    /// Tables whose `of` leads back to them.
    fn circles(&mut self, diags: &mut Diags) {
        let of = |entry: &Entry<'a>| entry.spec.of.iter().cloned().collect();
        let references: BTreeMap<&str, Vec<Ident>> = self.list.iter().map(|(name, entry)| (*name, of(entry))).collect();
        let (sound, circles) = crate::block::order::order(&references);
        for circle in circles {
            let path: Vec<String> = circle.iter().map(|step| format!("`{}`", step.name)).collect();
            let mut finding = Diagnostic::new("E0223", format!("tables share in a circle: {}", path.join(" of ")));
            for step in circle.iter().skip(1) {
                finding = finding.at(step.span, "");
            }
            diags.push(finding.help("one of them has the vocabulary and no `of`"));
        }
        let sound: BTreeSet<&str> = sound.into_iter().collect();
        let stuck: Vec<&'a str> = self.list.keys().copied().filter(|name| !sound.contains(name)).collect();
        for name in stuck {
            self.list.remove(name);
            self.broken.insert(name);
        }
    }

    fn inits(&self, diags: &mut Diags) {
        for entry in self.list.values() {
            if let Some(Err(finding)) = entry.spec.init.as_ref().map(init::read) {
                diags.push(finding);
            }
        }
    }

    /// Every table's name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.list.keys().copied()
    }

    /// The table with the vocabulary of a table: the end of its `of`.
    pub(super) fn vocabulary(&self, name: &str) -> Option<&'a str> {
        let mut entry = self.list.get(name)?;
        // Tables in a circle have been taken out.
        while let Some(of) = &entry.spec.of {
            entry = self.list.get(of.name.as_str())?;
        }
        Some(&entry.name.name)
    }

    /// The parameter of a table.
    pub(super) fn param(&self, name: &str) -> Option<TableParam> {
        let entry = self.list.get(name)?;
        let init = match (&entry.spec.from, &entry.spec.init) {
            (Some(_), _) => Init::File,
            (None, Some(expr)) => init::read(expr).ok()?,
            (None, None) => Init::Normal { std: 0.01 },
        };
        let role = if self.tuning(entry) == Tuning::Frozen { Role::Frozen } else { Role::Table };
        Some(TableParam { vocabulary: self.vocabulary(name)?.to_owned(), dim: dim(entry), init, role })
    }

    /// Vectors of a file are frozen unless the spec says otherwise.
    fn tuning(&self, entry: &Entry) -> Tuning {
        let default = if entry.spec.from.is_some() { Tuning::Frozen } else { Tuning::Tuned };
        entry.spec.train.as_ref().map_or(default, |train| train.value)
    }

    /// `l2:` of a table.
    pub(super) fn l2(&self, name: &str) -> Option<(f64, Span)> {
        let entry = self.list.get(name)?;
        entry.spec.l2.filter(|factor| *factor > 0.0).map(|factor| (factor, entry.name.span))
    }

    /// The tables that a graph reads.
    pub(super) fn used(&self, graph: &Graph) -> Vec<Table> {
        let used: BTreeSet<&str> = graph
            .axes()
            .ids()
            .filter_map(|axis| match &graph.axis(axis).kind {
                AxisKind::Rows { table } => Some(table.as_str()),
                _ => None,
            })
            .collect();
        let table = |(name, entry): (&&'a str, &Entry<'a>)| {
            let root = self.vocabulary(name)?;
            Some(Table {
                name: (*name).to_owned(),
                vocabulary: root.to_owned(),
                dim: dim(entry),
                rows: rows(self.list.get(root)?),
                tuning: self.tuning(entry),
            })
        };
        self.list.iter().filter(|(name, _)| used.contains(**name)).filter_map(table).collect()
    }
}

/// Whether a feature is of ids, and so reads a table.
pub(super) fn has_ids(feature: &FeatureSpec) -> bool {
    matches!(feature.kind.value, FeatureKind::Id | FeatureKind::Ids | FeatureKind::Bucket)
}

fn dim(entry: &Entry) -> u32 {
    entry.spec.dim.as_ref().map_or(DIM, |dim| dim.value)
}

fn rows(entry: &Entry) -> Rows {
    let edges = entry.feature.and_then(|feature| feature.edges.as_ref());
    match (edges, &entry.spec.hash, &entry.spec.size) {
        (Some(edges), _, _) => Rows::Buckets(match &edges.value {
            Edges::Count(count) => *count,
            Edges::At(edges) => edges.len() as u32 + 1,
        }),
        (None, Some(hash), _) => Rows::Hash(hash.value),
        (None, None, Some(size)) => Rows::Size(size.value),
        (None, None, None) => Rows::Vocabulary,
    }
}
