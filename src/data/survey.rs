//! Counts for the report: labels, ties, unknown ids by input and part.

use super::fit::{Fitted, Renumbering};
use super::load::Loaded;
use super::plan::{Form, InputValue, Plan, Unit};
use super::report::{IdReport, LabelReport, PartReport, Report};
use super::rows::{NO_PART, Raw, Written, range};
use super::split::{PARTS, Parted};
use super::views::Views;
use crate::syntax::spec::Part;

/// Events of the train part that no train sample sees or is told to predict, and all of them.
fn untaught(plan: &Plan, parted: &Parted, views: &Views, samples: &[u32]) -> (String, u64, u64) {
    let order = &views.events.order;
    let mut place = vec![0; parted.part.len()];
    order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at);
    let mut taught = vec![false; order.len()];
    for row in samples.iter().map(|&row| row as usize) {
        let start = views.starts[row] as usize;
        taught[start..start + views.counts[row] as usize].fill(true);
        if order.get(place[row]) == Some(&(row as u32)) {
            taught[place[row]] = true;
        }
    }
    let of_train = |at: &usize| parted.part[order[*at] as usize] == Part::Train as u8;
    let all = (0..order.len()).filter(of_train).count() as u64;
    let missed = (0..order.len()).filter(of_train).filter(|&at| !taught[at]).count() as u64;
    (plan.axes[views.axis].name.clone(), missed, all)
}

/// Counts everything that the report says beyond the sources themselves. `rows` are the samples, `bounds` their parts.
#[allow(clippy::too_many_arguments, reason = "it looks at all that reading leaves, once")]
pub(crate) fn survey(
    plan: &Plan,
    loaded: &Loaded,
    parted: &Parted,
    views: &[Views],
    (fitted, renumbering): (&Fitted, &Renumbering),
    rows: &[u32],
    bounds: [usize; 4],
) -> Report {
    let table = &loaded.tables[0];
    let mut report = Report { sources: loaded.sources.clone(), joins: loaded.joins.clone(), ..Report::default() };
    report.negatives = plan.samples.negatives.map_or(0, |(_, n)| n);
    report.without_part = parted.part.iter().filter(|&&part| part == NO_PART).count() as u64;
    report.downsampled = (parted.order.len() - rows.len()) as u64;
    report.ties = views.iter().map(|views| (plan.axes[views.axis].name.clone(), views.tied)).collect();
    if let Unit::User { .. } = plan.samples.unit {
        let of_samples = views.iter().filter(|views| views.stream == 0);
        report.untaught = of_samples.map(|views| untaught(plan, parted, views, &rows[..bounds[1]])).collect();
    }
    for (&axis, list) in loaded.streams[0].task.lists.iter().zip(&table.lists) {
        let late = |&row: &u32| {
            let elements = range(&list.ends, row as usize);
            let time = table.times.get(row as usize).copied().unwrap_or(f64::INFINITY);
            list.times.get(elements).map_or(0, |times| times.iter().filter(|&&listed| listed >= time).count() as u64)
        };
        report.late_elements.push((plan.axes[axis].name.clone(), rows.iter().map(late).sum()));
    }
    for (at, name) in PARTS.iter().enumerate() {
        let rows = &rows[bounds[at]..bounds[at + 1]];
        if rows.is_empty() {
            continue;
        }
        let labels = plan.samples.labels.iter().zip(&table.labels);
        // Every element of a list has labels of its own.
        let elements: Vec<u32> = match plan.samples.unit {
            Unit::List { .. } => {
                (0..table.rows.len() as u32).filter(|&row| parted.part[row as usize] == at as u8).collect()
            }
            Unit::Row | Unit::User { .. } => Vec::new(),
        };
        let labelled = if elements.is_empty() { rows } else { &elements };
        report.parts.push(PartReport {
            part: (*name).to_string(),
            rows: rows.len() as u64,
            elements: elements.len() as u64,
            labels: labels.map(|(label, values)| of_label(plan, &label.name.name, values, labelled)).collect(),
        });
        for input in &plan.inputs {
            let (ids, unknown) = match input.value {
                InputValue::Sample { feature } => {
                    let slot = loaded.streams[0].task.features.iter().position(|known| *known == feature);
                    let column = slot.map(|slot| &table.features[slot]);
                    count(plan, renumbering, feature, column, rows.iter().map(|&row| row as usize))
                }
                InputValue::Element { axis, feature } => {
                    of_axis(plan, loaded, views, renumbering, (axis, feature), rows)
                }
                InputValue::LabelAlong { .. }
                | InputValue::OutcomeAlong { .. }
                | InputValue::Positives { .. }
                | InputValue::Label(_)
                | InputValue::Outcome(_)
                | InputValue::LogQ { .. }
                | InputValue::Weight => {
                    continue;
                }
            };
            if ids > 0 {
                report.ids.push(IdReport { input: input.name.clone(), part: (*name).to_string(), ids, unknown });
            }
        }
    }
    report.tables = plan.tables.iter().map(|(name, at)| (name.clone(), fitted.size(plan, *at))).collect();
    report
}

fn of_label(plan: &Plan, name: &str, values: &[f32], rows: &[u32]) -> LabelReport {
    let (mut known, mut sum) = (0_u64, 0.0);
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    for value in rows.iter().map(|&row| values[row as usize]).filter(|value| !value.is_nan()) {
        known += 1;
        sum += f64::from(value);
        least = least.min(value);
        most = most.max(value);
    }
    let mean = if known == 0 { 0.0 } else { sum / known as f64 };
    // Negatives are the other class.
    let constant = least >= most && plan.samples.negatives.is_none();
    LabelReport { name: name.to_string(), known, mean, constant }
}

/// Ids in some rows of a column, and how many of them have no row of their own.
fn count(
    plan: &Plan,
    renumbering: &Renumbering,
    feature: usize,
    column: Option<&Written>,
    rows: impl Iterator<Item = usize>,
) -> (u64, u64) {
    let (Form::Id { vocabulary } | Form::Ids { vocabulary, .. }) = plan.features[feature].form else { return (0, 0) };
    let Some(renumber) = renumbering.get(vocabulary).filter(|renumber| !renumber.is_empty()) else { return (0, 0) };
    let (mut ids, mut unknown) = (0, 0);
    let mut add = |code: u32| {
        ids += u64::from(code != 0);
        unknown += u64::from(code != 0 && renumber[code as usize] == 0);
    };
    match column {
        Some(Raw::Codes(codes)) => rows.for_each(|row| add(codes[row])),
        Some(Raw::Bags { ends, codes }) => {
            rows.for_each(|row| codes[range(ends, row)].iter().for_each(|&code| add(code)));
        }
        Some(Raw::Numbers { .. }) | None => {}
    }
    (ids, unknown)
}

/// Ids along an axis, over what the samples in `rows` see.
fn of_axis(
    plan: &Plan,
    loaded: &Loaded,
    views: &[Views],
    renumbering: &Renumbering,
    (axis, feature): (usize, usize),
    rows: &[u32],
) -> (u64, u64) {
    let Some(views) = views.iter().find(|views| views.axis == axis) else {
        let slot = loaded.streams[0].task.lists.iter().position(|known| *known == axis);
        let Some(list) = slot.and_then(|slot| loaded.tables[0].lists.get(slot)) else { return (0, 0) };
        let place = plan.axes[axis].features.iter().position(|known| *known == feature);
        let elements = rows.iter().flat_map(|&row| range(&list.ends, row as usize));
        return count(plan, renumbering, feature, place.and_then(|place| list.features.get(place)), elements);
    };
    let slot = loaded.streams[views.stream].task.features.iter().position(|known| *known == feature);
    let column = slot.and_then(|slot| loaded.tables[views.stream].features.get(slot));
    // Sums up to each event, so that a long history costs no more than a short one.
    let mut sums = vec![(0, 0)];
    for &event in &views.events.order {
        let (ids, unknown) = count(plan, renumbering, feature, column, std::iter::once(event as usize));
        let (all, lost) = sums[sums.len() - 1];
        sums.push((all + ids, lost + unknown));
    }
    let mut total = (0, 0);
    for &row in rows {
        let start = views.starts[row as usize] as usize;
        let end = start + views.counts[row as usize] as usize;
        total.0 += sums[end].0 - sums[start].0;
        total.1 += sums[end].1 - sums[start].1;
    }
    total
}
