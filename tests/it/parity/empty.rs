//! A batch in which nobody has an event: every model of the fixtures has losses and gradients that are numbers, the same on
//! both backends.

use specrec::exec::feed::{Column, Feed};
use specrec::ir::graph::Graph;
use specrec::pass::Goal;

use super::{Fixture, cases, computed, floats, graph, near};

/// The feed without elements of any axis but the bag of genres of the sample, which stays.
fn without_events(graph: &Graph, fixture: &Fixture) -> Feed {
    let mut feed = fixture.feed();
    let emptied = |axis: &str| axis != "genres" && axis != "B";
    for axis in graph.axes().ids() {
        let (name, parent) = (&graph.axis(axis).name, graph.axis(axis).parent);
        if let Some(offsets) = feed.offsets.get_mut(name).filter(|_| emptied(name)) {
            let of_samples = parent.is_some_and(|parent| graph.axis(parent).name == "B");
            *offsets = vec![0; if of_samples { feed.samples + 1 } else { 1 }];
        }
    }
    for (_, input) in graph.inputs() {
        let value = graph.value(input.value);
        if value.ty.space.axes().iter().any(|&axis| emptied(&graph.axis(axis).name)) {
            match feed.columns.get_mut(&value.name) {
                Some(Column::F32(values)) => values.clear(),
                Some(Column::U32(values)) => values.clear(),
                None => panic!("no input {}", value.name),
            }
        }
    }
    feed
}

#[test]
fn a_batch_without_events_has_numbers_everywhere() {
    for (common, cases) in cases::GROUPS {
        for (name, spec, sets) in *cases {
            let sets: Vec<&str> = common.iter().chain(*sets).copied().collect();
            for goal in [Goal::Gradients, Goal::Predict] {
                let graph = graph(spec, &sets, |_| goal);
                let fixture = Fixture::read(name);
                let both = computed(&graph, &fixture, &without_events(&graph, &fixture));
                let [(_, theirs), (_, ours)] = &both[..] else { panic!("two backends") };
                for output in theirs.keys().filter(|output| matches!(theirs[*output], Column::F32(_))) {
                    let (theirs, ours) = (floats(theirs, output), floats(ours, output));
                    assert!(theirs.iter().all(|x| x.is_finite()), "{name}: {output} is {theirs:?}");
                    near(&format!("{name}: {output}"), &ours, &theirs, 1e-3, 1e-4);
                }
            }
        }
    }
}
