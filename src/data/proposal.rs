//! What draws draw from: the items of the train part, weighted by how often they are there, with their features.

use std::io;

use super::array::Array;
use super::container::{Builder, Container};
use super::encode::Encoding;
use super::fit::{Place, occurrences};
use super::load::Loaded;
use super::plan::{DrawPlan, Form, Plan};
use super::rows::Raw;
use super::store::{Stored, read_array, read_feature};
use super::views::Train;
use crate::diag::{Diagnostic, Diags};
use crate::syntax::spec::DrawBy;

/// The items of a draw, by the row of their id.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// Rows of the key's vocabulary, rising; the unknown row is not among them.
    pub(crate) ids: Array<u32>,
    /// Weights added up.
    sums: Array<f64>,
    /// The log of the probability of each.
    pub(crate) log_q: Array<f32>,
    /// By feature of the plan's draw.
    pub(crate) features: Vec<Stored>,
}

/// The row of no item.
const NOBODY: u32 = u32::MAX;

impl Proposal {
    /// Which item a number from 0 to 1 falls on.
    pub(crate) fn at(&self, uniform: f64) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let place = self.sums.partition_point(|sum| *sum <= uniform * total);
        place.min(self.ids.len().saturating_sub(1))
    }

    /// The weight of an item.
    pub(crate) fn weight(&self, at: usize) -> f64 {
        self.sums[at] - at.checked_sub(1).map_or(0.0, |before| self.sums[before])
    }

    /// Reads what [`write`] wrote; none if it is not there or not whole.
    pub(crate) fn read(plan: &Plan, draw: &DrawPlan, container: &Container) -> Option<Proposal> {
        let name = |what: &str| format!("draw/{}/{what}", draw.name);
        let ids = container.array::<u32>(&name("ids"))?;
        let feature = |&feature: &usize| {
            let feature = &plan.features[feature];
            read_feature(container, &name(&format!("feature/{}", feature.name)), feature, ids.len())
        };
        Some(Proposal {
            sums: read_array(container, &name("sums"), ids.len())?,
            log_q: read_array(container, &name("log_q"), ids.len())?,
            features: draw.features.iter().map(feature).collect::<Option<_>>()?,
            ids,
        })
    }
}

/// Counts the items of a draw in the train part and writes them; nothing to draw is a finding. All features of an item
/// come from one row, the first of the train part that has it.
pub(crate) fn write(
    encoding: Encoding,
    draw: &DrawPlan,
    (loaded, train): (&Loaded, &Train),
    builder: &mut Builder,
    diags: &mut Diags,
) -> io::Result<()> {
    let plan = encoding.plan;
    let Form::Id { vocabulary } = plan.features[draw.key].form else { return Ok(()) };
    let renumber = encoding.renumber(draw.key);
    let row_of = |code: u32| renumber.get(code as usize).copied().unwrap_or(code);
    let size = encoding.fitted.size(plan, vocabulary) as usize;
    let (mut counts, mut first) = (vec![0_u64; size], vec![NOBODY; size]);
    for (column, at, place) in occurrences(plan, loaded, train, draw.key) {
        if let Raw::Codes(codes) = column
            && let id @ 1.. = row_of(codes[at]) as usize
        {
            counts[id] += 1;
            // Rows of other sources, and elements of lists, need not have all that a sample has.
            if let (Place::Row(row), NOBODY) = (place, first[id]) {
                first[id] = row;
            }
        }
    }
    let alone = draw.features.len() == 1;
    let ids: Vec<usize> = (1..size).filter(|&id| counts[id] > 0 && (alone || first[id] != NOBODY)).collect();
    if ids.is_empty() {
        let title = format!("there is no `{}` to be drawn", plan.features[draw.key].name);
        let help = "only ids of the train part with rows of their own are drawn: `min_count: 1` gives every id one";
        diags.push(Diagnostic::new("E0513", title).at(draw.span, "").help(help));
    }
    let weight = |id: usize| match draw.by {
        DrawBy::Uniform => 1.0,
        DrawBy::Popularity => (counts[id] as f64).powf(draw.power),
    };
    let total: f64 = ids.iter().map(|&id| weight(id)).sum();
    let mut sum = 0.0;
    let sums = ids.iter().map(|&id| {
        sum += weight(id);
        sum
    });
    let name = |what: &str| format!("draw/{}/{what}", draw.name);
    builder.write(&name("ids"), ids.iter().map(|&id| id as u32))?;
    builder.write(&name("sums"), sums)?;
    builder.write(&name("log_q"), ids.iter().map(|&id| (weight(id) / total).ln() as f32))?;
    let (task, table) = (&loaded.streams[0].task, &loaded.tables[0]);
    for &feature in &draw.features {
        let name = name(&format!("feature/{}", plan.features[feature].name));
        if feature == draw.key {
            builder.write(&name, ids.iter().map(|&id| id as u32))?;
        } else if let Some(slot) = task.features.iter().position(|known| *known == feature) {
            let rows = ids.iter().map(|&id| first[id] as usize);
            encoding.write(builder, &name, feature, &table.features[slot], rows)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_drawn_by_their_weights() {
        let proposal = Proposal {
            ids: Array::from_slice(&[3, 5, 9]),
            sums: Array::from_slice(&[1.0, 1.5, 4.0]),
            log_q: Array::from_slice(&[0.25_f32.ln(), 0.125_f32.ln(), 0.625_f32.ln()]),
            features: Vec::new(),
        };
        assert_eq!([0.0, 0.24, 0.25, 0.37, 0.38, 0.999].map(|uniform| proposal.at(uniform)), [0, 0, 1, 1, 2, 2]);
        assert_eq!([0, 1, 2].map(|at| proposal.weight(at)), [1.0, 0.5, 2.5]);
    }
}
