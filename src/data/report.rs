//! What reading found: rows, misses, parts, ties, unknown ids. Kept with the cache, so that a warm start prints the same.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Diags};

/// Above this share of unknown ids in a part, a warning.
const MANY_UNKNOWN: f64 = 0.2;

/// What reading found. A run directory of an earlier version may lack some of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Report {
    /// By source that was read, in the order of the spec.
    pub sources: Vec<SourceReport>,
    /// By join.
    pub joins: Vec<JoinReport>,
    /// Train, validation, test, as far as the split makes them.
    pub parts: Vec<PartReport>,
    /// Negatives that are made of each sample.
    pub negatives: u32,
    /// Rows that no part takes.
    pub without_part: u64,
    /// Train rows that downsampling left out.
    pub downsampled: u64,
    /// By axis of events: samples with events of their own time, which are left out of the history.
    pub ties: Vec<(String, u64)>,
    /// By axis of events, where samples are sequences: events of the train part that no train sample sees, and all of them.
    pub untaught: Vec<(String, u64, u64)>,
    /// By axis of lists: elements that are not earlier than their sample.
    pub late_elements: Vec<(String, u64)>,
    /// Ids of each input in each part.
    pub ids: Vec<IdReport>,
    /// Rows of each table, the unknown row included.
    pub tables: Vec<(String, u32)>,
}

/// Rows of a source.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SourceReport {
    /// The source.
    pub name: String,
    /// Files read.
    pub files: u64,
    /// Rows met.
    pub rows: u64,
    /// Broken ones, left out (`on_error: skip`).
    pub broken: u64,
    /// Left out by its `where`.
    pub filtered: u64,
    /// Left out because a join found nothing (`missing: drop`).
    pub dropped: u64,
}

/// Keys that a join looked up.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct JoinReport {
    /// The joined source.
    pub source: String,
    /// Rows whose key is not there, or null.
    pub misses: u64,
    /// Rows that were looked up.
    pub rows: u64,
}

/// A part.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PartReport {
    /// `train`, `valid` or `test`.
    pub part: String,
    /// Samples.
    pub rows: u64,
    /// Elements of all lists, where samples are lists.
    pub elements: u64,
    /// By label: its name, samples that have it, their mean, least and largest value.
    pub labels: Vec<LabelReport>,
}

/// A label in a part.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LabelReport {
    /// The label.
    pub name: String,
    /// Samples in which it is not null.
    pub known: u64,
    /// Their mean.
    pub mean: f64,
    /// Whether all of them are equal.
    pub constant: bool,
}

/// Ids of an input in a part.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct IdReport {
    /// The input.
    pub input: String,
    /// The part.
    pub part: String,
    /// Ids there.
    pub ids: u64,
    /// Those without a row of their own: not in the train part, or rarer there than `min_count`.
    pub unknown: u64,
}

impl IdReport {
    fn share(&self) -> f64 {
        if self.ids == 0 { 0.0 } else { self.unknown as f64 / self.ids as f64 }
    }
}

impl Report {
    /// The warnings that follow from it.
    pub(crate) fn warn(&self, diags: &mut Diags) {
        for ids in self.ids.iter().filter(|ids| ids.share() > MANY_UNKNOWN) {
            let title =
                format!("{:.1} % of the ids of `{}` are unknown in {}", 100.0 * ids.share(), ids.input, ids.part);
            let note = format!("{} of {} share the unknown row", ids.unknown, ids.ids);
            let help = "a smaller `min_count`, or features that say something about new ids";
            diags.push(Diagnostic::new("W0501", title).note(note).help(help));
        }
        for part in self.parts.iter().filter(|part| part.part != "train") {
            for label in part.labels.iter().filter(|label| label.constant) {
                let title = format!("the label `{}` is {} in every row of {}", label.name, label.mean, part.part);
                diags.push(Diagnostic::new("W0503", title).note("metrics that compare two classes say nothing there"));
            }
        }
        for (axis, count) in self.late_elements.iter().filter(|(_, count)| *count > 0) {
            let title = format!("{count} elements of `{axis}` are not earlier than their sample");
            let note = "what a list holds is taken as it is; these may tell the model what happened later";
            diags.push(Diagnostic::new("W0504", title).note(note));
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            write!(f, "source {}: {} rows of {} file(s)", source.name, source.rows, source.files)?;
            for (count, what) in
                [(source.broken, "broken"), (source.filtered, "left out by where"), (source.dropped, "without a join")]
            {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
            writeln!(f)?;
        }
        for join in self.joins.iter().filter(|join| join.misses > 0) {
            writeln!(f, "join {}: {} of {} rows without a match", join.source, join.misses, join.rows)?;
        }
        for part in &self.parts {
            write!(f, "{}: {} samples", part.part, part.rows)?;
            if part.elements > 0 {
                write!(f, " of {} rows", part.elements)?;
            }
            if self.negatives > 0 {
                write!(f, " and {} negatives of each", self.negatives)?;
            }
            for label in &part.labels {
                write!(f, ", {} {:.4}", label.name, label.mean)?;
                let null = part.rows.max(part.elements).saturating_sub(label.known);
                if null > 0 {
                    write!(f, " ({null} null)")?;
                }
            }
            writeln!(f)?;
        }
        for (count, what) in [(self.without_part, "rows in no part"), (self.downsampled, "train rows downsampled")] {
            if count > 0 {
                writeln!(f, "{count} {what}")?;
            }
        }
        for (axis, count) in self.ties.iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "axis {axis}: {count} samples have events of their own time, which are left out")?;
        }
        for (axis, count, all) in self.untaught.iter().filter(|(_, count, _)| *count > 0) {
            writeln!(
                f,
                "axis {axis}: {count} of {all} train events are in no sample, which `last` cuts: `per: steps of N` makes windows"
            )?;
        }
        for ids in self.ids.iter().filter(|ids| ids.unknown > 0) {
            writeln!(f, "unknown ids of {} in {}: {:.1} %", ids.input, ids.part, 100.0 * ids.share())?;
        }
        for (table, rows) in &self.tables {
            writeln!(f, "table {table}: {rows} rows")?;
        }
        Ok(())
    }
}
