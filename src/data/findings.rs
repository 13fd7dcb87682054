//! What is wrong with files and their rows, as diagnostics.

use super::plan::{InputValue, JoinPlan, Plan, SourcePlan};
use super::report::Report;
use super::rows::Wrong;
use super::source::{Failure, SourceFile};
use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags, Span};

/// Broken rows of a source that are shown; the rest is counted.
const SHOWN: u64 = 5;

/// A path that leads to nothing.
pub(crate) fn no_file(path: &str, span: Span) -> Diagnostic {
    Diagnostic::new("E0501", format!("there is no file `{path}`"))
        .at(span, "")
        .help("paths start from the directory of the spec that says them")
}

/// A file that cannot be read, or not on from some line.
pub(crate) fn failure(source: &SourcePlan, file: &SourceFile, failure: &Failure) -> Diagnostic {
    let place = failure.line.map(|line| format!(":{line}")).unwrap_or_default();
    let code = if failure.unread { "E0502" } else { "E0503" };
    Diagnostic::new(code, format!("`{}{place}` cannot be read: {}", file.name, failure.what)).at(span_of(source), "")
}

/// A column that nothing has.
pub(crate) fn no_column<'a>(name: &str, span: Span, file: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let finding = Diagnostic::new("E0504", format!("there is no column `{name}` in `{file}`")).at(span, "");
    match near(name, known.iter().copied()) {
        Some(near) => finding.help(format!("`{near}` is one")),
        None => finding.help(format!("the columns are {}", crate::diag::near::list(&known, "and"))),
    }
}

fn span_of(source: &SourcePlan) -> Span {
    source.paths.first().map_or(source.span, |path| path.span)
}

/// Collects what is wrong with the rows of a source.
pub(crate) struct RowFindings<'a> {
    plan: &'a Plan,
    source: &'a SourcePlan,
    shown: Vec<Diagnostic>,
    /// Broken rows.
    pub(crate) broken: u64,
    errors: u64,
}

impl<'a> RowFindings<'a> {
    pub(crate) fn new(plan: &'a Plan, source: &'a SourcePlan) -> RowFindings<'a> {
        RowFindings { plan, source, shown: Vec::new(), broken: 0, errors: 0 }
    }

    /// Adds a row. Broken ones are only counted where the source says so.
    pub(crate) fn add(&mut self, file: &SourceFile, line: u64, wrong: &Wrong) {
        if let Wrong::Broken(_) = wrong {
            self.broken += 1;
            if self.source.skip_broken {
                return;
            }
        }
        self.errors += 1;
        if self.errors <= SHOWN {
            self.shown.push(finding(self.plan, self.source, &format!("{}:{line}", file.name), wrong));
        }
    }

    /// Hands over what was found.
    pub(crate) fn finish(mut self, diags: &mut Diags) {
        if let Some(last) = self.shown.last_mut()
            && self.errors > SHOWN
        {
            last.notes.push(format!("and {} more rows like these", self.errors - SHOWN));
        }
        self.shown.into_iter().for_each(|finding| diags.push(finding));
    }
}

/// What is wrong with one row. `place` is its file and line.
pub(crate) fn finding(plan: &Plan, source: &SourcePlan, place: &str, wrong: &Wrong) -> Diagnostic {
    match wrong {
        Wrong::Broken(what) => Diagnostic::new("E0505", format!("broken row at `{place}`: {what}"))
            .at(span_of(source), "")
            .help("`on_error: skip` under the source leaves such rows out and counts them"),
        Wrong::Miss { join } => {
            let JoinPlan { source: joined, column, .. } = &plan.joins[*join];
            let title = format!("the row at `{place}` has no match in `{}`", plan.sources[*joined].name);
            Diagnostic::new("E0507", title)
                .at(column.span, "joined by this column")
                .help("`missing: null` makes its columns null, `missing: drop` leaves such rows out; both are counted")
        }
        Wrong::TwoParts => Diagnostic::new("E0508", format!("the row at `{place}` is in two parts of the split"))
            .at(plan.samples.split_span, "")
            .help("at most one of the conditions may hold in a row"),
    }
}

/// Labels that say nothing: all equal, or all null, in the train part.
pub(crate) fn labels(plan: &Plan, report: &Report, diags: &mut Diags) {
    // A label that only chooses events may well be the same in all samples.
    let is_read = |name: &str| {
        let reads = |value: InputValue| match value {
            InputValue::Label(label) | InputValue::LabelAlong { label, .. } | InputValue::Positives { label, .. } => {
                plan.samples.labels[label].name.name == name
            }
            _ => false,
        };
        plan.inputs.iter().any(|input| reads(input.value))
    };
    for part in report.parts.iter().filter(|part| part.part == "train") {
        for label in part.labels.iter().filter(|label| label.constant && is_read(&label.name)) {
            let place = plan.samples.labels.iter().find(|known| known.name.name == label.name);
            let found = if label.known == 0 { "null".to_string() } else { format!("{}", label.mean) };
            let title = format!("the label `{}` is {found} in all {} rows of the train part", label.name, part.rows);
            let finding = Diagnostic::new("E0510", title).help("a model needs both classes, or numbers that differ");
            diags.push(match place {
                Some(place) => finding.at(place.is.span, ""),
                None => finding,
            });
        }
    }
}
