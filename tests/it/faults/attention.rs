//! Faults of attention units, activations and recurrences.

use specrec::pass::Goal;

use crate::small::{assert_gives, feed, numbers, rated, run, weights};

#[test]
fn the_weights_of_the_paper_are_not_normalised() {
    let graph = rated(
        "
model:
  interest: din(x, history.x, over=history, hidden=[2])
losses:
  l: bce(interest, y)
outputs:
  interest: interest
",
        Goal::Predict,
    );
    let batch = feed(2, &[("history", &[0, 1, 3])], &[("x", &[1.0, 1.0]), ("history.x", &[2.0, 2.0, 2.0])], &[]);
    for outputs in run(&graph, &weights(&graph, &[]), &batch) {
        let interest = numbers(&outputs, "interest");
        assert!(interest[0] != 0.0 && (interest[1] - 2.0 * interest[0]).abs() < 1e-6, "{interest:?}");
    }
}

const DICE: &str = "
model:
  d: dice(concat(x, z))
losses:
  first: slice(d, 0, 1) * s
  second: slice(d, 1, 2) * s
outputs:
  d: d
";

#[test]
fn dice_normalises_before_the_sigmoid() {
    let graph = rated(DICE, Goal::Gradients);
    let batch = feed(2, &[], &[("x", &[101.0, 103.0]), ("z", &[1.0, 3.0]), ("s", &[2.0, 0.0])], &[]);
    // The first row, which is one deviation below the mean of its column in both: p = sigmoid(-1). Without normalisation
    // it is the sigmoid of 101; over the width of the row its two entries lie on either side of their mean.
    let outputs = run(&graph, &weights(&graph, &[]), &batch);
    assert_gives(&outputs, "first", &[101.0 * 0.268_941_4]);
    assert_gives(&outputs, "second", &[0.268_941_4]);
}

#[test]
fn prediction_does_not_read_the_statistics_of_its_batch() {
    let graph = rated(DICE, Goal::Predict);
    let weights = weights(&graph, &[]);
    let alone = run(&graph, &weights, &feed(1, &[], &[("x", &[1.0]), ("z", &[3.0])], &[]));
    let beside = run(&graph, &weights, &feed(2, &[], &[("x", &[1.0, 50.0]), ("z", &[3.0, -9.0])], &[]));
    for (alone, beside) in alone.iter().zip(&beside) {
        assert_eq!(numbers(alone, "d")[..], numbers(beside, "d")[..2]);
    }
}

#[test]
fn statistics_are_of_events_and_not_of_padding() {
    let graph = rated(
        "
model:
  d: sum(dice(history.x), over=history)
losses:
  l: d * s
outputs:
  d: d
",
        Goal::Gradients,
    );
    // Events 1 and 3 of the second user, mean 2, deviation 1; the first user has none. Padded to two events each, the mean
    // would be 1. 0.2689414 + 3 0.7310586, the mean over two samples, one of which counts twice.
    let batch = feed(2, &[("history", &[0, 0, 2])], &[("history.x", &[1.0, 3.0]), ("s", &[0.0, 2.0])], &[]);
    assert_gives(&run(&graph, &weights(&graph, &[]), &batch), "l", &[2.462_117_2]);
}

#[test]
fn the_reset_gate_acts_on_the_product_with_the_state() {
    let graph = rated(
        "
model:
  h: last(gru(history.x, over=history, hidden=2), over=history)
losses:
  l: bce(linear(h, 1), y)
outputs:
  h: h
",
        Goal::Predict,
    );
    // Columns: update, reset, candidate, two of each. All updates are 1/2. Resets are sigmoid(-ln 3) = 1/4 and sigmoid(ln 3) =
    // 3/4. The first candidate is tanh(x), the second tanh of 3/4 of the first state; were the reset applied to the state
    // before the product, it would be 1/4 of it.
    let ln3 = 3f32.ln();
    let given: &[(&str, usize, &[f32])] = &[
        ("h.linear.w", 6, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        ("h.linear.b", 6, &[0.0, 0.0, -ln3, ln3, 0.0, 0.0]),
        ("h.gru_step.from_state.linear.w", 6, &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ];
    let batch = feed(1, &[("history", &[0, 2])], &[("history.x", &[1.0, 0.0])], &[]);
    // First state: (tanh(1) / 2, 0) = (0.3807971, 0). Then (0.1903985, tanh(0.2855978) / 2 = 0.1390390).
    assert_gives(&run(&graph, &weights(&graph, given), &batch), "h", &[0.190_398_5, 0.139_039]);
}

#[test]
fn histories_without_a_next_click_cost_nothing() {
    let graph = rated(
        "
model:
  states: gru(history.x, over=history, hidden=1)
losses:
  aux: next_click(states, history.x, history.z, over=history)
outputs:
  last: last(states, over=history)
",
        Goal::Gradients,
    );
    let of = |ends: &[u32], x: &[f32]| {
        let numbers = [("history.x", x), ("history.z", x)];
        run(&graph, &weights(&graph, &[]), &feed(ends.len() - 1, &[("history", ends)], &numbers, &[]))
    };
    assert_gives(&of(&[0, 0, 1], &[2.0]), "aux", &[0.0]);
    // One step with a next click: states are 0, as weights of 0 let nothing in, so each side costs ln 2; two samples.
    let still: &[(&str, usize, &[f32])] = &[("states.linear.w", 3, &[0.0; 3])];
    let numbers = [("history.x", &[1.0, 2.0][..]), ("history.z", &[3.0, 4.0])];
    let outputs = run(&graph, &weights(&graph, still), &feed(2, &[("history", &[0, 2, 2])], &numbers, &[]));
    assert_gives(&outputs, "aux", &[2f32.ln()]);
}

#[test]
fn the_target_is_a_step_of_its_own_sequence() {
    let graph = rated(
        "
model:
  steps: append(history.item, item, over=history, as=steps)
  encoded: steps + self_attention(steps, over=steps)
losses:
  l: bce(linear(encoded, 1) |> sum(over=steps), y)
outputs:
  all: flatten(encoded, over=steps)
",
        Goal::Predict,
    );
    let table: Vec<f32> = (0..24).map(|at| ((at * 7) % 11) as f32 / 5.0 - 1.0).collect();
    let weights = weights(&graph, &[("item", 2, &table)]);
    let of = |target: u32, ends: &[u32; 2], history: &[u32]| {
        let batch = feed(1, &[("history", ends)], &[], &[("item", &[target]), ("history.item", history)]);
        run(&graph, &weights, &batch).map(|outputs| numbers(&outputs, "all"))
    };
    for (one, other) in of(2, &[0, 2], &[4, 5]).iter().zip(&of(3, &[0, 2], &[4, 5])) {
        // Six events at most and the target: places for seven, the last three taken. The target changes what it is, and
        // what the event before it sees.
        assert_eq!((one.len(), one[..8].iter().any(|&x| x != 0.0)), (14, false));
        assert!(one[12] != other[12] && one[8] != other[8], "{one:?} {other:?}");
    }
    for none in of(2, &[0, 0], &[]) {
        assert!(none[12] != 0.0, "of no events, the target is the whole sequence");
    }
}

#[test]
fn a_model_with_an_auxiliary_loss_predicts_without_its_draws() {
    let dien = std::fs::read_to_string("specs/dien.yaml").unwrap();
    let inputs = |goal| {
        let graph = crate::small::graph(&dien, goal);
        graph.inputs().map(|(_, input)| graph.value(input.value).name.clone()).collect::<Vec<String>>()
    };
    let drawn = |name: &String| name.starts_with("unseen");
    assert!(inputs(Goal::Gradients).iter().any(drawn));
    assert!(!inputs(Goal::Predict).iter().any(drawn), "what is drawn is read in training alone");
}
