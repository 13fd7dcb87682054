//! The second pass: provisional columns become what batches hold, in the order in which batches read them.

use std::io;

use super::container::Builder;
use super::fit::{Fitted, Renumbering};
use super::history::Events;
use super::load::Stream;
use super::plan::{Form, InputValue, Origin, Plan, Visit};
use super::rows::{Table, Task, range};
use super::split::Parted;
use super::store::write_feature;
use super::views::Train;

/// What encoding needs to know about ids and numbers.
#[derive(Clone, Copy)]
pub(crate) struct Encoding<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) fitted: &'a Fitted,
    /// Empty where ids are final already.
    pub(crate) renumbering: &'a Renumbering,
}

impl Encoding<'_> {
    /// The row of each number given while reading; empty where they are the same.
    pub(crate) fn renumber(&self, feature: usize) -> &[u32] {
        match self.plan.features[feature].form {
            Form::Id { vocabulary } | Form::Ids { vocabulary, .. } => {
                self.renumbering.get(vocabulary).map_or(&[], Vec::as_slice)
            }
            Form::Numbers { .. } | Form::Bucket { .. } => &[],
        }
    }

    /// Writes some rows of a feature.
    pub(crate) fn write(
        &self,
        builder: &mut Builder,
        name: &str,
        feature: usize,
        raw: &super::rows::Written,
        rows: impl Iterator<Item = usize> + Clone,
    ) -> io::Result<()> {
        let fit = &self.fitted.features[feature];
        write_feature(builder, name, &self.plan.features[feature], fit, self.renumber(feature), raw, rows)
    }
}

/// Samples in the order of batches.
pub(crate) struct Order<'a> {
    /// Rows of the samples' table.
    pub(crate) rows: &'a [u32],
    /// Where each part begins among them, and the end.
    pub(crate) bounds: [usize; 4],
    /// The weight of each row of the table in the loss; none: 1.
    pub(crate) weights: Option<&'a dyn Fn(usize) -> f32>,
}

/// What a row of the samples' table sees of an axis: the first event, how many, and how many with those that a list is cut
/// of; by axis of the plan.
pub(crate) type See<'a> = &'a dyn Fn(usize, usize) -> (u32, u32, u32);

/// Samples of the train part that downsampling leaves out are no samples.
pub(crate) fn kept(parted: &Parted, train: &Train) -> (Vec<u32>, [usize; 4]) {
    let [_, valid, test, end] = parted.bounds;
    let mut rows: Vec<u32> = parted.order[..valid].iter().copied().filter(|&row| train.samples[row as usize]).collect();
    let left_out = valid - rows.len();
    rows.extend_from_slice(&parted.order[valid..]);
    (rows, [0, valid - left_out, test - left_out, end - left_out])
}

/// Writes the samples.
pub(crate) fn write_samples(
    encoding: Encoding,
    stream: &Stream,
    table: &Table,
    order: &Order,
    see: See,
    builder: &mut Builder,
) -> io::Result<()> {
    let (plan, task) = (encoding.plan, &stream.task);
    let rows = order.rows.iter().map(|&row| row as usize);
    builder.write("samples/bounds", order.bounds.iter().map(|&bound| bound as u64))?;
    builder.write("samples/row", rows.clone().map(|row| table.rows[row]))?;
    if !table.times.is_empty() {
        builder.write("samples/time", rows.clone().map(|row| table.times[row]))?;
    }
    if let Some(weight) = order.weights {
        builder.write("samples/weight", rows.clone().map(weight))?;
    }
    for key in plan.samples.keys.iter().filter(|_| task.labels) {
        if let Some(slot) = task.keys.iter().position(|name| *name == key.name) {
            builder.write(&format!("samples/key/{}", key.name), rows.clone().map(|row| table.keys[slot][row]))?;
        }
    }
    for input in &plan.inputs {
        match input.value {
            InputValue::Label(at) if task.labels => {
                let name = format!("samples/label/{}", plan.samples.labels[at].name.name);
                builder.write(&name, rows.clone().map(|row| table.labels[at][row]))?;
            }
            InputValue::Outcome(at) if task.labels => {
                let name = format!("samples/outcome/{}", plan.samples.outcomes[at].name);
                builder.write(&name, rows.clone().map(|row| table.outcomes[at][row]))?;
            }
            _ => {}
        }
    }
    for feature in plan.sample_features() {
        if let Some(slot) = task.features.iter().position(|known| *known == feature) {
            let name = format!("samples/feature/{}", plan.features[feature].name);
            encoding.write(builder, &name, feature, &table.features[slot], rows.clone())?;
        }
    }
    for (at, axis) in plan.axes.iter().enumerate() {
        if axis.origin.by().is_some() {
            let name = format!("samples/view/{}", axis.name);
            if matches!(axis.origin, Origin::List { .. }) {
                builder.write(&format!("{name}/whole"), rows.clone().map(|row| see(at, row).2))?;
            }
            builder.write(&format!("{name}/start"), rows.clone().map(|row| see(at, row).0))?;
            builder.write(&format!("{name}/count"), rows.clone().map(|row| see(at, row).1))?;
        }
    }
    for (&axis, list) in task.lists.iter().zip(&table.lists) {
        let name = format!("samples/view/{}", plan.axes[axis].name);
        let mut start = 0;
        let starts = rows.clone().map(|row| {
            let from = start;
            start += range(&list.ends, row).len() as u32;
            from
        });
        builder.write(&format!("{name}/start"), starts)?;
        builder.write(&format!("{name}/count"), rows.clone().map(|row| range(&list.ends, row).len() as u32))?;
        for (&feature, raw) in plan.axes[axis].features.iter().zip(&list.features) {
            let name = format!("samples/list/{}/{}", plan.axes[axis].name, plan.features[feature].name);
            encoding.write(builder, &name, feature, raw, rows.clone().flat_map(|row| range(&list.ends, row)))?;
        }
    }
    Ok(())
}

/// Writes the events of an axis, in the order of (key, time, row).
pub(crate) fn write_events(
    encoding: Encoding,
    task: &Task,
    table: &Table,
    axis: usize,
    events: &Events,
    builder: &mut Builder,
) -> io::Result<()> {
    let plan = encoding.plan;
    let visits = plan.visits_of(axis);
    let axis = &plan.axes[axis];
    let rows = events.order.iter().map(|&row| row as usize);
    let name = |what: &str| format!("axis/{}/{what}", axis.name);
    builder.write(&name("starts"), events.starts.iter().copied())?;
    if let Origin::Events { delay, .. } = axis.origin {
        // A later run may want fewer features, and so would find less to hide.
        builder.write(&name("delay"), [delay].into_iter())?;
    }
    if !table.times.is_empty() {
        builder.write(&name("time"), rows.clone().map(|row| table.times[row]))?;
    }
    if let Some(visits) = visits {
        let begins = (0..events.order.len()).map(|at| u8::from(begins(visits, task, table, events, at)));
        builder.write(&name("visit"), begins)?;
    }
    if matches!(axis.origin, Origin::List { .. }) {
        builder.write(&name("row"), rows.clone().map(|row| table.rows[row]))?;
        for (label, values) in plan.samples.labels.iter().zip(&table.labels) {
            builder.write(&name(&format!("label/{}", label.name.name)), rows.clone().map(|row| values[row]))?;
        }
        for (outcome, values) in plan.samples.outcomes.iter().zip(&table.outcomes) {
            builder.write(&name(&format!("outcome/{}", outcome.name)), rows.clone().map(|row| values[row]))?;
        }
    }
    for number in super::relative::numbers(plan, axis) {
        if let Some(slot) = task.numbers.iter().position(|known| *known == number) {
            builder.write(&name(&format!("number/{number}")), rows.clone().map(|row| table.numbers[slot][row]))?;
        }
    }
    for &feature in &axis.features {
        if let Some(slot) = task.features.iter().position(|known| *known == feature)
            && !plan.features[feature].looks_at_sample()
        {
            let name = name(&format!("feature/{}", plan.features[feature].name));
            encoding.write(builder, &name, feature, &table.features[slot], rows.clone())?;
        }
    }
    Ok(())
}

/// Whether a visit begins with an event, told by the one before it in the same order of somebody's events. That somebody
/// else's begin is for whoever reads a range of them to say.
fn begins(visits: &Visit, task: &Task, table: &Table, events: &Events, at: usize) -> bool {
    let row = |at: usize| events.order.get(at).map(|&row| row as usize);
    let Some((before, this)) = at.checked_sub(1).and_then(row).zip(row(at)) else { return true };
    match visits {
        Visit::Gap(gap) => {
            table.times.get(this).zip(table.times.get(before)).is_none_or(|(now, then)| now - then > *gap)
        }
        Visit::Column(column) => {
            let keys = task.keys.iter().position(|key| *key == column.name).and_then(|slot| table.keys.get(slot));
            keys.is_none_or(|keys| keys.get(this) != keys.get(before))
        }
    }
}
