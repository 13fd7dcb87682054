//! What each sample sees of each axis of events, and which rows are of the train part.

use super::history::{Events, Sight, Tied, sort, view};
use super::load::Loaded;
use super::plan::{AxisPlan, Origin, Plan, Unit};
use super::rows::{Table, Task};
use super::split::Parted;
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::Ident;
use crate::syntax::spec::{Part, Ties};
use xxhash_rust::xxh3::xxh3_64;

/// Which rows are of the train part.
#[derive(Debug)]
pub(crate) struct Train {
    /// By row of the samples' table: whether it is a sample of the train part that downsampling keeps.
    pub(crate) samples: Vec<bool>,
    /// By row of the samples' table: whether it is in the train part at all.
    rows: Vec<bool>,
    /// Whether a row of the train part teaches though it is no sample: rows of a user or a list are what its sample is
    /// made of.
    sequences: bool,
    /// The latest time of the train part.
    end: f64,
}

impl Train {
    /// Draws what downsampling keeps. A row is kept or not whatever the other rows are: the draw is a hash of its number.
    pub(crate) fn of(plan: &Plan, loaded: &Loaded, parted: &Parted) -> Train {
        let table = &loaded.tables[0];
        let rows: Vec<bool> = parted.part.iter().map(|&part| part == Part::Train as u8).collect();
        let keep = plan.samples.downsample.as_ref().map_or(1.0, |downsample| downsample.keep);
        let kept = |row: usize| {
            let drawn = table.drawn.get(row).is_some_and(|&drawn| drawn != 0);
            !drawn || uniform(table.rows[row]) < keep
        };
        let mut samples = vec![false; rows.len()];
        for &row in &parted.order[..parted.bounds[1]] {
            samples[row as usize] = kept(row as usize);
        }
        let sequences = !matches!(plan.samples.unit, Unit::Row);
        let times = table.times.iter().zip(&rows).filter(|(_, train)| **train).map(|(time, _)| *time);
        let end = times.fold(f64::NEG_INFINITY, f64::max);
        Train { samples, rows, sequences, end }
    }

    /// Whether what a row of the samples' table holds of a sample is of the train part.
    pub(crate) fn teaches(&self, row: usize) -> bool {
        if self.sequences { self.rows[row] } else { self.samples[row] }
    }

    /// Whether a row is an event of the train part: itself a train row, or of another source and not later than the end.
    pub(crate) fn has_event(&self, stream: usize, row: usize, times: &[f64]) -> bool {
        if stream == 0 { self.rows[row] } else { times.get(row).is_none_or(|time| *time <= self.end) }
    }
}

/// A number from 0 to 1 that depends on a row's number only.
fn uniform(row: u32) -> f64 {
    let mut bytes = *b"downsample\0\0\0\0";
    bytes[10..].copy_from_slice(&row.to_le_bytes());
    (xxh3_64(&bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The events of an axis and what the rows of the samples' table see of them.
#[derive(Debug)]
pub(crate) struct Views {
    /// Which axis of the plan.
    pub(crate) axis: usize,
    /// Which stream the events are rows of.
    pub(crate) stream: usize,
    pub(crate) events: Events,
    /// By row of the samples' table: the first event, by its place in the order.
    pub(crate) starts: Vec<u32>,
    /// By row of the samples' table: how many.
    pub(crate) counts: Vec<u32>,
    /// By row of the samples' table: how many there are, those that a list is cut of included. Empty where nothing is cut.
    pub(crate) whole: Vec<u32>,
    /// Samples with an event of their own time that is left out.
    pub(crate) tied: u64,
}

/// How an axis of events sees. `serving`: the sample is no row of the data.
pub(crate) fn sight(plan: &Plan, axis: &AxisPlan, timed: bool, serving: bool) -> Sight {
    let Origin::Events { source, delay, .. } = &axis.origin else {
        return Sight { last: 0, delay: 0.0, ties: Tied::Out };
    };
    // A user's rows are a sequence, in which each has its place.
    let in_order = matches!(plan.samples.unit, Unit::User { .. }) || plan.samples.ties == Ties::RowOrder || !timed;
    let by_row = in_order && plan.samples.sources.contains(source);
    let ties = match (by_row, serving) {
        (false, _) => Tied::Out,
        (true, false) => Tied::ByRow,
        (true, true) => Tied::In,
    };
    Sight { last: axis.last, delay: *delay, ties }
}

/// Computes the views of every axis of events.
pub(crate) fn views(plan: &Plan, loaded: &Loaded, parted: &Parted) -> Vec<Views> {
    let mut all = Vec::new();
    for (stream, of_stream) in loaded.streams.iter().enumerate() {
        for (slot, &axis) in of_stream.task.axes.iter().enumerate() {
            all.push(axis_views(plan, loaded, parted, stream, slot, axis));
        }
    }
    all.sort_by_key(|views| views.axis);
    all
}

fn axis_views(plan: &Plan, loaded: &Loaded, parted: &Parted, stream: usize, slot: usize, axis: usize) -> Views {
    let (samples, table) = (&loaded.tables[0], &loaded.tables[stream]);
    let key = |stream: usize| {
        let Some(by) = plan.axes[axis].origin.by() else { return &[][..] };
        let place = loaded.streams[stream].task.keys.iter().position(|key| *key == by.name);
        place.and_then(|place| loaded.tables[stream].keys.get(place)).map_or(&[][..], |keys| &keys[..])
    };
    let (event_keys, sample_keys) = (key(stream), key(0));
    let largest = event_keys.iter().max().copied().unwrap_or(0);
    if let Origin::List { order, .. } = &plan.axes[axis].origin {
        let task = &loaded.streams[stream].task;
        return list(
            axis,
            plan.axes[axis].last,
            event_keys,
            ordering(task, table, order.as_ref()),
            &table.events[slot],
        );
    }
    let events = sort(event_keys, &table.times, &table.events[slot], largest as usize);
    let timed = !samples.times.is_empty() && !table.times.is_empty();
    let sight = sight(plan, &plan.axes[axis], timed, false);
    let (mut starts, mut counts, mut tied) = (Vec::new(), Vec::new(), 0);
    let time_of = |event: usize| table.times[events.order[event] as usize];
    let row_of = |event: usize| events.order[event];
    for (row, &key) in sample_keys.iter().enumerate() {
        let time = timed.then(|| samples.times[row]);
        let see = |sight: Sight| view(&events.starts, key, time, row as u32, sight, time_of, row_of);
        let (start, count) = see(sight);
        starts.push(start);
        counts.push(count);
        if timed && sight.ties == Tied::Out && sight.delay == 0.0 && parted.part[row] < 3 {
            let (from, all) = see(Sight { last: u32::MAX, ..sight });
            let (_, with) = see(Sight { last: u32::MAX, ties: Tied::In, ..sight });
            let own = stream == 0 && (from + all..from + with).any(|event| row_of(event as usize) == row as u32);
            tied += u64::from(with - all > u32::from(own));
        }
    }
    Views { axis, stream, events, starts, counts, whole: Vec::new(), tied }
}

/// The numbers that order the elements of a list; empty for the order of the file.
pub(crate) fn ordering<'a>(task: &Task, table: &'a Table, order: Option<&Ident>) -> &'a [f64] {
    let slot = order.and_then(|order| task.numbers.iter().position(|known| *known == order.name));
    slot.and_then(|slot| table.numbers.get(slot)).map_or(&[], |numbers| &numbers[..])
}

/// Every row sees its whole list, up to `max`.
fn list(axis: usize, max: u32, keys: &[u32], order: &[f64], marked: &[u8]) -> Views {
    let events = sort(keys, order, marked, keys.iter().max().map_or(0, |most| *most as usize));
    let start = |key: u32| events.starts[key as usize];
    let whole: Vec<u32> = keys.iter().map(|&key| start(key + 1) - start(key)).collect();
    let starts = keys.iter().map(|&key| start(key)).collect();
    let counts = whole.iter().map(|&count| count.min(max)).collect();
    Views { axis, stream: 0, events, starts, counts, whole, tied: 0 }
}

/// Lists that are longer than their axis allows are a finding, unless they are to be cut.
pub(crate) fn too_long(plan: &Plan, loaded: &Loaded, views: &[Views], diags: &mut Diags) {
    for views in views {
        let axis = &plan.axes[views.axis];
        let Origin::List { by, cut: false, .. } = &axis.origin else { continue };
        let Some((row, longest)) =
            views.whole.iter().enumerate().max_by_key(|(row, count)| (**count, usize::MAX - row))
        else {
            continue;
        };
        if *longest <= axis.last {
            continue;
        }
        let lists = views.events.starts.windows(2).filter(|pair| pair[1] - pair[0] > axis.last).count();
        let slot = loaded.streams[0].task.keys.iter().position(|key| *key == by.name);
        let code = slot.and_then(|slot| loaded.tables[0].keys.get(slot)?.get(row)).copied().unwrap_or(0);
        let text = loaded
            .codebooks
            .keys
            .get(&by.name)
            .and_then(|known| known.texts.texts().get(code.checked_sub(1)? as usize));
        let title = format!("{lists} lists are longer than the `max` of `{}`, which is {}", axis.name, axis.last);
        let note = format!("the list of {} `{}` has {longest} rows", by.name, text.unwrap_or(""));
        let finding = Diagnostic::new("E0515", title).at(axis.span, "").note(note);
        diags.push(
            finding.help("a larger `max`, or `cut: true`, which leaves out what comes last and lets metrics count it"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeat() {
        let below: usize = (0..10_000).filter(|&row| uniform(row) < 0.2).count();
        assert!((1850..2150).contains(&below), "{below}");
        assert_eq!(uniform(7), uniform(7));
    }
}
