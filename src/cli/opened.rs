//! A spec read and lowered, and lines of tables: what several verbs begin or end with.

use std::path::Path;

use crate::diag::{Diags, Sources};
use crate::lower::{Program, lower};
use crate::syntax::spec::Spec;
use crate::train::evaluate::Evaluation;

/// A spec without errors and its program.
pub(super) struct Opened {
    pub(super) spec: Spec,
    pub(super) program: Program,
}

/// Reads, checks and lowers a spec; none if a finding is an error.
pub(super) fn compile(path: &Path, sets: &[String], sources: &mut Sources, diags: &mut Diags) -> Option<Opened> {
    let spec = crate::syntax::load(path, sets, sources, diags)?;
    let program = lower(&spec, sources, diags);
    diags.sort();
    let program = program.filter(|_| !diags.has_errors())?;
    Some(Opened { spec, program })
}

/// A line of the table of results, and what a reader of it must know.
pub(super) fn table_line(part: &str, evaluation: &Evaluation) -> (String, Vec<String>) {
    let mut line = format!("{part:<12} {:>10} {:>10.4}", evaluation.samples, evaluation.loss);
    let mut notes = Vec::new();
    for (name, measured) in &evaluation.metrics {
        let value = measured.value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        let width = name.len().max(10);
        line.push_str(&format!(" {value:>width$}"));
        notes.extend(measured.note.as_ref().map(|note| format!("{part} {name}: {note}")));
    }
    (line, notes)
}
