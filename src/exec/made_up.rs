//! Rows that are made up: what a graph is tried on where no data is.

use std::collections::BTreeMap;

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Graph, Init};
use crate::ir::input::InputSource;
use crate::ir::rows::Rows;
use crate::ir::types::Elem;

use super::feed::{Column, Feed};
use super::weights::table_of;

/// Vectors of every table that begins with those of a file.
pub fn vectors(graph: &Graph, table_rows: &BTreeMap<String, usize>) -> BTreeMap<String, Vec<f32>> {
    let from_file = graph.params().filter(|(_, param)| param.init == Init::File);
    let values = from_file.map(|(_, param)| {
        let rows = table_of(graph, param.value).and_then(|table| table_rows.get(table)).copied().unwrap_or(1);
        let count = rows * graph.ty(param.value).width as usize;
        (param.name.clone(), (0..count).map(|at| (at % 7) as f32 / 70.0).collect())
    });
    values.collect()
}

/// A batch of `samples` with 0, 1, 2, 0, ... elements under each element of a parent, ids below 2 (every table has two
/// rows), numbers between 0 and 1, labels of both classes.
pub fn feed(graph: &Graph, samples: usize) -> Feed {
    feed_of(graph, samples, &|_, parent, most| parent % (most.unwrap_or(2).min(2) as usize + 1))
}

/// The same with so many elements as `count` says of an axis by name, the number of a parent, and the most that it can have.
pub fn feed_of(graph: &Graph, samples: usize, count: &dyn Fn(&str, usize, Option<u32>) -> usize) -> Feed {
    let mut feed = Feed { samples, ids: (0..samples as u64).collect(), ..Feed::default() };
    let mut elements: BTreeMap<AxisId, usize> = BTreeMap::new();
    for axis in graph.axes().ids() {
        let found = graph.axis(axis);
        let elements_of = match &found.kind {
            AxisKind::Batch => samples,
            AxisKind::Static { len } => *len as usize,
            AxisKind::Ragged { max } => {
                let parents = found.parent.and_then(|parent| elements.get(&parent)).copied().unwrap_or(1);
                let mut offsets = vec![0u32];
                let mut total = 0;
                for parent in 0..parents {
                    total += count(&found.name, parent, *max);
                    offsets.push(total as u32);
                }
                feed.offsets.insert(found.name.clone(), offsets);
                total
            }
            _ => continue,
        };
        elements.insert(axis, elements_of);
    }
    // An axis that has no elements yet, as that of a table, is none of an input; offsets made above fit by construction.
    let rows = Rows::new(graph.axes(), &feed.ids, &feed.offsets).unwrap_or_default();
    for (_, input) in graph.inputs() {
        if matches!(input.source, InputSource::Schedule(_)) {
            continue;
        }
        let value = graph.value(input.value);
        let count = rows.count(&value.ty.space) * value.ty.width as usize;
        let column = match (&value.ty.elem, &input.source) {
            (Elem::Id(_) | Elem::Index(_), _) => Column::U32((0..count as u32).map(|i| i % 2).collect()),
            (_, InputSource::Label { .. }) => Column::F32((0..count).map(|i| (i % 2) as f32).collect()),
            (_, InputSource::Weight) => Column::F32(vec![1.0; count]),
            _ => Column::F32((0..count).map(|i| (i % 7) as f32 / 7.0).collect()),
        };
        feed.columns.insert(value.name.clone(), column);
    }
    feed
}
