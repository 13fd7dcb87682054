//! Faults of ranking a target among all candidates.

use specrec::pass::Goal;

use crate::small::{assert_gives, feed, next, run, weights};

/// The score of each movie is its row of the table. No movie stands for unknown ids, row 0, although its score is the best.
const SCORES: &[f32] = &[9.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1];

const SECTIONS: &str = "
model:
  one: 0 * sum(history.movie, over=history) + 1
losses:
  next: cross_entropy(scores(one, movie, bias=false), movie)
outputs:
  next: top(scores(one, movie, bias=false), k=3, exclude=history.movie)
metrics:
  hr: hr(scores(one, movie, bias=false), movie, k=1)
";

/// The rank of a target for a user who has seen some movies.
fn assert_rank(scores: &[f32], target: u32, seen: &[u32], expected: f32) {
    let graph = next(SECTIONS, Goal::Evaluate);
    let ends = &[0, seen.len() as u32];
    let ids = [("movie", &[target][..]), ("history.movie", &[1]), ("B.seen.movie", seen)];
    let batch = feed(1, &[("history", &[0, 1]), ("B.seen", ends)], &[], &ids);
    let outputs = run(&graph, &weights(&graph, &[("movie", 1, scores)]), &batch);
    assert_gives(&outputs, "metric.hr.rank", &[expected]);
}

#[test]
fn all_items_are_candidates_but_the_unknown_one() {
    assert_rank(SCORES, 11, &[1], 1.0);
    assert_rank(SCORES, 8, &[1], 4.0);
    assert_rank(SCORES, 1, &[], 11.0);
}

#[test]
fn what_was_seen_is_removed_but_never_the_target() {
    assert_rank(SCORES, 8, &[9, 11], 2.0);
    assert_rank(SCORES, 8, &[9, 10, 11, 8], 1.0);
    assert_rank(SCORES, 8, &[9, 9, 9], 3.0);
}

#[test]
fn ties_count_against_the_model() {
    assert_rank(&[0.0; 12], 3, &[], 11.0);
    assert_rank(&[0.0; 12], 3, &[4, 5], 9.0);
    let mut scores = SCORES.to_vec();
    scores[8] = 1.0;
    assert_rank(&scores, 8, &[], 3.0);
}

#[test]
fn an_unknown_target_is_never_found() {
    let graph = next(SECTIONS, Goal::Evaluate);
    let ids = [("movie", &[0][..]), ("history.movie", &[1]), ("B.seen.movie", &[])];
    let batch = feed(1, &[("history", &[0, 1]), ("B.seen", &[0, 0])], &[], &ids);
    for outputs in run(&graph, &weights(&graph, &[("movie", 1, SCORES)]), &batch) {
        assert_eq!(crate::small::numbers(&outputs, "metric.hr.rank"), [f32::INFINITY]);
    }
}

/// The rank of a target among three drawn movies, each movie with a bias of minus its row.
fn rank_among(scores: &[f32], target: u32, drawn: &[u32; 3]) -> [Vec<f32>; 2] {
    let sections = SECTIONS.replace(
        "hr: hr(scores(one, movie, bias=false), movie, k=1)",
        "hr: hr(scores(one, movie), movie, k=1, among=unseen.movie)",
    );
    let graph = next(&sections, Goal::Evaluate);
    let ids = [("movie", &[target][..]), ("history.movie", &[1]), ("unseen.movie", drawn)];
    let batch = feed(1, &[("history", &[0, 1]), ("unseen", &[0, 3])], &[], &ids);
    let bias: Vec<f32> = (0..12).map(|row| -(row as f32)).collect();
    let outputs = run(&graph, &weights(&graph, &[("movie", 1, scores), ("movie.bias", 1, &bias)]), &batch);
    outputs.map(|outputs| crate::small::numbers(&outputs, "metric.hr.rank"))
}

#[test]
fn among_what_was_drawn_only_that_counts() {
    // With its bias movie 1 has the best score of all, -0.9, and movie 11 the worst, -9.9.
    assert_eq!(rank_among(SCORES, 8, &[9, 10, 11]), [[1.0], [1.0]]);
    assert_eq!(rank_among(SCORES, 8, &[9, 2, 11]), [[2.0], [2.0]]);
    assert_eq!(rank_among(SCORES, 8, &[1, 2, 3]), [[4.0], [4.0]]);
    let mut scores = SCORES.to_vec();
    (scores[5], scores[7]) = (5.0 - 8.0 + SCORES[8], f32::NAN);
    assert_eq!(rank_among(&scores, 8, &[5, 9, 10]), [[2.0], [2.0]], "a tie counts against the model");
    assert_eq!(rank_among(&scores, 8, &[7, 9, 10]), [[2.0], [2.0]], "and so does what is no number");
    assert_eq!(rank_among(&scores, 7, &[9, 10, 11]), [[4.0], [4.0]]);
    assert_eq!(rank_among(SCORES, 0, &[9, 10, 11]), [[f32::INFINITY], [f32::INFINITY]]);
}

#[test]
fn the_best_are_known_items_that_are_not_excluded() {
    let graph = next(SECTIONS, Goal::Predict);
    let batch = feed(1, &[("history", &[0, 2])], &[], &[("history.movie", &[11, 9])]);
    let outputs = run(&graph, &weights(&graph, &[("movie", 1, SCORES)]), &batch);
    assert_gives(&outputs, "next.ids", &[10.0, 8.0, 7.0]);
    assert_gives(&outputs, "next.scores", &[1.0, 0.8, 0.7]);
}

#[test]
fn an_unknown_target_costs_nothing() {
    let graph = next(SECTIONS, Goal::Gradients);
    let ids = [("movie", &[0, 4][..]), ("history.movie", &[1, 1])];
    let batch = feed(2, &[("history", &[0, 1, 2])], &[], &ids);
    // Eleven candidates with one score: ln 11 for the second sample, and the first does not count.
    let outputs = run(&graph, &weights(&graph, &[("movie", 1, &[0.0; 12])]), &batch);
    assert_gives(&outputs, "next", &[11f32.ln()]);
}
