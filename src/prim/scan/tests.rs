//! Recurrences computed by hand, and their derivatives held against differences.

use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

/// `s' = s w + x c`, a leaky sum of elements scaled by a value of the whole sequence.
const LEAKY: &str = "
    axis h: ragged of B
    input %x: f32[B, h, 1]
    input %c: f32[B, 1]
    param @w: f32[1] = 0.5
    param @first: f32[1] = 0
    %s: f32[B, h, 1] = scan(%x, @first, %c, @w) {over: h} body {
      axis sequences: batch
      input %x: f32[sequences, 1]
      input %s: f32[sequences, 1]
      input %c: f32[sequences, 1]
      input %w: f32[1]
      %kept: f32[sequences, 1] = mul(%s, %w)
      %new: f32[sequences, 1] = mul(%x, %c)
      %next: f32[sequences, 1] = add(%kept, %new)
      output s = %next
    }";

/// A GRU (Cho et al. 2014) whose reset gate is applied after the product, with an attention weight on the update gate.
const AUGRU: &str = "
    axis slate: ragged of B
    axis h: ragged of B
    input %x: f32[B, h, 6]
    input %a: f32[B, slate, h, 1]
    param @u: f32[2 x 6] = glorot
    param @first: f32[2] = 0
    %s: f32[B, slate, h, 2] = scan(%x, %a, @first, @u) {over: h} body {
      axis sequences: batch
      input %x: f32[sequences, 6]
      input %a: f32[sequences, 1]
      input %s: f32[sequences, 2]
      input %u: f32[2 x 6]
      %h: f32[sequences, 6] = linear(%s, %u)
      %x.gates: f32[sequences, 4] = slice(%x) {from: 0, to: 4}
      %h.gates: f32[sequences, 4] = slice(%h) {from: 0, to: 4}
      %gates.in: f32[sequences, 4] = add(%x.gates, %h.gates)
      %gates: f32[sequences, 4] = sigmoid(%gates.in)
      %update: f32[sequences, 2] = slice(%gates) {from: 0, to: 2}
      %reset: f32[sequences, 2] = slice(%gates) {from: 2, to: 4}
      %x.new: f32[sequences, 2] = slice(%x) {from: 4, to: 6}
      %h.new: f32[sequences, 2] = slice(%h) {from: 4, to: 6}
      %h.reset: f32[sequences, 2] = mul(%reset, %h.new)
      %new.in: f32[sequences, 2] = add(%x.new, %h.reset)
      %new: f32[sequences, 2] = tanh(%new.in)
      %weighted: f32[sequences, 2] = mul(%a, %update)
      %change: f32[sequences, 2] = sub(%new, %s)
      %moved: f32[sequences, 2] = mul(%weighted, %change)
      %next: f32[sequences, 2] = add(%s, %moved)
      output s = %next
    }
    %interest: f32[B, slate, 2] = last(%s) {over: h}";

#[test]
fn states_follow_from_the_ones_before() {
    let batch = Batch::of(3).axis("h", &[0, 3, 3, 4]).with("x", &[1.0, 2.0, 3.0, 4.0]).with("c", &[1.0, 1.0, 2.0]);
    let batch = batch.with("@w", &[0.5]).with("@first", &[8.0]);
    assert_eq!(value(&graph(LEAKY), &batch, "s"), [5.0, 4.5, 5.25, 12.0]);
    check_derivatives(&graph(LEAKY), &batch, &["s"], &["x", "c", "@w", "@first"]);
}

#[test]
fn a_batch_without_elements_has_no_state_and_no_derivative() {
    let batch = Batch::of(2).axis("h", &[0, 0, 0]).with("x", &[]).with("c", &[1.0, 2.0]);
    let batch = batch.with("@w", &[0.5]).with("@first", &[8.0]);
    assert_eq!(value(&graph(LEAKY), &batch, "s"), [0.0; 0]);
    check_derivatives(&graph(LEAKY), &batch, &["s"], &["c", "@w", "@first"]);
}

#[test]
fn augru_runs_once_for_every_candidate_over_events_that_they_share() {
    let batch = Batch::of(3).axis("h", &[0, 3, 3, 4]).axis("slate", &[0, 2, 3, 4]);
    let batch =
        batch.with("x", &some(24, 0)).with("a", &some(7, 24)).with("@u", &some(12, 31)).with("@first", &some(2, 43));
    let states = value(&graph(AUGRU), &batch, "s");
    // The first step of the first candidate, by hand.
    let (x, u, s) = (some(24, 0), some(12, 31), some(2, 43));
    let product = |column: usize| s[0] * u[column] + s[1] * u[6 + column];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for unit in 0..2 {
        let update = sigmoid(x[unit] + product(unit)) * some(7, 24)[0];
        let new = (x[4 + unit] + sigmoid(x[2 + unit] + product(2 + unit)) * product(4 + unit)).tanh();
        assert!((states[unit] - ((1.0 - update) * s[unit] + update * new)).abs() < 1e-12);
    }
    let interest = value(&graph(AUGRU), &batch, "interest");
    assert_eq!(interest[0..2], states[4..6], "the last of three steps");
    assert_eq!(interest[4..6], [0.0, 0.0], "no event");
    check_derivatives(&graph(AUGRU), &batch, &["interest", "s"], &["x", "a", "@u", "@first"]);
}

#[test]
fn two_states_go_along_and_one_may_be_read_by_nobody() {
    let lines = "
        axis h: ragged of B
        input %x: f32[B, h, 1]
        param @zero: f32[1] = 0
        param @one: f32[1] = 1
        %sum: f32[B, h, 1], %kept: f32[B, h, 1] = scan(%x, @zero, @one) {over: h} body {
          axis sequences: batch
          input %x: f32[sequences, 1]
          input %sum: f32[sequences, 1]
          input %kept: f32[sequences, 1]
          %next: f32[sequences, 1] = add(%sum, %x)
          %square: f32[sequences, 1] = mul(%next, %x)
          output sum = %next
          output kept = %square
        }";
    let batch =
        Batch::of(2).axis("h", &[0, 2, 3]).with("x", &[2.0, 3.0, 5.0]).with("@zero", &[0.0]).with("@one", &[1.0]);
    assert_eq!(value(&graph(lines), &batch, "sum"), [2.0, 5.0, 5.0]);
    assert_eq!(value(&graph(lines), &batch, "kept"), [4.0, 15.0, 25.0]);
    check_derivatives(&graph(lines), &batch, &["sum", "kept"], &["x", "@zero", "@one"]);
    check_derivatives(&graph(lines), &batch, &["kept"], &["x", "@zero", "@one"]);
}

#[test]
fn a_body_that_does_not_fit_its_operands_is_refused() {
    let with = |from: &str, to: &str| {
        assert!(LEAKY.contains(from));
        refused(&LEAKY.replacen(from, to, 1))
    };
    assert_eq!(with("input %c: f32[sequences, 1]", "input %c: f32[1]"), "E0301", "C5");
    assert_eq!(with("input %w: f32[1]", "input %w: f32[sequences, 1]"), "E0301", "C5");
    assert_eq!(with("scan(%x, @first, %c, @w)", "scan(%x, @first, %c)"), "E0310", "C2");
    assert_eq!(with("scan(%x, @first, %c, @w)", "scan(@first, %x, %c, @w)"), "E0305", "C3");
    assert_eq!(with("output s = %next", ""), "E0310", "C2");
    assert_eq!(with("axis sequences: batch", "axis sequences: batch axis n: static(2)"), "E0302", "C1");
    assert_eq!(with("output s = %next", "output s = %next loss l = %w"), "E0302", "C1");
    let coupled = "%m: f32[1] = sum(%next) {over: sequences} %n: f32[sequences, 1] = add(%m, %next) output s = %n";
    assert_eq!(with("output s = %next", coupled), "E0302", "C1");
    let wide = "%n: f32[sequences, 2] = concat(%next, %x) output s = %n";
    assert_eq!(with("output s = %next", wide), "E0301", "C6");
}
