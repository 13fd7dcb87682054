//! Negatives: samples made of a row with another item in it, every label false.

use super::along::{Along, excluded};
use super::draw::Drawing;
use super::gather::{Gathered, mixed};
use super::{Choice, Damaged, Stores};
use crate::data::samples::Samples;
use crate::data::store::Stored;

/// The negatives of a batch.
pub(super) struct Negatives {
    /// Which draw of the plan they are of.
    draw: usize,
    /// By sample: the item in place of the row's own, by its place in the proposal. Empty where there are none.
    items: Vec<Option<u32>>,
}

/// Draws the items of the negatives in a batch. Where every item is excluded, the row's own stays, and is no false one.
pub(super) fn all(stores: &Stores, samples: &Samples, choice: &Choice, axes: &[Along]) -> Result<Negatives, Damaged> {
    let mut negatives = Negatives { draw: 0, items: Vec::new() };
    let Some((draw, _)) = stores.plan.samples.negatives.filter(|_| choice.copies.iter().any(|copy| *copy > 0)) else {
        return Ok(negatives);
    };
    let (plan, proposal) = (&stores.plan.draws[draw], stores.draws.get(draw).ok_or(Damaged)?);
    let drawing = Drawing::new(plan, proposal, choice.turn);
    negatives.draw = draw;
    let mut drawn = Vec::new();
    for sample in 0..choice.places.len() {
        drawn.clear();
        if choice.copy(sample) > 0 {
            let excluded = excluded(stores, samples, choice, plan, sample, axes)?;
            drawing.draw(choice.id(stores.plan, samples, sample)?, 0, 1, &excluded, &mut drawn)?;
        }
        negatives.items.push(drawn.first().copied());
    }
    Ok(negatives)
}

impl Negatives {
    /// Labels of the rows, false where the item is another.
    pub(super) fn label(&self, values: Vec<f32>) -> Vec<f32> {
        self.replaced(values, 0.0)
    }

    /// Outcomes of the rows, which nobody knows of another item.
    pub(super) fn outcome(&self, values: Vec<f32>) -> Vec<f32> {
        self.replaced(values, f32::NAN)
    }

    fn replaced(&self, mut values: Vec<f32>, with: f32) -> Vec<f32> {
        for (value, _) in values.iter_mut().zip(&self.items).filter(|(_, item)| item.is_some()) {
            *value = with;
        }
        values
    }

    /// A feature of the samples, that of the drawn item where it has one; none if no negative changes it.
    pub(super) fn feature(
        &self,
        stores: &Stores,
        feature: usize,
        own: &Stored,
        places: &[u32],
    ) -> Result<Option<Gathered>, Damaged> {
        if self.items.is_empty() {
            return Ok(None);
        }
        let Some(slot) = stores.plan.draws[self.draw].features.iter().position(|known| *known == feature) else {
            return Ok(None);
        };
        let drawn = stores.draws.get(self.draw).and_then(|proposal| proposal.features.get(slot)).ok_or(Damaged)?;
        mixed(own, drawn, places, &self.items).map(Some)
    }
}
