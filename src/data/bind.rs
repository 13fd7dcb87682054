//! Names to columns, once headers have been read: a column of the rows themselves comes first, then those of joined sources.

use super::eval::{Column, Frame};
use super::join::{Joined, text};
use super::plan::Plan;
use super::source::Chunk;
use crate::diag::Span;

/// A name that something reads, and where the spec says it.
pub(crate) type Name = (String, Span);

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Among the columns read from the rows' own file.
    Own(usize),
    /// A column of the source that a use of a join finds.
    Joined { join: usize, column: usize },
}

/// A join as some rows use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JoinUse {
    /// Which join of the plan.
    pub(crate) join: usize,
    /// The column that holds the key.
    pub(crate) key: Place,
}

/// How the names of some rows are found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Binding {
    /// Columns to read.
    pub(crate) own: Vec<String>,
    /// Joins, each after those that its key needs.
    pub(crate) joins: Vec<JoinUse>,
    /// Every name that was asked for.
    pub(crate) names: Vec<(String, Place)>,
}

/// The columns there are: those of the rows' file, and for each source of the plan those that a join can give.
pub(crate) struct Known<'a> {
    /// Of the rows themselves.
    pub(crate) own: &'a [String],
    /// Whether names beyond these exist.
    pub(crate) open: bool,
    /// By source; empty for a source that nothing joins.
    pub(crate) joined: &'a [Vec<String>],
}

impl Known<'_> {
    fn has(&self, name: &str) -> bool {
        // The names of sparse rows are numbers.
        self.own.iter().any(|own| own == name) || (self.open && name.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Everything that could have been meant.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.own.iter().chain(self.joined.iter().flatten()).map(String::as_str)
    }
}

/// Finds names. Columns needed of joined sources are added to `needed`; what is nowhere comes back.
pub(crate) fn bind(plan: &Plan, names: &[Name], known: &Known, needed: &mut [Vec<String>]) -> (Binding, Vec<Name>) {
    let mut binding = Binding::default();
    let mut missing = Vec::new();
    for (name, span) in names {
        if binding.names.iter().any(|(found, _)| found == name) {
            continue;
        }
        match binding.find(plan, name, known, needed, plan.joins.len()) {
            Some(place) => binding.names.push((name.clone(), place)),
            None if missing.iter().any(|(other, _)| other == name) => {}
            None => missing.push((name.clone(), *span)),
        }
    }
    // A join that drops rows, or forbids a miss, does so even where nothing of it is read.
    for (at, join) in plan.joins.iter().enumerate() {
        if join.missing != crate::syntax::spec::JoinMissing::Null
            && let Some(key) = binding.find(plan, &join.column.name, known, needed, at)
        {
            binding.using(at, key);
        }
    }
    (binding, missing)
}

impl Binding {
    /// Finds one name among the rows' own columns and the first `joins` joins.
    fn find(
        &mut self,
        plan: &Plan,
        name: &str,
        known: &Known,
        needed: &mut [Vec<String>],
        joins: usize,
    ) -> Option<Place> {
        if known.has(name) {
            return Some(Place::Own(position(&mut self.own, name)));
        }
        plan.joins[..joins].iter().enumerate().find_map(|(at, join)| {
            if !known.joined.get(join.source)?.iter().any(|column| column == name) {
                return None;
            }
            let key = self.find(plan, &join.column.name, known, needed, at)?;
            let column = position(needed.get_mut(join.source)?, name);
            Some(Place::Joined { join: self.using(at, key), column })
        })
    }

    fn using(&mut self, join: usize, key: Place) -> usize {
        self.joins.iter().position(|known| known.join == join).unwrap_or_else(|| {
            self.joins.push(JoinUse { join, key });
            self.joins.len() - 1
        })
    }

    /// The rows that each join finds, and where it finds none; `joined` is by source.
    pub(crate) fn join(&self, plan: &Plan, columns: &Columns, joined: &[Joined]) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
        let mut found: Vec<Vec<u32>> = Vec::new();
        let mut misses = Vec::new();
        for JoinUse { join, key } in &self.joins {
            let source = &joined[plan.joins[*join].source];
            let key = self.column(*key, plan, columns, &found, joined);
            let (rows, lost) = source.rows((0..columns.rows).map(|row| text(key, row)));
            found.push(rows);
            misses.push(lost);
        }
        (found, misses)
    }

    /// A frame with every name that was asked for.
    pub(crate) fn frame<'a>(
        &'a self,
        plan: &Plan,
        columns: &Columns<'a>,
        found: &'a [Vec<u32>],
        joined: &'a [Joined],
    ) -> Frame<'a> {
        let named =
            self.names.iter().map(|(name, place)| (name.as_str(), self.column(*place, plan, columns, found, joined)));
        Frame { rows: columns.rows, columns: named.collect(), ..Frame::default() }
    }

    fn column<'a>(
        &self,
        place: Place,
        plan: &Plan,
        columns: &Columns<'a>,
        found: &'a [Vec<u32>],
        joined: &'a [Joined],
    ) -> Column<'a> {
        match place {
            Place::Own(at) => Column::Own(&columns.own[at]),
            Place::Joined { join, column } => {
                Column::Joined(&joined[plan.joins[self.joins[join].join].source].columns[column], &found[join])
            }
        }
    }
}

/// The rows' own columns, in the order of [`Binding::own`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    /// How many rows.
    pub(crate) rows: usize,
    /// One per name.
    pub(crate) own: &'a [super::texts::Texts],
}

impl<'a> Columns<'a> {
    /// Those of a chunk.
    pub(crate) fn of(chunk: &'a Chunk) -> Columns<'a> {
        Columns { rows: chunk.rows.len(), own: &chunk.columns }
    }
}

fn position(list: &mut Vec<String>, name: &str) -> usize {
    list.iter().position(|known| known == name).unwrap_or_else(|| {
        list.push(name.to_string());
        list.len() - 1
    })
}
