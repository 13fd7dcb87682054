//! What each sample sees of each axis of events, and which rows are of the train part.

use super::history::{Events, Sight, Tied, sort, view};
use super::load::Loaded;
use super::plan::{AxisPlan, Origin, Plan, Unit};
use super::split::Parted;
use crate::syntax::spec::{Part, Ties};
use xxhash_rust::xxh3::xxh3_64;

/// Which rows are of the train part.
#[derive(Debug)]
pub(crate) struct Train {
    /// By row of the samples' table: whether it is a sample of the train part that downsampling keeps.
    pub(crate) samples: Vec<bool>,
    /// By row of the samples' table: whether it is in the train part at all.
    rows: Vec<bool>,
    /// Whether a row of the train part teaches though it is no sample: rows of a user are what its sample is made of.
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
        let sequences = matches!(plan.samples.unit, Unit::User { .. });
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
        let Origin::Events { by, .. } = &plan.axes[axis].origin else { return &[][..] };
        let place = loaded.streams[stream].task.keys.iter().position(|key| *key == by.name);
        place.and_then(|place| loaded.tables[stream].keys.get(place)).map_or(&[][..], |keys| &keys[..])
    };
    let (event_keys, sample_keys) = (key(stream), key(0));
    let largest = event_keys.iter().max().copied().unwrap_or(0);
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
    Views { axis, stream, events, starts, counts, tied }
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
