//! The one place that turns findings into text: rustc's look for people, an object for programs.

use super::{Diagnostic, Label, Severity, Source, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};
use serde_json::{Value, json};

/// Renders one finding, without a newline at the end.
pub fn render(finding: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(normalize_untrusted_str(&finding.title)).id(finding.code);
    let mut group = Group::with_title(title);
    for snippet in snippets(finding, sources) {
        group = group.element(snippet);
    }
    for note in &finding.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    renderer.render(&[group])
}

/// Renders findings one after another, a blank line between them.
pub fn render_all(findings: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let rendered: Vec<String> = findings.iter().map(|finding| render(finding, sources, colour)).collect();
    rendered.join("\n\n")
}

/// A finding as one object: what `--format json` prints, one a line. Lines and columns count from 1, columns in characters.
pub fn json(finding: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = finding.labels.iter().map(|label| place(label.span, sources, Some(&label.text))).collect();
    let mut object = json!({
        "code": finding.code,
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "title": finding.title,
    });
    if let (Value::Object(object), Some(Value::Object(first))) =
        (&mut object, finding.labels.first().map(|label| place(label.span, sources, None)))
    {
        object.extend(first);
    }
    if let Value::Object(object) = &mut object {
        object.insert("labels".to_owned(), Value::Array(labels));
        object.insert("notes".to_owned(), json!(finding.notes));
        object.insert("help".to_owned(), json!(finding.help));
    }
    object
}

fn place(span: Span, sources: &Sources, text: Option<&str>) -> Value {
    let source = sources.get(span.file);
    let at = |offset: u32| source.map_or((1, 1), |source| line_and_column(&source.text, offset as usize));
    let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end));
    let file = source.map_or("", |source| source.name.as_str());
    let mut object =
        json!({"file": file, "line": line, "column": column, "end": {"line": end_line, "column": end_column}});
    if let (Value::Object(object), Some(text)) = (&mut object, text) {
        object.insert("text".to_owned(), json!(text));
    }
    object
}

/// The line and column of an offset, counted from 1, the column in characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..boundary(text, offset)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// One snippet per file, the file of the primary place first.
fn snippets<'a>(finding: &'a Diagnostic, sources: &'a Sources) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files = Vec::new();
    for label in &finding.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let mut out = Vec::new();
    for file in files {
        let Some(source) = sources.get(file) else { continue };
        let mut snippet = Snippet::source(source.text.as_ref()).path(source.name.as_str()).fold(true);
        for (at, label) in finding.labels.iter().enumerate().filter(|(_, label)| label.span.file == file) {
            let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range(label, source));
            let text = (!label.text.is_empty()).then(|| normalize_untrusted_str(&label.text));
            snippet = snippet.annotation(annotation.label(text));
        }
        out.push(snippet);
    }
    out
}

/// The range of a label inside its text, on character boundaries whatever the label says.
fn range(label: &Label, source: &Source) -> std::ops::Range<usize> {
    let start = boundary(&source.text, label.span.start as usize);
    let end = boundary(&source.text, label.span.end as usize).max(start);
    start..end
}

fn boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;

    fn example() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let text = "model:\n  é: 1\n  logit: concat(item, history.item) |> linear(1)\n";
        let file = sources.add("specs/din.yaml", text);
        let other = sources.add("base.yaml", "axes:\n  history: {}\n");
        let at = text.find("history").unwrap();
        let finding = Diagnostic::new("E0304", "`logit` needs one row per sample, but has axis `history`")
            .at(Span::new(file, at, at + 12), "f32[B, history, 24]")
            .at(Span::new(other, 8, 15), "the axis")
            .note("a fact")
            .help("reduce it first");
        (finding, sources)
    }

    #[test]
    fn a_finding_looks_as_rustc_writes_it() {
        let (finding, sources) = example();
        let expected = "\
error[E0304]: `logit` needs one row per sample, but has axis `history`
 --> specs/din.yaml:3:23
  |
3 |   logit: concat(item, history.item) |> linear(1)
  |                       ^^^^^^^^^^^^ f32[B, history, 24]
  |
 ::: base.yaml:2:3
  |
2 |   history: {}
  |   ------- the axis
  |
  = note: a fact
  = help: reduce it first";
        assert_eq!(render(&finding, &sources, false), expected);
        assert!(render(&finding, &sources, true).contains("\u{1b}["));
    }

    #[test]
    fn a_finding_is_an_object_for_programs() {
        let (finding, sources) = example();
        let object = json(&finding, &sources);
        assert_eq!(object["line"], 3);
        assert_eq!((object["column"].clone(), object["end"]["column"].clone()), (json!(23), json!(35)));
        assert_eq!((object["code"].clone(), object["labels"][1]["file"].clone()), (json!("E0304"), json!("base.yaml")));
        let keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["code", "severity", "title", "file", "line", "column", "end", "labels", "notes", "help"]);
    }

    #[test]
    fn no_place_is_too_wrong_to_render() {
        let mut sources = Sources::default();
        let file = sources.add("a", "é\n");
        for span in [
            Span::new(file, 1, 1),
            Span::new(file, 90, 99),
            Span::new(file, 3, 0),
            Span::new(FileId(9), 0, 1),
            Span::new(file, 3, 3),
        ] {
            assert!(
                render(&Diagnostic::new("W0101", "t\u{1b}").at(span, "x"), &sources, false)
                    .starts_with("warning[W0101]")
            );
        }
        assert_eq!(render(&Diagnostic::new("E0101", "only this"), &sources, false), "error[E0101]: only this");
    }
}
