//! One step of a graph on both backends: what the Candle reference gives is what the host must give.

use std::collections::BTreeMap;

use candle_core::Device;
use specrec::exec::candle::{Outputs, Reference, Schedule};
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::made_up;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::{Weights, table_of};
use specrec::ir::axis::AxisKind;
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::ir::types::Elem;

/// Rows of every table.
pub(crate) const ROWS: u32 = 12;

/// Made-up rows, with ids that are spread over the tables.
pub(crate) fn feed(graph: &Graph, samples: usize) -> Feed {
    spread(graph, made_up::feed(graph, samples))
}

/// Ids spread over the tables.
pub(crate) fn spread(graph: &Graph, mut feed: Feed) -> Feed {
    for (_, input) in graph.inputs() {
        let value = graph.value(input.value);
        if let (Elem::Id(_), Some(Column::U32(ids))) = (&value.ty.elem, feed.columns.get_mut(&value.name)) {
            for (i, id) in ids.iter_mut().enumerate() {
                *id = (i as u32 * 5 + 1) % ROWS;
            }
        }
    }
    feed
}

/// Every table that a graph names, with [`ROWS`] rows.
pub(crate) fn table_rows(graph: &Graph) -> BTreeMap<String, usize> {
    let of_axes = graph.axes().ids().filter_map(|axis| match &graph.axis(axis).kind {
        AxisKind::Rows { table } | AxisKind::Unique { table } => Some(table.clone()),
        _ => None,
    });
    let of_params = graph.params().filter_map(|(_, param)| table_of(graph, param.value).map(str::to_owned));
    of_axes.chain(of_params).map(|table| (table, ROWS as usize)).collect()
}

/// First values of a graph's parameters: those of the graph, and numbers of the size of 1 where it begins with small ones,
/// so that a difference of the backends is not hidden by zeros.
pub(crate) fn weights(graph: &Graph) -> Weights {
    let mut weights = Weights::initial(graph, &table_rows(graph), &BTreeMap::new(), 7).unwrap();
    for (_, param) in graph.params() {
        let Some(matrix) = weights.get_mut(&param.name) else { continue };
        let width = matrix.width();
        let largest = matrix.numbers().iter().fold(0f32, |largest, x| largest.max(x.abs()));
        if largest < 0.2 {
            for (i, x) in matrix.numbers_mut().iter_mut().enumerate() {
                *x += ((i * 37 + width * 11) % 23) as f32 / 23.0 - 0.4;
            }
        }
    }
    weights
}

/// What a step gives on the reference and on the host with two threads; the parameters that it leaves too, as `@path`.
pub(crate) fn step(graph: &Graph, weights: &Weights, feed: &Feed, schedule: &Schedule) -> (Outputs, Outputs) {
    let rows = table_rows(graph);
    let noise = Noise { seed: 3, step: 2 };
    let batch = Prologue::of(graph)
        .prepare(graph, feed, &rows, noise)
        .unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let mut reference = Reference::new(weights, Device::Cpu).unwrap();
    let mut theirs =
        reference.step(graph, &batch, schedule, noise).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let mut changed = weights.clone();
    reference.store(&mut changed).unwrap();
    parameters(&changed, &mut theirs);
    let mut changed = weights.clone();
    let mut host = Host::new(graph.clone(), 2).unwrap();
    let mut ours =
        host.step(&mut changed, &batch, schedule, noise).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    parameters(&changed, &mut ours);
    (theirs, ours)
}

fn parameters(weights: &Weights, into: &mut Outputs) {
    let of = |(name, matrix): (&str, &specrec::exec::matrix::Matrix)| {
        (format!("@{name}"), Column::F32(matrix.numbers().into_owned()))
    };
    into.extend(weights.iter().map(of));
}

/// Whether two steps gave the same: the same names, the same places, numbers that differ by at most `tolerance` of the
/// largest of their matrix (or of `floor`, where all are smaller). Says the first difference.
pub(crate) fn difference(a: &Outputs, b: &Outputs, floor: f32, tolerance: f32) -> Option<String> {
    if !a.keys().eq(b.keys()) {
        return Some(format!("{:?} and {:?}", a.keys(), b.keys()));
    }
    a.iter().find_map(|(name, a)| match (a, &b[name]) {
        (Column::F32(a), Column::F32(b)) if a.len() == b.len() => {
            let scale = a.iter().fold(floor, |scale, x| scale.max(x.abs()));
            let near = |(x, y): (&f32, &f32)| (x - y).abs() <= tolerance * scale || (!x.is_finite() && !y.is_finite());
            let at = a.iter().zip(b).position(|pair| !near(pair))?;
            Some(format!("{name}[{at}]: {} and {} (scale {scale})", a[at], b[at]))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{name}: {a:?} and {b:?}")),
    })
}
