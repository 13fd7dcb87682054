//! The fixture of BERT4Rec is told what is hidden; the shipped spec draws it. Given what one draws, the other is the same.

use specrec::exec::candle::{Outputs, Reference, Schedule};
use specrec::exec::feed::{Column, Feed};
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::pass::Goal;

use super::{Fixture, cases, floats, graph, near};
use crate::small::known;

const NOISE: Noise = Noise { seed: 11, step: 3 };

fn step(graph: &Graph, fixture: &Fixture, feed: &Feed) -> Outputs {
    let weights = fixture.weights();
    let batch = super::Prologue::of(graph).prepare(graph, feed, &weights.table_rows(graph), NOISE).unwrap();
    let mut reference = Reference::new(&weights, candle_core::Device::Cpu).unwrap();
    reference.step(graph, &batch, &Schedule::new(), NOISE).unwrap()
}

#[test]
fn what_the_shipped_spec_hides_is_what_the_fixture_is_told() {
    let fixture = Fixture::read("bert4rec");
    let small = ["features.movie.dim=6", "let.dim=6", "let.dropout=0", "axes.history.last=8"];
    let drawing = graph("specs/bert4rec.yaml", &small, |_| Goal::Gradients);
    let mut feed = fixture.feed();
    let weights = fixture.weights();
    let rows = weights.table_rows(&drawing);
    let drawn = super::Prologue::of(&drawing).prepare(&drawing, &feed, &rows, NOISE).unwrap();
    let places = |name: &str| Column::U32(known(&drawing, &drawn, name).iter().map(|&id| id as u32).collect());
    let theirs = step(&drawing, &fixture, &feed);

    let (_, told) = &cases::GROUPS[3];
    let (_, spec, sets) = told.iter().find(|(name, ..)| *name == "bert4rec").unwrap();
    let told = graph(spec, sets, |_| Goal::Gradients);
    let steps = drawing.axes().find("steps").unwrap();
    feed.offsets.insert("history".to_owned(), drawn.rows.offsets(steps).to_vec());
    feed.columns.insert("history.movie".to_owned(), places("ids"));
    feed.columns.insert("history.shown".to_owned(), places("masked.cloze.0"));
    let ours = step(&told, &fixture, &feed);

    assert_eq!(known(&drawing, &drawn, "masked.cloze.1").len(), 19, "five samples of 0, 1, 4, 2, 7 and their targets");
    assert!(theirs.keys().eq(ours.keys()) && theirs.len() > 30, "{:?}\n{:?}", theirs.keys(), ours.keys());
    for name in theirs.keys() {
        near(name, &floats(&ours, name), &floats(&theirs, name), 1e-3, 1e-5);
    }
}
