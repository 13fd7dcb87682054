//! Values that were worked out by hand, in the comments: recurrences with attention, Dice, and losses over lists.

use specrec::pass::Goal;

use crate::small::{assert_gives, feed, rated, run, weights};

/// `sigmoid(0)` is 1/2 and all gates are this, since nothing but the candidate reads anything: `c = tanh(x)`.
const AUGRU: &[(&str, usize, &[f32])] = &[
    ("h.inputs.linear.w", 3, &[0.0, 0.0, 1.0]),
    ("h.inputs.linear.b", 3, &[0.0, 0.0, 0.0]),
    ("h.states.from_state.linear.w", 3, &[0.0, 0.0, 0.0]),
];

fn augru(variant: &str) -> specrec::ir::graph::Graph {
    let sections = format!(
        "
model:
  h: augru(history.x, history.s, over=history, hidden=1, variant={variant})
losses:
  l: bce(h, y)
outputs:
  h: h
"
    );
    rated(&sections, Goal::Predict)
}

/// Events `x = 1, 0, -1` with weights `a = 1, 0, 1/2`; the samples have seen none, one, two and three of them.
fn three_events() -> specrec::exec::feed::Feed {
    let x = [1.0, 1.0, 0.0, 1.0, 0.0, -1.0];
    let a = [1.0, 1.0, 0.0, 1.0, 0.0, 0.5];
    feed(4, &[("history", &[0, 0, 1, 3, 6])], &[("history.x", &x), ("history.s", &a)], &[])
}

#[test]
fn augru_of_the_paper_takes_no_step_where_attention_is_zero() {
    let graph = augru("paper");
    // u~ = a/2. h1 = 1/2 tanh(1) = 0.3807971; h2 = h1, as u~ = 0; h3 = 3/4 h2 + 1/4 tanh(-1) = 0.2855978 - 0.1903985.
    let outputs = run(&graph, &weights(&graph, AUGRU), &three_events());
    assert_gives(&outputs, "h", &[0.0, 0.380_797_1, 0.380_797_1, 0.095_199_3]);
}

#[test]
fn augru_of_the_authors_code_takes_a_full_step_where_attention_is_zero() {
    let graph = augru("official");
    // What is kept is (1 - a)/2. h1 = tanh(1) = 0.7615942, as nothing is kept; h2 = 1/2 h1 + 1/2 tanh(0) = 0.3807971;
    // h3 = 1/4 h2 + 3/4 tanh(-1) = 0.0951993 - 0.5711956.
    let outputs = run(&graph, &weights(&graph, AUGRU), &three_events());
    assert_gives(&outputs, "h", &[0.0, 0.761_594_2, 0.380_797_1, -0.475_996_3]);
}

const DICE: &str = "
model:
  d: dice(x)
losses:
  first: d * z
  second: d * s
outputs:
  d: d
";

#[test]
fn dice_in_training_is_of_the_batch() {
    let graph = rated(DICE, Goal::Gradients);
    let batch = feed(2, &[], &[("x", &[1.0, 3.0]), ("z", &[2.0, 0.0]), ("s", &[0.0, 2.0])], &[]);
    // Mean 2, variance 1: p = sigmoid(-1) = 0.2689414 and sigmoid(1) = 0.7310586. With alpha 1/2, p x + (1 - p) x / 2 is
    // 0.2689414 + 0.3655293 and 2.1931758 + 0.4034121. A loss is the mean over two rows, one of which counts twice.
    let outputs = run(&graph, &weights(&graph, &[("d.alpha", 1, &[0.5])]), &batch);
    assert_gives(&outputs, "first", &[0.634_470_7]);
    assert_gives(&outputs, "second", &[2.596_588]);
}

#[test]
fn dice_in_prediction_is_of_the_running_statistics() {
    let graph = rated(DICE, Goal::Predict);
    let given: &[(&str, usize, &[f32])] =
        &[("d.alpha", 1, &[0.5]), ("d.dice.mean", 1, &[1.0]), ("d.dice.var", 1, &[4.0])];
    // (3 - 1) / 2 = 1 and (-1 - 1) / 2 = -1: 3 (0.7310586 + 0.1344707) and -(0.2689414 + 0.3655293).
    let outputs = run(&graph, &weights(&graph, given), &feed(2, &[], &[("x", &[3.0, -1.0])], &[]));
    assert_gives(&outputs, "d", &[2.596_588, -0.634_470_7]);
}

#[test]
fn dice_of_one_row_is_half_of_both_sides() {
    let graph = rated(DICE, Goal::Gradients);
    let batch = feed(1, &[], &[("x", &[3.0]), ("z", &[1.0]), ("s", &[0.0])], &[]);
    // No variance and no distance from the mean: p = sigmoid(0) = 1/2. 3/2 + 3/4.
    let outputs = run(&graph, &weights(&graph, &[("d.alpha", 1, &[0.5])]), &batch);
    assert_gives(&outputs, "first", &[2.25]);
}

#[test]
fn a_label_is_a_condition_that_holds_where_it_is_known_and_true() {
    let graph = rated("losses:\n  picked: only(x, where=y)\noutputs:\n  x: x\n", Goal::Gradients);
    let batch = feed(4, &[], &[("x", &[2.0, 4.0, 8.0, 6.0]), ("y", &[1.0, 0.0, f32::NAN, 1.0])], &[]);
    assert_gives(&run(&graph, &weights(&graph, &[]), &batch), "picked", &[4.0]);
}

#[test]
fn the_softmax_of_a_list_counts_lists_with_a_click() {
    let graph = rated(
        "
losses:
  list: softmax_cross_entropy(history.s, history.x, over=history)
outputs:
  all: logsumexp(history.s, over=history)
",
        Goal::Gradients,
    );
    let (one, three) = (0.0, 3f32.ln());
    let batch = feed(
        5,
        &[("history", &[0, 0, 1, 3, 5, 7])],
        &[
            ("history.s", &[5.0, one, three, one, three, one, three]),
            ("history.x", &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]),
        ],
        &[],
    );
    // Shares are 1/4 and 3/4. Lists: none; one alone, -ln 1; the second clicked, -ln 3/4; no click; both, -ln 1/4 - ln 3/4.
    // (0 + 0.2876821 + 1.3862944 + 0.2876821) / 3.
    assert_gives(&run(&graph, &weights(&graph, &[]), &batch), "list", &[0.653_886_2]);
}

#[test]
fn beta_of_gbce_is_by_the_rate_of_drawing() {
    let graph = rated(
        "
losses:
  half: gbce(x, z, history.x, over=history, items=13, t=0.75)
  none: gbce(x, z, history.x, over=history, items=13, t=0)
  all: gbce(x, z, history.x, over=history, items=13, t=1)
outputs:
  x: x
",
        Goal::Gradients,
    );
    // Three of twelve others: a rate of 1/4. beta = 1/4 (3/4 (1 - 4) + 4) = 7/16; with t = 0 it is 1, with t = 1 the rate.
    // All products are 0 but the positive one, -ln 3: -ln sigmoid = ln 4 = 1.3862944; a negative one costs ln 2 = 0.6931472.
    let batch = feed(
        1,
        &[("history", &[0, 3])],
        &[("x", &[1.0]), ("z", &[-(3f32.ln())]), ("history.x", &[0.0, 0.0, 0.0])],
        &[],
    );
    let outputs = run(&graph, &weights(&graph, &[]), &batch);
    // (7/16 1.3862944 + 3 0.6931472) / 4, (1.3862944 + 2.0794415) / 4, (1/4 1.3862944 + 2.0794415) / 4.
    assert_gives(&outputs, "half", &[0.671_486_3]);
    assert_gives(&outputs, "none", &[0.866_434]);
    assert_gives(&outputs, "all", &[0.606_503_8]);
}

#[test]
fn rows_of_a_batch_are_decayed_by_how_often_they_are_named() {
    let graph = rated(
        "
losses:
  decay: mini_batch_aware(item, 0.5)
  read: sum(item, over=width) * s
outputs:
  item: item
",
        Goal::Gradients,
    );
    let mut table = [9.0; 24];
    table[2..4].copy_from_slice(&[1.0, 2.0]);
    table[6..8].copy_from_slice(&[4.0, 0.0]);
    let mut counts = [3.0; 12];
    (counts[1], counts[3]) = (2.0, 4.0);
    let weights = weights(&graph, &[("item", 2, &table), ("item.count", 1, &counts)]);
    let outputs = run(&graph, &weights, &feed(3, &[], &[("s", &[0.0; 3])], &[("item", &[3, 1, 1])]));
    // The batch names rows 1, twice, and 3; the train part 2 and 4 times. 1/4 (5/2 + 16/4), and 1/2 of each row over its
    // count: (1, 2) / 4 and (4, 0) / 8. No other row moves; the other loss is 0.
    assert_gives(&outputs, "decay", &[1.625]);
    assert_gives(&outputs, "d.item", &[0.25, 0.5, 0.5, 0.0]);
}
