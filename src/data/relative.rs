//! Values along an axis of events that look at the sample's time: known only for a pair of sample and event, so they are
//! computed when they are needed, from numbers that are stored by event.

use super::eval::{Column, Frame, eval};
use super::load::Loaded;
use super::plan::{AxisPlan, FeaturePlan, Origin, Plan};
use super::views::{Train, Views};

/// Pairs that are computed at once.
const BLOCK: usize = 1 << 14;

/// The raw numbers that the relative features of an axis read, in alphabetical order.
pub(crate) fn numbers(plan: &Plan, axis: &AxisPlan) -> Vec<String> {
    let relative =
        axis.features.iter().map(|&feature| &plan.features[feature]).filter(|feature| feature.looks_at_sample());
    let names = relative.flat_map(|feature| &feature.values).flat_map(super::eval::names);
    let mut names: Vec<String> = names.map(|(name, _)| name.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What pairs of sample and event are computed from, by pair.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) sample_times: Vec<f64>,
    pub(crate) step_times: Vec<f64>,
    /// By name of [`numbers`].
    pub(crate) numbers: Vec<Vec<f64>>,
}

impl Pairs {
    /// None yet, for so many names.
    pub(crate) fn new(names: usize) -> Pairs {
        Pairs { numbers: vec![Vec::new(); names], ..Pairs::default() }
    }

    /// The values of a feature, NaN for null, by pair; `names` are those of [`numbers`].
    pub(crate) fn values(&self, feature: &FeaturePlan, names: &[String]) -> Vec<Vec<f64>> {
        let rows = self.step_times.len();
        let columns = names.iter().map(String::as_str).zip(self.numbers.iter().map(|values| Column::Numbers(values)));
        let frame = Frame {
            rows,
            columns: columns.collect(),
            sample_time: Some(&self.sample_times),
            step_time: Some(&self.step_times),
            clock: None,
        };
        // Numbers and times cannot be broken any more.
        let mut faults = Vec::new();
        feature.values.iter().map(|value| eval(value, &frame, &mut faults).numbers(rows, &mut faults)).collect()
    }
}

/// The values of one column of a relative feature over all pairs of the train part; none for other features.
pub(crate) fn in_train<'a>(
    plan: &'a Plan,
    loaded: &'a Loaded,
    train: &'a Train,
    views: &'a [Views],
    feature: usize,
    column: usize,
) -> impl Iterator<Item = f64> + 'a {
    let relative = plan.features[feature].looks_at_sample();
    let of_axis = move |views: &&Views| {
        let axis = &plan.axes[views.axis];
        relative && axis.features.contains(&feature) && matches!(axis.origin, Origin::Events { .. })
    };
    views.iter().filter(of_axis).flat_map(move |views| {
        let names = numbers(plan, &plan.axes[views.axis]);
        let mut samples = (0..train.samples.len()).filter(|&row| train.samples[row]).peekable();
        std::iter::from_fn(move || {
            samples.peek()?;
            let mut pairs = Pairs::new(names.len());
            while pairs.step_times.len() < BLOCK
                && let Some(sample) = samples.next()
            {
                gather(loaded, views, &names, sample, &mut pairs);
            }
            Some(pairs.values(&plan.features[feature], &names).into_iter().nth(column).unwrap_or_default())
        })
        .flatten()
    })
}

/// Adds the pairs of a sample.
fn gather(loaded: &Loaded, views: &Views, names: &[String], sample: usize, pairs: &mut Pairs) {
    let table = &loaded.tables[views.stream];
    let task = &loaded.streams[views.stream].task;
    let (start, count) = (views.starts[sample] as usize, views.counts[sample] as usize);
    for &event in &views.events.order[start..start + count] {
        pairs.sample_times.push(loaded.tables[0].times.get(sample).copied().unwrap_or(f64::NAN));
        pairs.step_times.push(table.times.get(event as usize).copied().unwrap_or(f64::NAN));
        for (values, name) in pairs.numbers.iter_mut().zip(names) {
            let slot = task.numbers.iter().position(|known| known == name);
            let value = slot.and_then(|slot| table.numbers[slot].get(event as usize)).copied();
            values.push(value.unwrap_or(f64::NAN));
        }
    }
}
