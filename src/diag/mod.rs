//! Errors as plain data: a fact, the places it stands at, a way out. Only `render` turns them into text.

pub mod codes;
pub mod near;
pub mod offset;
pub mod render;

use std::sync::Arc;

/// A text that spans point into: a spec, a file it extends, an embedded block library, or IR text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name as the user gave it (a path relative to where the command ran).
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// Every text read so far; a [`Span`] is meaningless without it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// Which [`Source`] of [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A byte range of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The text it points into.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The command stops (exit code 1) once all diagnostics are collected.
    Error,
    /// Printed; the command goes on.
    Warning,
}

/// A marked place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What stands beside the mark, for example the type found there; may be empty.
    pub text: String,
}

/// One finding. Text rules: fact, place, way out; no "you"; names in backticks; expected before found.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// One kind of finding, `E0304` or `W0101`; listed in `codes`.
    pub code: &'static str,
    /// Error or warning; follows from the code's letter.
    pub severity: Severity,
    /// The fact in one line.
    pub title: String,
    /// Places; the first is the primary one. Empty for findings without a place in a text.
    pub labels: Vec<Label>,
    /// Further facts.
    pub notes: Vec<String>,
    /// Ways out.
    pub help: Vec<String>,
}

/// Collects diagnostics so that one run reports all of them.
#[derive(Clone, Debug, Default)]
pub struct Diags {
    list: Vec<Diagnostic>,
}

impl Sources {
    /// Adds a text and returns its handle.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push(Source { name: name.into(), text: text.into() });
        FileId(self.files.len() as u32 - 1)
    }

    /// The text behind a handle of this collection.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }
}

impl Span {
    /// A range of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    /// Whether two places have a character in common, or are the same.
    pub fn meets(self, other: Span) -> bool {
        self.file == other.file && (self == other || (self.start < other.end && other.start < self.end))
    }

    /// From here to the end of a later span.
    #[must_use]
    pub fn to(self, last: Span) -> Self {
        Self { end: last.end.max(self.end), ..self }
    }
}

impl Diagnostic {
    /// A finding without a place yet. Codes starting with `W` are warnings.
    pub fn new(code: &'static str, title: impl Into<String>) -> Self {
        let severity = if code.starts_with('W') { Severity::Warning } else { Severity::Error };
        Self { code, severity, title: title.into(), labels: Vec::new(), notes: Vec::new(), help: Vec::new() }
    }

    /// Marks a place; the first call marks the primary one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

impl Diags {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether an error, not only warnings, was found.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Everything found so far, in order of finding.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Puts the findings into the order of their places; those without a place come first.
    pub fn sort(&mut self) {
        let place = |finding: &Diagnostic| finding.labels.first().map(|label| (label.span.file, label.span.start));
        self.list.sort_by_key(place);
        // Two checks may see the same place.
        self.list.dedup();
    }

    /// Takes over the findings of another collection.
    pub fn extend(&mut self, other: Diags) {
        self.list.extend(other.list);
    }

    /// Takes over the findings of a later stage, but none of a place that a finding marks already: a fault that two stages
    /// see is told once.
    pub fn extend_elsewhere(&mut self, other: Diags) {
        let marked: Vec<Span> = self.list.iter().flat_map(|finding| &finding.labels).map(|label| label.span).collect();
        let is_new = |finding: &Diagnostic| {
            !finding.labels.first().is_some_and(|label| marked.iter().any(|span| label.span.meets(*span)))
        };
        self.list.extend(other.list.into_iter().filter(is_new));
    }
}

/// The debug text of a value with all places removed: what tests compare when places differ by right.
#[cfg(test)]
pub(crate) fn without_spans(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let mut pieces = text.split("Span { ");
    let first = pieces.next().unwrap_or("").to_owned();
    pieces.fold(first, |mut out, piece| {
        out.push_str(piece.split_once('}').map_or("", |(_, rest)| rest));
        out
    })
}
