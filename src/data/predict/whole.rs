//! One sample per user: the rows of the file are events, and only when all have been read is it known what a user's are.

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
use crate::data::views::sight;
use crate::diag::Diagnostic;
use crate::syntax::spec::Part;

/// Reads the file and sends a batch of some users at a time.
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
        for (texts, &column) in kept.iter_mut().zip(&file.kept) {
            (0..opened.chunk.rows.len()).for_each(|row| texts.push(opened.chunk.columns[column].get(row)));
        }
    }
    let table = rows.finish().map_err(|_| damaged(Damaged))?;
    let users = Users::of(file, &table);
    let events = own_events(file, &table)?;
    let samples = samples(file, &table, &users, &events, &codebooks)?;
    let axes = file.bundle.axes.iter().zip(&events);
    let axes = axes.map(|(stored, own)| own.as_ref().map(|own| &own.store).or(stored.as_ref())).collect();
    let stores = Stores { axes, ..file.bundle.stores() };
    let count = users.newest.len() as u32;
    for start in (0..count).step_by(batch_size) {
        let places: Vec<u32> = (start..count.min(start.saturating_add(batch_size as u32))).collect();
        let choice = Choice { places: &places, copies: &[], part: Part::Test, turn: None };
        let batch = build(&stores, &samples, &choice).map_err(damaged)?;
        let row = |place: &u32| users.newest[*place as usize] as usize;
        let text = |texts: &Texts| places.iter().map(|place| texts.get(row(place)).map(str::to_string)).collect();
        if !send(Ok(Raw { batch, kept: kept.iter().map(text).collect() })) {
            break;
        }
    }
    Ok(())
}

/// Who is in the file.
struct Users {
    /// The newest row of each, in order of first appearance.
    newest: Vec<u32>,
}

impl Users {
    fn of(file: &BeingRead, table: &Table) -> Users {
        let keys = match &file.bundle.plan.samples.unit {
            Unit::User { by, .. } => column(file, table, &by.name),
            Unit::Row => &[],
        };
        // Codes are numbers by first appearance; 0 is nobody's.
        let mut newest = vec![None::<u32>; keys.iter().max().map_or(0, |most| *most as usize + 1)];
        for (row, &key) in keys.iter().enumerate() {
            let is_newer = |&known: &u32| table.times.is_empty() || table.times[row] >= table.times[known as usize];
            let newest = &mut newest[key as usize];
            if key > 0 && newest.as_ref().is_none_or(is_newer) {
                *newest = Some(row as u32);
            }
        }
        Users { newest: newest.into_iter().flatten().collect() }
    }
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
        let Origin::Events { by, .. } = &plan.axes[axis].origin else { continue };
        let keys = column(file, table, &by.name);
        let most = keys.iter().max().copied().unwrap_or(0);
        let events = sort(keys, &table.times, marked, most as usize);
        let mut builder = Builder::memory();
        write_events(encoding, task, table, axis, &events, &mut builder).map_err(broken)?;
        let container = builder.finish("").map_err(broken)?;
        let store = EventStore::read(plan, axis, &container).ok_or_else(|| damaged(Damaged))?;
        found[axis] = Some(OwnEvents { events, store });
    }
    Ok(found)
}

/// A sample per user, which sees everything in the file; what other sources hold is seen as of its newest row.
fn samples(
    file: &BeingRead,
    table: &Table,
    users: &Users,
    events: &[Option<OwnEvents>],
    codebooks: &Codebooks,
) -> Result<Samples, Diagnostic> {
    let (bundle, plan) = (&file.bundle, &file.bundle.plan);
    let broken = |_| damaged(Damaged);
    let see = |axis: usize, row: usize| {
        let Origin::Events { by, .. } = &plan.axes[axis].origin else { return (0, 0) };
        let Some(&key) = column(file, table, &by.name).get(row) else { return (0, 0) };
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
    let order = Order { rows: &users.newest, bounds: [0, 0, 0, users.newest.len()], weights: None };
    let mut builder = Builder::memory();
    write_samples(encoding, &file.stream, table, &order, &see, &mut builder).map_err(broken)?;
    let container = builder.finish("").map_err(broken)?;
    Samples::read(plan, &container, false).ok_or_else(|| damaged(Damaged))
}
