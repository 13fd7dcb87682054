//! One sample per row, chunk by chunk, in memory that does not grow with rows.

use super::{BeingRead, Raw, Send};
use crate::data::batch::{Choice, Damaged, build};
use crate::data::container::Builder;
use crate::data::encode::{Encoding, Order, write_samples};
use crate::data::feeder::damaged;
use crate::data::history::view;
use crate::data::plan::Origin;
use crate::data::rows::Rows;
use crate::data::samples::Samples;
use crate::data::views::sight;
use crate::diag::Diagnostic;
use crate::syntax::spec::Part;

/// Reads the file and sends its batches.
pub(super) fn run(file: &BeingRead, batch_size: usize, send: Send) -> Result<(), Diagnostic> {
    let bundle = &file.bundle;
    let mut codebooks = bundle.fitted.codebooks.clone();
    let mut opened = file.open();
    loop {
        let mut rows = Rows::new(&bundle.plan, &file.stream.task, None);
        if !opened.add(&mut rows, &mut codebooks)? {
            return Ok(());
        }
        let samples = samples(file, rows)?;
        let chunk = &opened.chunk;
        let count = samples.rows.len() as u32;
        for start in (0..count).step_by(batch_size) {
            let places: Vec<u32> = (start..count.min(start.saturating_add(batch_size as u32))).collect();
            let choice = Choice { places: &places, copies: &[], part: Part::Test, turn: None };
            let batch = build(&bundle.stores(), &samples, &choice).map_err(damaged)?;
            let text = |&column: &usize| {
                let texts = &chunk.columns[column];
                places.iter().map(|&row| texts.get(row as usize).map(str::to_string)).collect()
            };
            if !send(Ok(Raw { batch, kept: file.kept.iter().map(text).collect(), elements: None })) {
                return Ok(());
            }
        }
    }
}

/// The rows of a chunk as samples, what they see of stored events included.
fn samples(file: &BeingRead, rows: Rows) -> Result<Samples, Diagnostic> {
    let (bundle, task) = (&file.bundle, &file.stream.task);
    let plan = &bundle.plan;
    let broken = |_| damaged(Damaged);
    let table = rows.finish().map_err(broken)?;
    let key_of = |axis: usize| {
        let Origin::Events { by, .. } = &plan.axes[axis].origin else { return None };
        task.keys.iter().position(|key| *key == by.name)
    };
    let see = |axis: usize, row: usize| {
        let key = key_of(axis).and_then(|slot| table.keys.get(slot)?.get(row).copied());
        let Some((key, events)) = key.zip(bundle.axes[axis].as_ref()) else { return (0, 0) };
        let times = events.times.as_ref().filter(|_| !table.times.is_empty());
        let sight = sight(plan, &plan.axes[axis], times.is_some(), true);
        let time_of = |event: usize| times.and_then(|times| times.get(event)).copied().unwrap_or(f64::NAN);
        view(&events.starts, key, times.map(|_| table.times[row]), 0, sight, time_of, |_| 0)
    };
    let all: Vec<u32> = (0..table.rows.len() as u32).collect();
    let count = all.len();
    let encoding = Encoding { plan, fitted: &bundle.fitted, renumbering: &Vec::new() };
    let order = Order { rows: &all, bounds: [0, 0, 0, count], weights: None };
    let mut builder = Builder::memory();
    let see = |axis: usize, row: usize| {
        let (start, count) = see(axis, row);
        (start, count, count)
    };
    write_samples(encoding, &file.stream, &table, &order, &see, &mut builder).map_err(broken)?;
    let container = builder.finish("").map_err(broken)?;
    Samples::read(plan, &container, bundle.labelled).ok_or_else(|| damaged(Damaged))
}
