//! One sample per user or list: only when all rows of the file have been read is it known which belong together.

use super::{BeingRead, Raw, Send};
use crate::data::batch::{Choice, Damaged, Stores, build};
use crate::data::bundle::EventStore;
use crate::data::container::Builder;
use crate::data::encode::{Encoding, Order, write_events, write_samples};
use crate::data::feeder::damaged;
use crate::data::history::{Events, Sight, Tied, sort, view};
use crate::data::plan::{Origin, Rule, Unit};
use crate::data::rows::{Codebook, Codebooks, Rows, Table};
use crate::data::samples::Samples;
use crate::data::texts::Texts;
use crate::data::views::{ordering, sight};
use crate::diag::Diagnostic;
use crate::syntax::spec::Part;

/// Reads the file and sends a batch of some users or lists at a time.
pub(super) fn run(file: &BeingRead, batch_size: usize, send: Send) -> Result<(), Diagnostic> {
    let (plan, task) = (&file.bundle.plan, &file.stream.task);
    let mut codebooks = file.bundle.fitted.codebooks.clone();
    for key in &task.keys {
        // Users that training did not know are told apart all the same.
        codebooks.keys.insert(key.clone(), Codebook::growing(Rule::Counted { min_count: 1 }));
    }
    let mut kept = vec![Texts::default(); file.kept.len()];
    let (mut opened, mut rows) = (file.open(), Rows::new(plan, task, None));
    while opened.add(&mut rows, &mut codebooks)? {
        opened.need_key()?;
        for (texts, &column) in kept.iter_mut().zip(&file.kept) {
            (0..opened.chunk.rows.len()).for_each(|row| texts.push(opened.chunk.columns[column].get(row)));
        }
    }
    let table = rows.finish().map_err(|_| damaged(Damaged))?;
    let heads = heads(file, &table);
    let events = own_events(file, &table)?;
    let samples = samples(file, &table, &heads, &events, &codebooks)?;
    let axes = file.bundle.axes.iter().zip(&events);
    let axes = axes.map(|(stored, own)| own.as_ref().map(|own| &own.store).or(stored.as_ref())).collect();
    let stores = Stores { axes, ..file.bundle.stores() };
    let count = heads.len() as u32;
    for start in (0..count).step_by(batch_size) {
        let places: Vec<u32> = (start..count.min(start.saturating_add(batch_size as u32))).collect();
        let choice = Choice { places: &places, copies: &[], part: Part::Test, turn: None };
        let mut batch = build(&stores, &samples, &choice).map_err(damaged)?;
        // Of a list every element has scores of its own.
        let elements = match &plan.samples.unit {
            Unit::List { .. } => batch.rows.pop_first(),
            Unit::Row | Unit::User { .. } => None,
        };
        let scored = match &elements {
            Some((_, elements)) => elements.clone(),
            None => places.iter().filter_map(|&place| heads.get(place as usize).copied()).collect(),
        };
        let text = |texts: &Texts| scored.iter().map(|&row| texts.get(row as usize).map(str::to_string)).collect();
        if !send(Ok(Raw { batch, kept: kept.iter().map(text).collect(), elements })) {
            break;
        }
    }
    Ok(())
}

/// The row that stands for each sample: the newest of a user, the first of a list; in order of first appearance.
fn heads(file: &BeingRead, table: &Table) -> Vec<u32> {
    let unit = &file.bundle.plan.samples.unit;
    let keys = unit.by().map_or(&[][..], |by| column(file, table, &by.name));
    // Codes are numbers by first appearance; 0 is nobody's.
    let mut heads = vec![None::<u32>; keys.iter().max().map_or(0, |most| *most as usize + 1)];
    let time = |row: usize| table.times.get(row).copied().unwrap_or(0.0);
    for (row, &key) in keys.iter().enumerate() {
        let is_better = |&known: &u32| match unit {
            Unit::List { .. } => time(row) < time(known as usize),
            Unit::Row | Unit::User { .. } => time(row) >= time(known as usize),
        };
        let head = &mut heads[key as usize];
        if key > 0 && head.as_ref().is_none_or(is_better) {
            *head = Some(row as u32);
        }
    }
    heads.into_iter().flatten().collect()
}

/// The codes of a key column.
fn column<'a>(file: &BeingRead, table: &'a Table, name: &str) -> &'a [u32] {
    let slot = file.stream.task.keys.iter().position(|key| key == name);
    slot.and_then(|slot| table.keys.get(slot)).map_or(&[], |keys| &keys[..])
}

/// The events of an axis that the file itself holds.
struct OwnEvents {
    events: Events,
    store: EventStore,
}

/// By axis of the plan: its events, where they are rows of the samples' source.
fn own_events(file: &BeingRead, table: &Table) -> Result<Vec<Option<OwnEvents>>, Diagnostic> {
    let (plan, task) = (&file.bundle.plan, &file.stream.task);
    let broken = |_| damaged(Damaged);
    let mut found: Vec<Option<OwnEvents>> = plan.axes.iter().map(|_| None).collect();
    let encoding = Encoding { plan, fitted: &file.bundle.fitted, renumbering: &Vec::new() };
    for (&axis, marked) in task.axes.iter().zip(&table.events) {
        let Some(by) = plan.axes[axis].origin.by() else { continue };
        let keys = column(file, table, &by.name);
        let most = keys.iter().max().copied().unwrap_or(0);
        let order = match &plan.axes[axis].origin {
            Origin::List { order, .. } => ordering(task, table, order.as_ref()),
            _ => &table.times[..],
        };
        let events = sort(keys, order, marked, most as usize);
        let mut builder = Builder::memory();
        write_events(encoding, task, table, axis, &events, &mut builder).map_err(broken)?;
        let container = builder.finish("").map_err(broken)?;
        let store = EventStore::read(plan, axis, &container).ok_or_else(|| damaged(Damaged))?;
        found[axis] = Some(OwnEvents { events, store });
    }
    Ok(found)
}

/// The samples: a user sees everything in the file, a list its elements, both what other sources hold as of their own row.
fn samples(
    file: &BeingRead,
    table: &Table,
    heads: &[u32],
    events: &[Option<OwnEvents>],
    codebooks: &Codebooks,
) -> Result<Samples, Diagnostic> {
    let (bundle, plan) = (&file.bundle, &file.bundle.plan);
    let broken = |_| damaged(Damaged);
    for (axis, own) in plan.axes.iter().zip(events) {
        if let (Origin::List { by, .. }, Some(own)) = (&axis.origin, own) {
            let longest = own.events.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            if longest > axis.last {
                let title =
                    format!("a list of `{}` has {longest} rows, and `{}` takes {}", by.name, axis.name, axis.last);
                return Err(Diagnostic::new("E0515", title).help("every row gets a score, so no list is cut"));
            }
        }
    }
    let see = |axis: usize, row: usize| {
        let Some(by) = plan.axes[axis].origin.by() else { return (0, 0) };
        let Some(&key) = column(file, table, &by.name).get(row) else { return (0, 0) };
        if let (Origin::List { .. }, Some(OwnEvents { events, .. })) = (&plan.axes[axis].origin, &events[axis]) {
            let at = |key: u32| events.starts.get(key as usize).copied().unwrap_or(0);
            return (at(key), at(key + 1) - at(key));
        }
        if let Some(OwnEvents { events, .. }) = &events[axis] {
            let time = table.times.get(row).copied();
            let time_of = |event: usize| events.order.get(event).map_or(f64::NAN, |&row| table.times[row as usize]);
            let sight = Sight { ties: Tied::In, ..sight(plan, &plan.axes[axis], time.is_some(), true) };
            return view(&events.starts, key, time, 0, sight, time_of, |_| 0);
        }
        let Some(stored) = &bundle.axes[axis] else { return (0, 0) };
        // Training has its own numbers for keys.
        let text = codebooks.keys.get(&by.name).and_then(|own| own.texts.texts().get(key.checked_sub(1)? as usize));
        let known = text.and_then(|text| Some(bundle.fitted.codebooks.keys.get(&by.name)?.known(text))).unwrap_or(0);
        let times = stored.times.as_ref().filter(|_| !table.times.is_empty());
        let sight = sight(plan, &plan.axes[axis], times.is_some(), true);
        let time_of = |event: usize| times.and_then(|times| times.get(event)).copied().unwrap_or(f64::NAN);
        view(&stored.starts, known, times.map(|_| table.times[row]), 0, sight, time_of, |_| 0)
    };
    let encoding = Encoding { plan, fitted: &bundle.fitted, renumbering: &Vec::new() };
    let order = Order { rows: heads, bounds: [0, 0, 0, heads.len()], weights: None };
    let mut builder = Builder::memory();
    let see = |axis: usize, row: usize| {
        let (start, count) = see(axis, row);
        (start, count, count)
    };
    write_samples(encoding, &file.stream, table, &order, &see, &mut builder).map_err(broken)?;
    let container = builder.finish("").map_err(broken)?;
    Samples::read(plan, &container, bundle.labelled).ok_or_else(|| damaged(Damaged))
}
