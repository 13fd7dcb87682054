//! Faults of ranking a list again: in each the padding of shorter lists gets a part.

use specrec::ir::graph::Graph;
use specrec::pass::Goal;

use crate::small::{assert_gives, feed, numbers, rated, run, weights};

/// A list network: positions from the head, self-attention, a score each.
fn network(goal: Goal) -> Graph {
    rated(
        "
model:
  placed: concat(history.s, history.z) + positions(history, from=start)
  encoded: transformer(placed, over=history, layers=1, heads=1, hidden=3)
  score: linear(encoded, 1)
losses:
  list: softmax_cross_entropy(score, history.x, over=history)
outputs:
  share: flatten(softmax(score, over=history), over=history)
",
        goal,
    )
}

#[test]
fn the_scores_of_a_list_do_not_depend_on_longer_lists_beside_it() {
    let graph = network(Goal::Predict);
    let positions: &[f32] = &[0.5, -1.0, 0.3, 0.8, -0.7, 0.2, 0.9, -0.4, 0.6, -0.1, 1.0, 0.7];
    let weights = weights(&graph, &[("placed.positions", 2, positions)]);
    let (s, z) = ([0.4, -0.2, 1.0, 0.3, -0.8, 0.1, 0.6], [0.1, 0.9, -0.3, 0.2, 0.5, -0.6, 0.7]);
    let alone = feed(1, &[("history", &[0, 2])], &[("history.s", &s[..2]), ("history.z", &z[..2])], &[]);
    let beside = feed(2, &[("history", &[0, 2, 7])], &[("history.s", &s), ("history.z", &z)], &[]);
    let (alone, beside) = (run(&graph, &weights, &alone), run(&graph, &weights, &beside));
    for (alone, beside) in alone.iter().zip(&beside) {
        let (alone, beside) = (numbers(alone, "share"), numbers(beside, "share"));
        // A list is aligned at the end of its row; in front of it stand zeros.
        assert_eq!(alone[..4], [0.0; 4]);
        assert!((alone[4] + alone[5] - 1.0).abs() < 1e-6, "all of the softmax belongs to the list");
        for (a, b) in alone.iter().zip(&beside) {
            assert!((a - b).abs() < 1e-6, "{alone:?}, beside another {beside:?}");
        }
    }
}

fn loss(scores: &[f32], clicks: &[f32], ends: &[u32]) -> [specrec::exec::candle::Outputs; 2] {
    let graph = rated(
        "
losses:
  list: softmax_cross_entropy(history.s, history.x, over=history)
outputs:
  all: logsumexp(history.s, over=history)
",
        Goal::Gradients,
    );
    let batch = feed(ends.len() - 1, &[("history", ends)], &[("history.s", scores), ("history.x", clicks)], &[]);
    run(&graph, &weights(&graph, &[]), &batch)
}

#[test]
fn the_softmax_of_a_short_list_is_over_its_own_elements() {
    // Equal scores: ln 2 for the list of two, ln 6 for that of six. Over padding both were ln 6.
    let clicks = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    assert_gives(&loss(&[0.0; 8], &clicks, &[0, 2, 8]), "list", &[(2f32.ln() + 6f32.ln()) / 2.0]);
}

#[test]
fn the_loss_of_a_list_is_of_the_clicked_shares_alone() {
    // The share of the click is 3/4, so -ln 3/4; a point-wise loss on shares would add -ln (1 - 1/4), as much again.
    assert_gives(&loss(&[0.0, 3f32.ln()], &[0.0, 1.0], &[0, 2]), "list", &[0.287_682_1]);
}
