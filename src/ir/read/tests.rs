//! What the reader accepts and what it says about the rest.

use proptest::prelude::*;

use super::*;
use crate::prim::REGISTRY;

const SMALL: &str = r#"model small {
  axis B: batch
  axis history: ragged(50) of B
  axis history.genres: ragged of history
  axis |movie|: rows of movie
  axis movie!: distinct rows of movie
  axis heads: static(4)
  axis past: twin of history
  axis steps: append of history
  table @movie: f32[|movie|, 16] = normal(0.01)
  param @w: f32[4 x 2] = glorot
  param @b: f32[2] = fan_in(4)
  state @b.m: f32[2] = 0
  state @b.v: f32[2] = 1e-30
  frozen @text: f32[|movie|, 8] = file
  input %movie: id<movie>[B]
  input %x: f32[B, history, 4]
  input %history.keep: bool[B, history]
  input %liked: f32[B, 1] = label(liked)
  input %dwell: f32[B, history, 1] = outcome("dwell time") along history
  input %weight: f32[B, 1] = weight
  input %lr: f32[1] = schedule(lr)
  input %step: f32[1] = schedule(step)
  axis history|keep: sub of history where %history.keep
  %y: f32[B, history, 2] = linear(%x, @w, @b)
  %s: f32[2] = sum(%y) {over: [B, history]}
  %total: f32[1] = sum_width(%s)
  loss total = %total
  update @b, @b.m, @b.v = adam(%s, %lr, %step) {beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}
  output "the sum" = %s
}
"#;

fn graph(text: &str) -> Result<Graph, Vec<Diagnostic>> {
    read(text, FileId(0), REGISTRY)
}

/// The codes of a text's errors, each with the piece of text that it marks.
fn findings(text: &str) -> Vec<(&'static str, &str)> {
    let place = |finding: &Diagnostic| {
        let span = finding.labels.first().map(|label| label.span).unwrap_or_default();
        &text[span.start as usize..span.end as usize]
    };
    graph(text).err().unwrap_or_default().iter().map(|finding| (finding.code, place(finding))).collect()
}

/// The errors of `SMALL` with one piece exchanged.
fn exchanged<'a>(text: &'a mut String, from: &str, to: &str) -> Vec<(&'static str, &'a str)> {
    assert!(SMALL.contains(from), "{from}");
    *text = SMALL.replacen(from, to, 1);
    findings(text)
}

#[test]
fn what_is_printed_reads_back_as_the_same_graph() {
    let read_once = graph(SMALL).unwrap();
    assert_eq!(read_once.to_string(), SMALL);
    assert_eq!(graph(&read_once.to_string()).unwrap(), read_once);
}

#[test]
fn a_stated_type_that_is_not_the_inferred_one_is_an_error() {
    let mut text = String::new();
    assert_eq!(
        exchanged(&mut text, "%y: f32[B, history, 2]", "%y: f32[B, history, 3]"),
        [("E0333", "f32[B, history, 3]")]
    );
    let error = &graph(&text).unwrap_err()[0];
    assert_eq!(error.title, "`%y` is f32[B, history, 2], but its line says f32[B, history, 3]");
    assert_eq!(exchanged(&mut text, "%x: f32[B, history, 4]", "%x: f32[history, 4]"), [("E0333", "f32[history, 4]")]);
}

#[test]
fn an_operation_that_refuses_its_operands_marks_the_operand() {
    let mut text = String::new();
    assert_eq!(exchanged(&mut text, "linear(%x, @w, @b)", "linear(%x, @b, @w)"), [("E0301", "@b")]);
    assert_eq!(exchanged(&mut text, "over: [B, history]", "over: history.genres"), [("E0305", "%y")]);
    assert_eq!(exchanged(&mut text, "{over: [B, history]}", ""), [("E0311", "sum")]);
    assert_eq!(exchanged(&mut text, "beta1: 0.9, ", "beta: 1, "), [("E0311", "beta")]);
    assert_eq!(exchanged(&mut text, "beta1: 0.9, ", "beta1: B, "), [("E0311", "B")]);
}

#[test]
fn unknown_and_repeated_names_are_errors_and_their_uses_are_not() {
    let mut text = String::new();
    assert_eq!(exchanged(&mut text, "linear(%x,", "linear(%z,"), [("E0331", "%z")]);
    assert_eq!(exchanged(&mut text, "= linear(", "= liner("), [("E0331", "liner")]);
    assert_eq!(exchanged(&mut text, "= adam(", "= adan("), [("E0331", "adan")]);
    assert_eq!(exchanged(&mut text, "ragged(50) of B", "ragged(50) of C"), [("E0331", "C")]);
    assert_eq!(exchanged(&mut text, "%total: f32[1] =", "%s: f32[1] ="), [("E0332", "%s"), ("E0331", "%total")]);
    assert_eq!(exchanged(&mut text, "update @b, ", "update @c, "), [("E0331", "@c")]);
    assert_eq!(exchanged(&mut text, "axis heads:", "axis past:"), [("E0332", "past")]);
}

#[test]
fn a_text_of_another_form_says_what_was_expected() {
    assert_eq!(findings("model x { axis B }"), [("E0330", "}")]);
    assert_eq!(findings("model x {"), [("E0330", "")]);
    assert_eq!(findings("model x { param @w: f32[1] = 4294967296e }"), [("E0330", "4294967296e")]);
    assert_eq!(findings("model x { axis a: static(4294967296) }"), [("E0330", "4294967296")]);
    let deep = "model x ".to_owned() + &"{ %a: f32[1] = f() body ".repeat(100_000);
    assert_eq!(findings(&deep).len(), 1);
}

#[test]
fn a_name_that_is_no_path_is_quoted() {
    assert!(
        is_path("a.0.b_1") && is_path("_x") && !is_path("0.a") && !is_path("a b") && !is_path("a.") && !is_path("inf")
    );
    assert!(
        is_axis_name("|movie|") && is_axis_name("movie!") && is_axis_name("history|chosen") && !is_axis_name("a||b")
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = graph(&text);
    }

    #[test]
    fn no_damaged_graph_panics(at in 0..SMALL.len(), len in 0..12usize, piece in "[%@a-z0-9.:,|!{}()\\[\\]=\"; é]{0,6}") {
        let end = (at + len).min(SMALL.len());
        if let (Some(head), Some(tail)) = (SMALL.get(..at), SMALL.get(end..))
            && let Ok(read) = graph(&format!("{head}{piece}{tail}"))
        {
            prop_assert_eq!(&graph(&read.to_string()).unwrap(), &read);
        }
    }
}
