//! Samples to a batch: ranges of stored arrays, copied one after the other.

mod along;
mod draw;
mod gather;
mod negative;

use std::collections::BTreeMap;

use self::gather::{Gathered, pick, picked};
use super::bundle::EventStore;
use super::fit::Fitted;
use super::order::Turn;
use super::plan::{Form, InputValue, Plan};
use super::proposal::Proposal;
use super::samples::Samples;
use super::scale::bucket;
use super::store::encoded;
use crate::exec::feed::{Column, Feed};
use crate::syntax::spec::Part;

/// What one step reads, and what metrics group its samples by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The values of the graph's inputs.
    pub feed: Feed,
    /// By column that a metric groups by: a number per sample, equal where the column is; 0 where it is null.
    pub keys: BTreeMap<String, Vec<u32>>,
    /// By axis that is a list: the number of each element's row in its source.
    pub rows: BTreeMap<String, Vec<u32>>,
}

/// An array that ends before its rows do: the file behind it is not what it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// What batches are built from beside the samples.
pub(crate) struct Stores<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) fitted: &'a Fitted,
    /// By axis of the plan; none for axes that samples list, and for draws.
    pub(crate) axes: Vec<Option<&'a EventStore>>,
    /// By draw of the plan.
    pub(crate) draws: &'a [Proposal],
}

/// Which samples a batch is of.
pub(crate) struct Choice<'a> {
    /// Places among the samples.
    pub(crate) places: &'a [u32],
    /// Which sample made of the row at each place it is: 0 the row itself, then its negatives. Empty: all 0.
    pub(crate) copies: &'a [u32],
    pub(crate) part: Part,
    pub(crate) turn: Turn,
}

impl Choice<'_> {
    /// The number of a sample that its draws are keyed by: that of its row, negatives counted.
    fn id(&self, plan: &Plan, samples: &Samples, at: usize) -> Result<u64, Damaged> {
        let row = self.places.get(at).and_then(|&place| samples.rows.get(place as usize)).ok_or(Damaged)?;
        let made = plan.samples.negatives.map_or(1, |(_, n)| u64::from(n) + 1);
        Ok(u64::from(*row) * made + u64::from(self.copy(at)))
    }

    fn copy(&self, at: usize) -> u32 {
        self.copies.get(at).copied().unwrap_or(0)
    }
}

/// Copies the samples of a choice into a batch.
pub(crate) fn build(stores: &Stores, samples: &Samples, choice: &Choice) -> Result<Batch, Damaged> {
    let (plan, places) = (stores.plan, choice.places);
    let mut batch = Batch::default();
    let feed = &mut batch.feed;
    feed.samples = places.len();
    feed.ids = (0..places.len()).map(|at| choice.id(plan, samples, at)).collect::<Result<_, _>>()?;
    let axes = along::all(stores, samples, choice)?;
    for (axis, along) in plan.axes.iter().zip(&axes) {
        feed.offsets.insert(axis.name.clone(), along.offsets.clone());
    }
    for (at, (axis, along)) in plan.axes.iter().zip(&axes).enumerate() {
        if let Some(stored) = stores.axes[at].and_then(|events| events.rows.as_ref()) {
            batch.rows.insert(axis.name.clone(), along.rows(stored)?);
        }
    }
    let negatives = negative::all(stores, samples, choice, &axes)?;
    for input in &plan.inputs {
        let column = match input.value {
            InputValue::Weight => Some(match &samples.weights {
                Some(weights) => Column::F32(pick(weights, places)?),
                None => Column::F32(vec![1.0; places.len()]),
            }),
            InputValue::Label(label) => match &samples.labels[label] {
                Some(values) => Some(Column::F32(negatives.label(pick(values, places)?))),
                None => None,
            },
            InputValue::Outcome(outcome) => match &samples.outcomes[outcome] {
                Some(values) => Some(Column::F32(negatives.outcome(pick(values, places)?))),
                None => None,
            },
            InputValue::LabelAlong { axis, label } => {
                Some(Column::F32(axes[axis].numbers(stores.axes[axis].ok_or(Damaged)?.labels[label].as_ref())?))
            }
            InputValue::OutcomeAlong { axis, outcome } => {
                Some(Column::F32(axes[axis].numbers(stores.axes[axis].ok_or(Damaged)?.outcomes[outcome].as_ref())?))
            }
            InputValue::Positives { axis, label } => {
                let whole = pick(samples.whole[axis].as_ref().ok_or(Damaged)?, places)?;
                let labels = stores.axes[axis].ok_or(Damaged)?.labels[label].as_ref();
                Some(Column::F32(axes[axis].positives(labels, &whole)?))
            }
            InputValue::LogQ { axis } => Some(Column::F32(axes[axis].log_q(stores, axis)?)),
            InputValue::Sample { feature } => {
                let values = match served(stores, feature, choice.part, places.len()) {
                    Some(values) => values,
                    None => {
                        let own = samples.features[feature].as_ref().ok_or(Damaged)?;
                        match negatives.feature(stores, feature, own, places)? {
                            Some(values) => values,
                            None => picked(own, places)?,
                        }
                    }
                };
                Some(values.into_column(&input.name, feed))
            }
            InputValue::Element { axis, feature } => {
                let along = &axes[axis];
                let values = match served(stores, feature, choice.part, along.count()) {
                    Some(values) => values,
                    None => along.feature(stores, samples, axis, feature, places)?,
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
