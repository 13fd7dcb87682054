//! A spec of a few lines, weights and a batch given by hand, and what both backends make of them.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;
use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::{Outputs, Reference, Schedule};
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::matrix::Matrix;
use specrec::exec::prologue::{Prepared, Prologue};
use specrec::exec::weights::Weights;
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::pass::{Goal, instantiate};

/// Rated rows with numbers `x`, `z` and `s` and a label `y`, and the earlier rows of the same user.
const HEAD: &str = "
specrec: 1
name: small
sources:
  rows: {path: rows.csv}
samples:
  from: rows
  time: {column: at, unit: s}
  labels:
    y: rating >= 4
  split: {by: time, parts: [0.8, 0.1, 0.1]}
features:
  x: {type: number}
  z: {type: number}
  s: {type: number}
  item: {type: id, dim: 2}
axes:
  history: {from: rows, by: user, last: 6}
";

/// A user's sequence of movies, one of which is to be told; each movie's score is its row of the table.
const NEXT: &str = "
specrec: 1
name: next
sources:
  rows: {path: rows.csv}
samples:
  from: rows
  per: user
  time: {column: at, unit: s}
  split: {by: leave_one_out, of: user}
features:
  movie: {type: id, dim: 1, min_count: 1}
axes:
  history: {from: rows, by: user, last: 4}
  unseen: {draw: movie, n: 3, by: uniform}
";

/// The graph of the sections `model`, `losses`, `outputs`, `metrics` on top of rated rows.
pub(crate) fn rated(sections: &str, goal: Goal) -> Graph {
    graph(&format!("{HEAD}{sections}"), goal)
}

/// The same on top of sequences whose next movie is to be told.
pub(crate) fn next(sections: &str, goal: Goal) -> Graph {
    graph(&format!("{NEXT}{sections}"), goal)
}

/// The graph of a whole spec.
pub(crate) fn graph(text: &str, goal: Goal) -> Graph {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load_text("small.yaml", text, Path::new("specs"), &[], &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| specrec::lower::lower(spec, &mut sources, &mut diags));
    let Some(program) = program else { panic!("{}", render_all(diags.list(), &sources, false)) };
    instantiate(&program.graph, goal, None).unwrap()
}

/// A batch: how many samples, where the elements of each axis begin, numbers and ids by name.
pub(crate) fn feed(
    samples: usize,
    offsets: &[(&str, &[u32])],
    numbers: &[(&str, &[f32])],
    ids: &[(&str, &[u32])],
) -> Feed {
    let numbers = numbers.iter().map(|(name, values)| ((*name).to_owned(), Column::F32(values.to_vec())));
    let ids = ids.iter().map(|(name, values)| ((*name).to_owned(), Column::U32(values.to_vec())));
    Feed {
        samples,
        offsets: offsets.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect(),
        columns: numbers.chain(ids).collect(),
        ids: (0..samples as u64).collect(),
    }
}

/// Weights by path, each with its width; the others begin as the graph says, tables with 12 rows.
pub(crate) fn weights(graph: &Graph, given: &[(&str, usize, &[f32])]) -> Weights {
    let mut weights = Weights::initial(graph, &crate::both::table_rows(graph), &BTreeMap::new(), 5).unwrap();
    for (path, width, values) in given {
        assert!(weights.get(path).is_some(), "no weight `{path}` in\n{graph}");
        weights.insert(path, Matrix::new(values.len() / width, *width, values.to_vec()));
    }
    weights
}

/// The rows of every axis, and what is decided before a step.
pub(crate) fn prepared(graph: &Graph, weights: &Weights, feed: &Feed, step: u64) -> Prepared {
    let rows = weights.table_rows(graph);
    Prologue::of(graph).prepare(graph, feed, &rows, Noise { seed: 3, step }).unwrap()
}

/// What a step gives, on the reference and on the host.
pub(crate) fn run(graph: &Graph, weights: &Weights, feed: &Feed) -> [Outputs; 2] {
    let (batch, noise) = (prepared(graph, weights, feed, 0), Noise { seed: 3, step: 0 });
    let theirs = Reference::new(weights, Device::Cpu).unwrap().step(graph, &batch, &Schedule::new(), noise).unwrap();
    let mut host = Host::new(graph.clone(), 1).unwrap();
    [theirs, host.step(&mut weights.clone(), &batch, &Schedule::new(), noise).unwrap()]
}

/// The numbers of an output.
pub(crate) fn numbers(outputs: &Outputs, name: &str) -> Vec<f32> {
    match outputs.get(name) {
        Some(Column::F32(values)) => values.clone(),
        Some(Column::U32(values)) => values.iter().map(|&id| id as f32).collect(),
        None => panic!("no output `{name}` among {:?}", outputs.keys()),
    }
}

/// Whether both backends give these numbers, to a millionth of the largest.
pub(crate) fn assert_gives(both: &[Outputs; 2], name: &str, expected: &[f32]) {
    let largest = expected.iter().fold(1f32, |largest, x| largest.max(x.abs()));
    for (backend, outputs) in ["reference", "host"].iter().zip(both) {
        let found = numbers(outputs, name);
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 2e-6 * largest);
        assert!(near && found.len() == expected.len(), "{name} on {backend}: {found:?}, expected {expected:?}");
    }
}

/// A value that is known before a step, by name.
pub(crate) fn known(graph: &Graph, prepared: &Prepared, name: &str) -> Vec<f32> {
    let value = prepared.values.iter().find(|(value, _)| graph.value(**value).name == name);
    match value {
        Some((_, Column::F32(values))) => values.clone(),
        Some((_, Column::U32(values))) => values.iter().map(|&id| id as f32).collect(),
        None => panic!("`{name}` is not known before a step of\n{graph}"),
    }
}
