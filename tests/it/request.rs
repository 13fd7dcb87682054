//! Requests: one user and several candidates score as rows in which the user's history is repeated.

use std::collections::BTreeMap;

use specrec::diag::{Diags, Sources};
use specrec::exec::candle::{Outputs, Schedule};
use specrec::exec::feed::{Column, Feed};
use specrec::exec::made_up;
use specrec::ir::axis::AxisKind;
use specrec::ir::graph::Graph;
use specrec::lower::lower;
use specrec::pass::request::CANDIDATE;
use specrec::pass::{Goal, instantiate};

use crate::both::{difference, spread, step, weights};
use crate::specs::shipped;

/// Candidates of each request: none, one, many; histories of them are long, none, short, of the middle.
const CANDIDATES: [usize; 6] = [2, 1, 0, 9, 1, 4];
const EVENTS: [usize; 6] = [7, 0, 3, 1, 2, 0];

/// Specs whose samples are no pairs of a user and an item, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("bert4rec", NO_ITEM), // the item is what is to be predicted: every item of the table gets a score
    ("prm", NO_ITEM),      // a sample is a request with its list already
    ("sasrec", NO_ITEM),
    ("w4", NO_ITEM),
    ("w5", NO_ITEM),
];
const NO_ITEM: &str = "no input is of the item";

fn graphs(path: &std::path::Path) -> (Graph, Result<Graph, String>) {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load(path, &[], &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| lower(spec, &mut sources, &mut diags)).unwrap();
    let rows = instantiate(&program.graph, Goal::Predict, None).unwrap();
    (rows, instantiate(&program.graph, Goal::Request, None).map_err(|error| error.to_string()))
}

fn requests(graph: &Graph) -> Feed {
    let count = |axis: &str, parent: usize, most: Option<u32>| match axis {
        CANDIDATE => CANDIDATES[parent],
        _ => EVENTS[parent % EVENTS.len()].min(most.unwrap_or(u32::MAX) as usize),
    };
    spread(graph, made_up::feed_of(graph, CANDIDATES.len(), &count))
}

/// A sample for each candidate, with all that its request has.
fn rows(graph: &Graph, of: &Graph, requests: &Feed) -> Feed {
    let request_of: Vec<u32> =
        CANDIDATES.iter().enumerate().flat_map(|(request, &count)| vec![request as u32; count]).collect();
    let samples = request_of.len();
    let candidates: Vec<u32> = (0..samples as u32).collect();
    let mut feed = Feed { samples, ids: (0..samples as u64).collect(), ..Feed::default() };
    // Which element of the requests each element of the rows is.
    let mut elements: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for axis in graph.axes().ids().map(|id| graph.axis(id)).filter(|axis| matches!(axis.kind, AxisKind::Ragged { .. }))
    {
        let parent = |graph: &Graph| {
            let found = graph.axis(graph.axes().find(&axis.name)?).parent?;
            Some(graph.axis(found).name.clone())
        };
        let parents = match (parent(graph).unwrap().as_str(), parent(of).unwrap().as_str()) {
            ("B", CANDIDATE) => &candidates,
            ("B", _) => &request_of,
            (name, _) => &elements[name],
        };
        let (mut offsets, mut own) = (vec![0], Vec::new());
        for &parent in parents {
            let ends = &requests.offsets[&axis.name][parent as usize..][..2];
            own.extend(ends[0]..ends[1]);
            offsets.push(own.len() as u32);
        }
        feed.offsets.insert(axis.name.clone(), offsets);
        elements.insert(axis.name.clone(), own);
    }
    for (_, input) in graph.inputs() {
        let value = graph.value(input.value);
        let last = &graph.axis(*value.ty.space.axes().last().unwrap()).name;
        let places = match last.as_str() {
            "B" if input.source.is_of_item() => &candidates,
            "B" => &request_of,
            axis => &elements[axis],
        };
        let width = value.ty.width as usize;
        let numbers = places.iter().flat_map(|&place| (0..width).map(move |at| place as usize * width + at));
        let column = match &requests.columns[&value.name] {
            Column::F32(values) => Column::F32(numbers.map(|at| values[at]).collect()),
            Column::U32(values) => Column::U32(numbers.map(|at| values[at]).collect()),
        };
        feed.columns.insert(value.name.clone(), column);
    }
    feed
}

fn outputs(graph: &Graph, mut found: Outputs) -> Outputs {
    found.retain(|name, _| graph.outputs().iter().any(|root| root.name == *name));
    found
}

#[test]
fn requests_score_as_rows() {
    let (mut scored, mut without) = (0, Vec::new());
    for (name, path) in shipped() {
        let (predict, request) = graphs(&path);
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                without.push((name, error));
                continue;
            }
        };
        let (weights, schedule) = (weights(&predict), Schedule::new());
        let requests = requests(&request);
        let (reference, host) = step(&predict, &weights, &rows(&predict, &request, &requests), &schedule);
        let (of_requests, of_host) = step(&request, &weights, &requests, &schedule);
        for (theirs, ours) in [(&reference, &of_requests), (&host, &of_host), (&of_requests, &of_host)] {
            let (theirs, ours) = (outputs(&predict, theirs.clone()), outputs(&request, ours.clone()));
            if let Some(found) = difference(&theirs, &ours, 0.0, 1e-5) {
                panic!("{name}: {found}\n{request}");
            }
        }
        scored += 1;
    }
    assert!(scored > 20, "{scored}");
    let found: Vec<(&str, bool)> = without
        .iter()
        .map(|(name, error)| (name.as_str(), WITHOUT.iter().any(|(own, why)| own == name && error.contains(why))))
        .collect();
    let known: Vec<(&str, bool)> = WITHOUT.iter().map(|(name, _)| (*name, true)).collect();
    assert_eq!(found, known, "{without:?}");
}
