//! Faults of hiding events of a sequence to have them guessed.

use specrec::exec::feed::Feed;
use specrec::ir::graph::Graph;
use specrec::pass::Goal;

use crate::small::{assert_gives, feed, known, next, numbers, prepared, run, weights};

fn cloze(rate: f64, goal: Goal) -> Graph {
    let sections = format!(
        "
model:
  ids: append(history.movie, movie, over=history, as=steps)
  masked: cloze(ids, over=steps, rate={rate})
  steps: masked.tokens + positions(steps)
  encoded: steps + self_attention(steps, over=steps)
  hidden: select(encoded, over=steps, where=masked.chosen)
losses:
  cloze: cross_entropy(scores(hidden, movie), select(ids, over=steps, where=masked.chosen))
outputs:
  next: top(scores(hidden, movie), k=3)
metrics:
  hr: hr(scores(hidden, movie), movie, k=3)
"
    );
    next(&sections, goal)
}

/// Sequences of five, one and five movies, the one to be told included.
fn sequences() -> Feed {
    let ids = [("movie", &[9, 8, 7][..]), ("history.movie", &[1, 2, 3, 4, 5, 6, 1, 2])];
    feed(3, &[("history", &[0, 4, 4, 8])], &[], &ids)
}

/// What is hidden of the three sequences in each of some steps.
fn hidden(rate: f64) -> Vec<[Vec<bool>; 3]> {
    let graph = cloze(rate, Goal::Gradients);
    let (weights, batch) = (weights(&graph, &[]), sequences());
    let at = |step| {
        let chosen = known(&graph, &prepared(&graph, &weights, &batch, step), "masked.cloze.1");
        assert_eq!(chosen.len(), 11, "only real elements can be hidden");
        [&chosen[..5], &chosen[5..6], &chosen[6..]].map(|of| of.iter().map(|&hidden| hidden == 1.0).collect())
    };
    (0..200).map(at).collect()
}

fn count(hidden: &[bool]) -> usize {
    hidden.iter().filter(|&&hidden| hidden).count()
}

#[test]
fn the_first_event_is_trained_as_often_as_the_second() {
    let steps = hidden(0.4);
    let times = |place: usize| steps.iter().filter(|sequences| sequences[0][place]).count();
    // Of 200 steps, 90 % hide each place with probability 0.4: 72, with a deviation of about 7.
    for place in 0..4 {
        assert!((45..=99).contains(&times(place)), "place {place}: {} of 200", times(place));
    }
}

#[test]
fn more_events_are_hidden_than_the_rate_says_where_chance_has_it() {
    let graph = cloze(0.4, Goal::Gradients);
    let (weights, batch) = (weights(&graph, &[]), sequences());
    let axis = graph.axes().find("steps|masked.cloze.1").unwrap();
    let mut most = 0;
    for step in 0..50 {
        let prepared = prepared(&graph, &weights, &batch, step);
        let chosen = known(&graph, &prepared, "masked.cloze.1").iter().sum::<f32>() as u32;
        assert_eq!(prepared.rows.offsets(axis).last(), Some(&chosen), "every hidden event is guessed");
        most = most.max(chosen);
    }
    // Two of five twice, and the one that is alone: a cut at the rate would leave five.
    assert!(most > 5, "{most}");
}

#[test]
fn sequences_and_events_have_coins_of_their_own() {
    let steps = hidden(0.5);
    // Two sequences of five agree in all places once in about 30 steps, and by one coin for both in all.
    let same = steps.iter().filter(|sequences| sequences[0] == sequences[2]).count();
    assert!(same < 25, "{same} of 200");
    // Five coins give two or three in 20 of 32 cases, nine tenths of the time: 112. One coin gives one or four.
    let mixed = steps.iter().filter(|sequences| (2..=3).contains(&count(&sequences[0]))).count();
    assert!((80..=150).contains(&mixed), "{mixed} of 200");
    assert!(steps.windows(2).any(|two| two[0] != two[1]), "a step draws anew");
}

#[test]
fn one_event_is_hidden_at_least_and_one_is_not() {
    for rate in [0.01, 0.99] {
        for sequences in hidden(rate) {
            assert!((1..=4).contains(&count(&sequences[0])), "{sequences:?}");
            assert_eq!(count(&sequences[1]), 1, "the only event is hidden");
        }
    }
}

#[test]
fn some_sequences_hide_the_last_event_alone() {
    // By chance this would be 0.4^4 0.6, 3 of 200; by the tenth that is told, 20 more.
    let alone = |hidden: &Vec<bool>| count(hidden) == 1 && hidden[4];
    let times = hidden(0.6).iter().filter(|sequences| alone(&sequences[0])).count();
    assert!((10..=50).contains(&times), "{times} of 200");
}

#[test]
fn a_hidden_event_is_read_nowhere() {
    let graph = cloze(0.4, Goal::Gradients);
    let prepared = prepared(&graph, &weights(&graph, &[]), &sequences(), 7);
    let (tokens, chosen) = (known(&graph, &prepared, "masked.cloze.0"), known(&graph, &prepared, "masked.cloze.1"));
    let ids = [1, 2, 3, 4, 9, 8, 5, 6, 1, 2, 7];
    for ((token, hidden), id) in tokens.iter().zip(&chosen).zip(ids) {
        assert_eq!(*token, if *hidden == 1.0 { 0.0 } else { id as f32 });
    }
}

#[test]
fn padding_is_not_hidden_and_does_not_dilute_the_loss() {
    let graph = cloze(0.4, Goal::Gradients);
    // All scores are 0, so each guess costs ln 11, and so does their mean, but only if nothing else is counted.
    let outputs = run(&graph, &weights(&graph, &[("movie", 1, &[0.0; 12])]), &sequences());
    assert_gives(&outputs, "cloze", &[11f32.ln()]);
}

#[test]
fn evaluation_hides_the_last_event_alone_and_keeps_the_oldest() {
    let graph = cloze(0.4, Goal::Predict);
    let table: Vec<f32> = (0..12).map(|row| 0.3 * row as f32 - 1.5).collect();
    let given: &[(&str, usize, &[f32])] = &[("movie", 1, &table), ("steps.positions", 1, &[0.4, -0.2, 0.1, 0.3, -0.5])];
    let weights = weights(&graph, given);
    let scores = |history: &[u32; 4], movie: u32| {
        let batch = feed(1, &[("history", &[0, 4])], &[], &[("movie", &[movie]), ("history.movie", history)]);
        run(&graph, &weights, &batch).map(|outputs| numbers(&outputs, "next.scores"))
    };
    let known = scores(&[1, 2, 3, 4], 9);
    assert_eq!(known, scores(&[1, 2, 3, 4], 5), "what is to be told is not read");
    assert_ne!(known, scores(&[8, 2, 3, 4], 9), "the oldest of as many as a history holds is read");
    assert_ne!(known, scores(&[1, 2, 3, 8], 9), "the newest is read");
}
