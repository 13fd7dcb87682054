//! What came next and what was there before, sample by sample: for measures that need no model.

use super::dataset::Dataset;
use super::store::Stored;
use crate::ir::input::SEEN;
use crate::syntax::spec::Part;

/// A sample of a next-item spec. Ids are rows of their table, 0 of what the train part does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextItem<'a> {
    /// Whose it is: samples with the same number are of one user.
    pub user: u32,
    /// All that the user had before, oldest first.
    pub before: &'a [u32],
    /// What came next.
    pub next: u32,
}

impl Dataset {
    /// The samples of a part in their stored order; none where no graph reads what their users had before.
    pub fn next_items(&self, feature: &str, part: Part) -> Option<Vec<NextItem<'_>>> {
        let (plan, samples) = (&self.bundle().plan, self.samples());
        let axis = plan.axes.iter().position(|axis| axis.name == SEEN)?;
        let of_plan = plan.features.iter().position(|known| known.name == feature)?;
        let slot = plan.axes[axis].features.iter().position(|&known| known == of_plan)?;
        let Stored::Ids(next) = samples.features.get(of_plan)?.as_ref()? else { return None };
        let Stored::Ids(events) = self.bundle().axes.get(axis)?.as_ref()?.features.get(slot)?.as_ref()? else {
            return None;
        };
        let (starts, counts) = samples.views.get(axis)?.as_ref()?;
        let item = |place: usize| {
            let (start, count) = (*starts.get(place)?, *counts.get(place)?);
            let before = events.get(start as usize..start as usize + count as usize)?;
            // Nothing is cut of what was seen, so every view of a user begins at the user's first event.
            Some(NextItem { user: start, before, next: *next.get(place)? })
        };
        samples.range(part).map(item).collect()
    }
}
