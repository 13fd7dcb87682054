//! The elements of an axis in a batch: where those of each element of its parent begin, and where they are stored.

use super::draw::Drawing;
use super::gather::{Gathered, gathered, pick, picked};
use super::{Choice, Damaged, Stores};
use crate::data::array::Array;
use crate::data::bundle::EventStore;
use crate::data::plan::{DrawPlan, Form, Origin};
use crate::data::relative::{Pairs, numbers};
use crate::data::samples::Samples;
use crate::data::scale::bucket;
use crate::data::store::{Stored, encoded};

/// An axis in a batch.
pub(super) struct Along {
    pub(super) offsets: Vec<u32>,
    elements: Elements,
}

enum Elements {
    /// A range by sample.
    Seen(Vec<std::ops::Range<usize>>),
    /// Places of a proposal, by element.
    Drawn(Vec<u32>),
    /// Nothing but how many: visits, which only hold other elements.
    Bare,
}

/// Finds the elements of every axis of the plan.
pub(super) fn all(stores: &Stores, samples: &Samples, choice: &Choice) -> Result<Vec<Along>, Damaged> {
    let plan = stores.plan;
    let mut found = Vec::with_capacity(plan.axes.len());
    for (at, axis) in plan.axes.iter().enumerate() {
        found.push(match axis.origin {
            Origin::Draw { .. } | Origin::Visits { .. } => Along { offsets: Vec::new(), elements: Elements::Bare },
            Origin::Events { .. } | Origin::List { .. } | Origin::Lists { .. } => {
                let (starts, counts) = samples.views.get(at).and_then(Option::as_ref).ok_or(Damaged)?;
                seen(starts, counts, choice.places)?
            }
        });
    }
    for (at, axis) in plan.axes.iter().enumerate() {
        if let Origin::Visits { of, .. } = axis.origin {
            let begins = stores.axes[of].and_then(|events| events.visits.as_ref()).ok_or(Damaged)?;
            let (visits, inner) = visits(&found[of], begins, axis.last)?;
            found[at] = visits;
            found[of] = inner;
        }
    }
    // What was seen is not to be drawn, so draws come last.
    for (at, axis) in plan.axes.iter().enumerate() {
        if let Origin::Draw { draw, n, along } = axis.origin {
            found[at] = drawn(stores, samples, choice, (draw, n, along), &found)?;
        }
    }
    Ok(found)
}

fn seen(starts: &[u32], counts: &[u32], places: &[u32]) -> Result<Along, Damaged> {
    let (mut offsets, mut ranges) = (vec![0], Vec::with_capacity(places.len()));
    let mut end = 0_u32;
    for &place in places {
        let start = *starts.get(place as usize).ok_or(Damaged)? as usize;
        let count = *counts.get(place as usize).ok_or(Damaged)?;
        end = end.checked_add(count).ok_or(Damaged)?;
        offsets.push(end);
        ranges.push(start..start + count as usize);
    }
    Ok(Along { offsets, elements: Elements::Seen(ranges) })
}

/// Parts what each sample sees of events into visits, the newest `last` of them, and puts the events under these.
fn visits(events: &Along, begins: &[u8], last: u32) -> Result<(Along, Along), Damaged> {
    let Elements::Seen(ranges) = &events.elements else { return Err(Damaged) };
    let (mut of_samples, mut of_visits, mut kept) = (vec![0_u32], vec![0_u32], Vec::with_capacity(ranges.len()));
    let mut end = 0_u32;
    for range in ranges {
        let flags = begins.get(range.clone()).ok_or(Damaged)?;
        // What a sample sees may begin in the middle of a visit.
        let mut starts: Vec<usize> = range
            .clone()
            .zip(flags)
            .filter(|(at, begins)| **begins != 0 || *at == range.start)
            .map(|(at, _)| at)
            .collect();
        starts.drain(..starts.len().saturating_sub(last as usize));
        let first = starts.first().copied().unwrap_or(range.end);
        for next in starts.iter().skip(1).copied().chain((!starts.is_empty()).then_some(range.end)) {
            of_visits.push(end + (next - first) as u32);
        }
        end += (range.end - first) as u32;
        of_samples.push(of_visits.len() as u32 - 1);
        kept.push(first..range.end);
    }
    let visits = Along { offsets: of_samples, elements: Elements::Bare };
    Ok((visits, Along { offsets: of_visits, elements: Elements::Seen(kept) }))
}

fn drawn(
    stores: &Stores,
    samples: &Samples,
    choice: &Choice,
    (draw, n, along): (Option<usize>, u32, Option<usize>),
    axes: &[Along],
) -> Result<Along, Damaged> {
    let parents = |sample: usize| match along {
        Some(axis) => axes[axis].of_sample(sample),
        None => Some(1),
    };
    let (mut offsets, mut places) = (vec![0], Vec::new());
    let drawing = draw.and_then(|draw| Some((&stores.plan.draws[draw], stores.draws.get(draw)?)));
    let drawing = drawing.map(|(plan, proposal)| (plan, Drawing::new(plan, proposal, choice.turn)));
    for sample in 0..choice.places.len() {
        let parents = parents(sample).ok_or(Damaged)?;
        let excluded = match &drawing {
            Some((plan, _)) => excluded(stores, samples, choice, plan, sample, axes)?,
            None => Vec::new(),
        };
        for parent in 0..parents {
            if let Some((_, drawing)) = &drawing {
                let id = choice.id(stores.plan, samples, sample)?;
                drawing.draw(id, parent.checked_mul(n).ok_or(Damaged)?, n, &excluded, &mut places)?;
            }
            offsets.push(u32::try_from(places.len()).map_err(|_| Damaged)?);
        }
    }
    Ok(Along { offsets, elements: Elements::Drawn(places) })
}

/// The ids that are not drawn for a sample, rising: its own, and those along some axes.
pub(super) fn excluded(
    stores: &Stores,
    samples: &Samples,
    choice: &Choice,
    draw: &DrawPlan,
    sample: usize,
    axes: &[Along],
) -> Result<Vec<u32>, Damaged> {
    let (key, mut ids) = (draw.key, Vec::new());
    if let Some(Some(Stored::Ids(own))) = samples.features.get(key) {
        ids.extend(pick(own, &choice.places[sample..=sample])?);
    }
    for &axis in &draw.not_in {
        let Along { elements: Elements::Seen(ranges), .. } = &axes[axis] else { continue };
        let slot = stores.plan.axes[axis].features.iter().position(|known| *known == key).ok_or(Damaged)?;
        let stored = match &samples.lists[axis] {
            Some(lists) => lists.get(slot),
            None => stores.axes[axis].ok_or(Damaged)?.features.get(slot).and_then(Option::as_ref),
        };
        if let Some(Stored::Ids(stored)) = stored {
            ids.extend_from_slice(stored.get(ranges[sample].clone()).ok_or(Damaged)?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

impl Along {
    pub(super) fn count(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    /// How many elements a sample has.
    fn of_sample(&self, sample: usize) -> Option<u32> {
        match &self.elements {
            Elements::Seen(ranges) => ranges.get(sample).map(|range| range.len() as u32),
            Elements::Bare => self.offsets.get(sample..=sample + 1).map(|pair| pair[1] - pair[0]),
            Elements::Drawn(_) => None,
        }
    }

    /// A label or an outcome of every element, as it is stored.
    pub(super) fn numbers(&self, stored: Option<&Array<f32>>) -> Result<Vec<f32>, Damaged> {
        let (Elements::Seen(ranges), Some(stored)) = (&self.elements, stored) else { return Err(Damaged) };
        let mut out = Vec::with_capacity(self.count());
        for range in ranges {
            out.extend_from_slice(stored.get(range.clone()).ok_or(Damaged)?);
        }
        Ok(out)
    }

    /// By sample: how many elements of its whole list, `whole` long, have a positive label.
    pub(super) fn positives(&self, stored: Option<&Array<f32>>, whole: &[u32]) -> Result<Vec<f32>, Damaged> {
        let (Elements::Seen(ranges), Some(stored)) = (&self.elements, stored) else { return Err(Damaged) };
        let count = |(range, &whole): (&std::ops::Range<usize>, &u32)| {
            let labels = stored.get(range.start..range.start + whole as usize).ok_or(Damaged)?;
            Ok(labels.iter().filter(|label| **label > 0.0).count() as f32)
        };
        ranges.iter().zip(whole).map(count).collect()
    }

    /// The number of every element's row in its source.
    pub(super) fn rows(&self, stored: &Array<u32>) -> Result<Vec<u32>, Damaged> {
        let Elements::Seen(ranges) = &self.elements else { return Err(Damaged) };
        let mut out = Vec::with_capacity(self.count());
        for range in ranges {
            out.extend_from_slice(stored.get(range.clone()).ok_or(Damaged)?);
        }
        Ok(out)
    }

    /// The log probability of every drawn element.
    pub(super) fn log_q(&self, stores: &Stores, axis: usize) -> Result<Vec<f32>, Damaged> {
        let Origin::Draw { draw: Some(draw), .. } = stores.plan.axes[axis].origin else { return Err(Damaged) };
        let Elements::Drawn(places) = &self.elements else { return Err(Damaged) };
        pick(&stores.draws.get(draw).ok_or(Damaged)?.log_q, places)
    }

    /// A feature of every element.
    pub(super) fn feature(
        &self,
        stores: &Stores,
        samples: &Samples,
        axis: usize,
        feature: usize,
        places: &[u32],
    ) -> Result<Gathered, Damaged> {
        let slot = stores.plan.axes[axis].features.iter().position(|known| *known == feature).ok_or(Damaged)?;
        let ranges = match &self.elements {
            Elements::Seen(ranges) => ranges,
            Elements::Bare => return Err(Damaged),
            Elements::Drawn(drawn) => {
                let Origin::Draw { draw: Some(draw), .. } = stores.plan.axes[axis].origin else { return Err(Damaged) };
                let proposal = stores.draws.get(draw).ok_or(Damaged)?;
                return picked(proposal.features.get(slot).ok_or(Damaged)?, drawn);
            }
        };
        if let Some(lists) = &samples.lists[axis] {
            return gathered(lists.get(slot).ok_or(Damaged)?, ranges.iter().cloned());
        }
        let events = stores.axes[axis].ok_or(Damaged)?;
        match events.features.get(slot).ok_or(Damaged)? {
            Some(stored) => gathered(stored, ranges.iter().cloned()),
            None => self.relative(stores, samples, (axis, feature), events, ranges, places),
        }
    }

    /// A feature that looks at the sample's time, computed for every pair of sample and event.
    fn relative(
        &self,
        stores: &Stores,
        samples: &Samples,
        (axis, feature): (usize, usize),
        events: &EventStore,
        ranges: &[std::ops::Range<usize>],
        places: &[u32],
    ) -> Result<Gathered, Damaged> {
        let names = numbers(stores.plan, &stores.plan.axes[axis]);
        let mut pairs = Pairs::new(names.len());
        for (range, &place) in ranges.iter().zip(places) {
            let time = match &samples.times {
                Some(times) => *times.get(place as usize).ok_or(Damaged)?,
                None => f64::NAN,
            };
            pairs.sample_times.extend(std::iter::repeat_n(time, range.len()));
            match &events.times {
                Some(times) => pairs.step_times.extend_from_slice(times.get(range.clone()).ok_or(Damaged)?),
                None => pairs.step_times.extend(std::iter::repeat_n(f64::NAN, range.len())),
            }
            for (out, values) in pairs.numbers.iter_mut().zip(&events.numbers) {
                out.extend_from_slice(values.get(range.clone()).ok_or(Damaged)?);
            }
        }
        let (plan, fit) = (&stores.plan.features[feature], &stores.fitted.features[feature]);
        let values = pairs.values(plan, &names);
        if let Form::Bucket { .. } = plan.form {
            return Ok(Gathered::Ids(values.iter().flatten().map(|&value| bucket(value, &fit.edges)).collect()));
        }
        let mut out = Vec::new();
        for pair in 0..self.count() {
            let row: Vec<f64> = values.iter().map(|column| column[pair]).collect();
            out.extend((0..plan.width()).map(|at| encoded(plan, fit, &row, at)));
        }
        Ok(Gathered::Numbers(out))
    }
}
