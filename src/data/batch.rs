//! Samples to a batch: ranges of stored arrays, copied one after the other.

use std::collections::BTreeMap;

use super::bundle::EventStore;
use super::fit::Fitted;
use super::plan::{Form, InputValue, Plan};
use super::relative::{Pairs, numbers};
use super::rows::range;
use super::samples::Samples;
use super::scale::bucket;
use super::store::{Stored, encoded};
use crate::exec::feed::{Column, Feed};
use crate::syntax::spec::Part;

/// What one step reads, and what metrics group its samples by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The values of the graph's inputs.
    pub feed: Feed,
    /// By column that a metric groups by: a number per sample, equal where the column is; 0 where it is null.
    pub keys: BTreeMap<String, Vec<u32>>,
}

/// An array that ends before its rows do: the file behind it is not what it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// What batches are built from beside the samples.
pub(crate) struct Stores<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) fitted: &'a Fitted,
    /// By axis of the plan; none for axes that samples list.
    pub(crate) axes: Vec<Option<&'a EventStore>>,
}

/// Copies the samples at these places into a batch.
pub(crate) fn build(stores: &Stores, samples: &Samples, places: &[u32], part: Part) -> Result<Batch, Damaged> {
    let plan = stores.plan;
    let mut batch = Batch::default();
    let feed = &mut batch.feed;
    feed.samples = places.len();
    feed.ids = pick(&samples.rows, places)?.into_iter().map(u64::from).collect();
    let seen: Vec<Seen> =
        samples.views.iter().map(|(starts, counts)| Seen::of(starts, counts, places)).collect::<Result<_, _>>()?;
    for (axis, seen) in plan.axes.iter().zip(&seen) {
        feed.offsets.insert(axis.name.clone(), seen.offsets.clone());
    }
    for (at, input) in plan.inputs.iter().enumerate() {
        let column = match input.value {
            InputValue::Weight => Some(match &samples.weights {
                Some(weights) => Column::F32(pick(weights, places)?),
                None => Column::F32(vec![1.0; places.len()]),
            }),
            InputValue::Label(_) | InputValue::Outcome(_) => match &samples.numbers[at] {
                Some(values) => Some(Column::F32(pick(values, places)?)),
                None => None,
            },
            InputValue::Sample { feature } => {
                let values = match served(stores, feature, part, places.len()) {
                    Some(values) => values,
                    None => picked(samples.features[at].as_ref().ok_or(Damaged)?, places)?,
                };
                Some(values.into_column(&input.name, feed))
            }
            InputValue::Element { axis, feature } => {
                let seen = &seen[axis];
                let values = match served(stores, feature, part, seen.count()) {
                    Some(values) => values,
                    None => elements(stores, samples, axis, feature, seen, places)?,
                };
                Some(values.into_column(&input.name, feed))
            }
        };
        if let Some(column) = column {
            feed.columns.insert(input.name.clone(), column);
        }
    }
    for (name, codes) in &samples.keys {
        batch.keys.insert(name.clone(), pick(codes, places)?);
    }
    Ok(batch)
}

/// What the samples of a batch see of an axis.
struct Seen {
    offsets: Vec<u32>,
    ranges: Vec<std::ops::Range<usize>>,
}

impl Seen {
    fn of(starts: &[u32], counts: &[u32], places: &[u32]) -> Result<Seen, Damaged> {
        let mut seen = Seen { offsets: vec![0], ranges: Vec::with_capacity(places.len()) };
        let mut end = 0_u32;
        for &place in places {
            let start = *starts.get(place as usize).ok_or(Damaged)? as usize;
            let count = *counts.get(place as usize).ok_or(Damaged)?;
            end = end.checked_add(count).ok_or(Damaged)?;
            seen.offsets.push(end);
            seen.ranges.push(start..start + count as usize);
        }
        Ok(seen)
    }

    fn count(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }
}

/// The values of one input.
enum Gathered {
    Ids(Vec<u32>),
    Bags { offsets: Vec<u32>, ids: Vec<u32> },
    Numbers(Vec<f32>),
}

impl Gathered {
    /// The column, its own axis put beside the others.
    fn into_column(self, name: &str, feed: &mut Feed) -> Column {
        match self {
            Gathered::Ids(ids) => Column::U32(ids),
            Gathered::Numbers(values) => Column::F32(values),
            Gathered::Bags { offsets, ids } => {
                feed.offsets.insert(name.to_string(), offsets);
                Column::U32(ids)
            }
        }
    }
}

fn pick<T: Copy>(values: &[T], places: &[u32]) -> Result<Vec<T>, Damaged> {
    places.iter().map(|&place| values.get(place as usize).copied().ok_or(Damaged)).collect()
}

/// The stored values at places.
fn picked(stored: &Stored, places: &[u32]) -> Result<Gathered, Damaged> {
    match stored {
        Stored::Ids(ids) => pick(ids, places).map(Gathered::Ids),
        Stored::Numbers { width: 1, values } => pick(values, places).map(Gathered::Numbers),
        _ => gathered(stored, places.iter().map(|&place| place as usize..place as usize + 1)),
    }
}

/// The stored values of ranges of rows.
fn gathered(stored: &Stored, ranges: impl Iterator<Item = std::ops::Range<usize>>) -> Result<Gathered, Damaged> {
    match stored {
        Stored::Ids(ids) => {
            let mut out = Vec::new();
            for range in ranges {
                out.extend_from_slice(ids.get(range).ok_or(Damaged)?);
            }
            Ok(Gathered::Ids(out))
        }
        Stored::Numbers { width, values } => {
            let mut out = Vec::new();
            for range in ranges {
                out.extend_from_slice(values.get(range.start * width..range.end * width).ok_or(Damaged)?);
            }
            Ok(Gathered::Numbers(out))
        }
        Stored::Bags { ends, ids } => {
            let (mut offsets, mut out) = (vec![0_u32], Vec::new());
            for row in ranges.flatten() {
                if row >= ends.len() {
                    return Err(Damaged);
                }
                out.extend_from_slice(ids.get(range(ends, row)).ok_or(Damaged)?);
                offsets.push(u32::try_from(out.len()).map_err(|_| Damaged)?);
            }
            Ok(Gathered::Bags { offsets, ids: out })
        }
    }
}

/// A feature along an axis.
fn elements(
    stores: &Stores,
    samples: &Samples,
    axis: usize,
    feature: usize,
    seen: &Seen,
    places: &[u32],
) -> Result<Gathered, Damaged> {
    let slot = stores.plan.axes[axis].features.iter().position(|known| *known == feature).ok_or(Damaged)?;
    if let Some(lists) = &samples.lists[axis] {
        return gathered(lists.get(slot).ok_or(Damaged)?, seen.ranges.iter().cloned());
    }
    let events = stores.axes[axis].ok_or(Damaged)?;
    match events.features.get(slot).ok_or(Damaged)? {
        Some(stored) => gathered(stored, seen.ranges.iter().cloned()),
        None => relative(stores, samples, axis, feature, events, seen, places),
    }
}

/// A feature that looks at the sample's time, computed for every pair of sample and event.
fn relative(
    stores: &Stores,
    samples: &Samples,
    axis: usize,
    feature: usize,
    events: &EventStore,
    seen: &Seen,
    places: &[u32],
) -> Result<Gathered, Damaged> {
    let names = numbers(stores.plan, &stores.plan.axes[axis]);
    let mut pairs = Pairs::new(names.len());
    for (range, &place) in seen.ranges.iter().zip(places) {
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
    for pair in 0..seen.count() {
        let row: Vec<f64> = values.iter().map(|column| column[pair]).collect();
        out.extend((0..plan.width()).map(|at| encoded(plan, fit, &row, at)));
    }
    Ok(Gathered::Numbers(out))
}

/// The constant that stands in a feature's place outside training, so often.
fn served(stores: &Stores, feature: usize, part: Part, rows: usize) -> Option<Gathered> {
    let (plan, fit) = (stores.plan, &stores.fitted.features[feature]);
    let feature = &plan.features[feature];
    let value = feature.serve_as.filter(|_| part != Part::Train)?;
    let code = |vocabulary: usize| stores.fitted.codebooks.vocabularies[vocabulary].known(&format!("{value}"));
    Some(match feature.form {
        Form::Id { vocabulary } => Gathered::Ids(vec![code(vocabulary); rows]),
        Form::Ids { vocabulary, .. } => {
            Gathered::Bags { offsets: (0..=rows as u32).collect(), ids: vec![code(vocabulary); rows] }
        }
        Form::Bucket { .. } => Gathered::Ids(vec![bucket(value, &fit.edges); rows]),
        Form::Numbers { .. } => {
            let values = vec![value; feature.values.len()];
            let row: Vec<f32> = (0..feature.width()).map(|at| encoded(feature, fit, &values, at)).collect();
            Gathered::Numbers(row.repeat(rows))
        }
    })
}
