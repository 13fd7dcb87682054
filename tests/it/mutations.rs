//! Specs that chance has damaged: whatever the text, reading and lowering it ends in graphs or in findings with places inside the text, never in a
//! panic, and a graph that comes out goes through all passes.

use proptest::prelude::*;
use specrec::diag::render::{json, render_all};
use specrec::diag::{Diags, Sources};
use specrec::pass::{Goal, instantiate};
use std::path::Path;

const DIN: &str = include_str!("../../specs/din.yaml");

/// Pieces that mean something to YAML or to an expression.
const PIECES: &[&str] = &[
    ":", ": ", " #", "\n", "\n  ", "\n\t", "- ", "{", "}", "[", "]", ",", ", ", "\"", "'", "|", ">", "|\n", "&a ",
    "*a", "!t ", "?", "%", "@", "`", "~", "---\n", "...", "<<", "|>", "(", ")", "==", "=", "not ", "and ", "if(",
    "1e999", "C1..C9", "..", "{x}", "{{", "\\", "é", "日", "\u{feff}", "\r\n", "\0", "null", "extends",
];

/// Reads a text as a spec and renders what was found; fails if a place lies outside its text or off a character.
fn survives(text: &str, sets: &[String]) -> Result<(), TestCaseError> {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec =
        specrec::syntax::load_text("specs/broken.yaml", text, Path::new("specs"), sets, &mut sources, &mut diags);
    prop_assert!(spec.is_some() || diags.has_errors(), "no spec and no finding");
    let program = spec.as_ref().and_then(|spec| specrec::lower::lower(spec, &mut sources, &mut diags));
    prop_assert!(program.is_some() != diags.has_errors(), "no graph and no finding, or both");
    if let Some((spec, program)) = spec.as_ref().zip(program) {
        for goal in [Goal::Train(&spec.train), Goal::Evaluate, Goal::Predict] {
            let made = instantiate(&program.graph, goal, None);
            prop_assert!(made.is_ok(), "{:?}: {:?}\n{text}", goal, made.err());
        }
    }
    for label in diags.list().iter().flat_map(|finding| &finding.labels) {
        let source = sources.get(label.span.file).ok_or_else(|| TestCaseError::fail("a label without a text"))?;
        let place = source.text.get(label.span.start as usize..label.span.end as usize);
        prop_assert!(place.is_some(), "{:?} is no place of a text of {} bytes", label, source.text.len());
    }
    for colour in [false, true] {
        prop_assert!(diags.list().is_empty() || !render_all(diags.list(), &sources, colour).is_empty());
    }
    for finding in diags.list() {
        prop_assert!(json(finding, &sources)["line"].as_u64() != Some(0));
    }
    if let Some(spec) = spec.filter(|_| !diags.has_errors()) {
        let printed = specrec::syntax::print::print(&spec);
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        specrec::syntax::load_text("printed.yaml", &printed, Path::new("specs"), &[], &mut sources, &mut diags);
        prop_assert!(!diags.has_errors(), "{printed}\n{}", render_all(diags.list(), &sources, false));
    }
    Ok(())
}

/// Cuts `len` characters at `at` out of a text and puts a piece there.
fn mutated(text: &str, at: usize, len: usize, piece: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at % (chars.len() + 1);
    let end = (at + len).min(chars.len());
    let (before, after): (String, String) = (chars[..at].iter().collect(), chars[end..].iter().collect());
    format!("{before}{piece}{after}")
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => ".{0,4}"]
}

/// Pieces that mean something in the model of DIN: what reading accepts and lowering must judge.
const MODEL: &[&str] = &[
    "item",
    "history.item",
    "history",
    "movie",
    "genres",
    "liked",
    "rating",
    "interest",
    "over=history",
    "over=width",
    "over=B",
    "80",
    "1",
    "0",
    "-1",
    "1e30",
    "[200, 80]",
    "dice",
    "relu",
    "mlp(",
    "linear(",
    "concat(",
    "sum(",
    "mean(",
    "softmax(",
    "max(",
    "din(",
    "last(",
    "bce(",
    "sigmoid(",
    "log(",
    "if(",
    ")",
    "))",
    "(",
    ", ",
    " |> ",
    " + ",
    " - ",
    " * ",
    " / ",
    " ^ 2",
    " > ",
    " == ",
    "where=",
    "share=a",
    "not ",
    "width(item)",
    "param(4)",
    "dropout(item, 0.5)",
    "lookup(movie, movie)",
    "axis=",
    "count(",
];

proptest! {
    #[test]
    fn a_damaged_model_is_lowered_or_refused(edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..3, proptest::sample::select(MODEL)), 1..4)) {
        let from = DIN.find("model:").unwrap();
        let (head, model) = DIN.split_at(from);
        // Words and what stands between them, so that an edit replaces a whole argument.
        let mut words: Vec<String> = Vec::new();
        for c in model.chars() {
            match words.last_mut() {
                Some(word) if c.is_alphanumeric() && word.ends_with(char::is_alphanumeric) => word.push(c),
                _ => words.push(c.to_string()),
            }
        }
        for (at, len, piece) in edits {
            let at = at.index(words.len());
            let end = (at + len).min(words.len());
            words.splice(at..end, [(*piece).to_owned()]);
        }
        survives(&format!("{head}{}", words.concat()), &[])?;
    }

    #[test]
    fn a_damaged_din_is_read_or_refused(edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..6, piece()), 1..5)) {
        let mut text = DIN.to_owned();
        for (at, len, piece) in edits {
            text = mutated(&text, at.index(2000), len, &piece);
        }
        survives(&text, &[])?;
    }

    #[test]
    fn any_text_is_read_or_refused(pieces in proptest::collection::vec(piece(), 0..40)) {
        survives(&pieces.concat(), &[])?;
    }

    #[test]
    fn any_model_line_is_read_or_refused(pieces in proptest::collection::vec(piece(), 0..12)) {
        survives(&format!("specrec: 1\nsamples: {{from: logs}}\nmodel:\n  x: {}\n", pieces.concat()), &[])?;
    }

    #[test]
    fn any_set_is_applied_or_refused(path in "[a-z.]{0,6}|train\\.[a-z.]{0,8}|let\\.[a-z]{1,3}", pieces in proptest::collection::vec(piece(), 0..4)) {
        survives(DIN, &[format!("{path}={}", pieces.concat())])?;
    }
}
