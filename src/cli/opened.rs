//! A spec or a run read and lowered, and lines of tables: what several verbs begin or end with.

use std::path::Path;

use crate::diag::{Diagnostic, Diags, Sources};
use crate::ir::graph::Graph;
use crate::lower::{Metric, Program, lower};
use crate::pass::{Goal, instantiate};
use crate::syntax::spec::Spec;
use crate::train::evaluate::Evaluation;
use crate::train::run::{self, Identity};

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

/// What a run directory says it is of.
pub(super) struct Reopened {
    pub(super) identity: Identity,
    pub(super) spec: Spec,
    pub(super) program: Program,
}

/// Reads the spec of a run directory and lowers it again; none if a finding is an error.
///
/// # Errors
/// E0613: it is no run directory.
pub(super) fn reopen(dir: &Path, sources: &mut Sources, diags: &mut Diags) -> Result<Option<Reopened>, Diagnostic> {
    let identity = run::identity(dir)?;
    let Some(spec) = run::spec(dir, &identity, sources, diags) else { return Ok(None) };
    let Some(program) = lower(&spec, sources, diags) else { return Ok(None) };
    Ok(Some(Reopened { identity, spec, program }))
}

/// A graph of a program; a pass that breaks it is a fault of specrec.
///
/// # Errors
/// E0699.
pub(super) fn graph(program: &Program, goal: Goal) -> Result<Graph, Diagnostic> {
    instantiate(&program.graph, goal, None).map_err(|error| Diagnostic::new("E0699", error.to_string()))
}

/// The first line of the table of results.
pub(super) fn table_header(metrics: &[Metric]) -> String {
    let mut header = format!("{:<12} {:>10} {:>10}", "part", "samples", "loss");
    for metric in metrics {
        header.push_str(&format!(" {:>10}", metric.name));
    }
    header
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
