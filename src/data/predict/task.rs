//! What the rows of a request are asked for.

use crate::data::bundle::DataBundle;
use crate::data::eval::names;
use crate::data::load::{lists, streams};
use crate::data::plan::{Origin, Plan, Unit, Visit, reads_time};
use crate::data::rows::Task;

/// The task of a bundle's plan.
pub(super) fn of(bundle: &DataBundle) -> Task {
    match &bundle.plan.samples.unit {
        Unit::Row => of_rows(bundle),
        Unit::User { by, .. } | Unit::List { by } => of_events(bundle, &by.name),
    }
}

/// Rows that are samples by themselves, and see events that are stored.
fn of_rows(bundle: &DataBundle) -> Task {
    let plan = &bundle.plan;
    let lists = lists(plan);
    let listed_times = |axis: &usize| matches!(&plan.axes[*axis].origin, Origin::Lists { times: Some(_), .. });
    let values = plan.features.iter().flat_map(|feature| &feature.values);
    Task {
        features: plan.sample_features(),
        keys: keys(plan, None),
        // Without need for the time a request need not carry it.
        time: bundle.axes.iter().flatten().any(|events| events.times.is_some())
            || lists.iter().any(listed_times)
            || values.into_iter().any(reads_time),
        lists,
        labels: bundle.labelled,
        serving: true,
        ..Task::default()
    }
}

/// Rows that are the events of a sample: read like those of the samples' source, but for what is not known yet.
fn of_events(bundle: &DataBundle, by: &str) -> Task {
    let plan = &bundle.plan;
    let task = streams(plan).into_iter().next().map(|stream| stream.task).unwrap_or_default();
    let is_label = |name: &str| plan.samples.labels.iter().any(|label| label.name.name == name);
    let reads_label = |axis: &usize| match &plan.axes[*axis].origin {
        Origin::Events { filter: Some(filter), .. } => names(filter).iter().any(|(name, _)| is_label(name)),
        _ => false,
    };
    let labels = bundle.labelled || task.axes.iter().any(reads_label);
    Task { labels, keys: keys(plan, Some(by)), serving: true, past: !bundle.labelled, ..task }
}

/// The columns by which axes find events, and one more.
fn keys(plan: &Plan, by: Option<&str>) -> Vec<String> {
    let of_axes = plan.axes.iter().filter_map(|axis| axis.origin.by()).map(|by| by.name.as_str());
    // Stored events know their visits; those that make a sample themselves are parted anew.
    let of_visits = (0..plan.axes.len()).filter(|_| by.is_some()).filter_map(|axis| match plan.visits_of(axis) {
        Some(Visit::Column(column)) if matches!(&plan.axes[axis].origin, Origin::Events { source, .. } if plan.samples.sources.contains(source)) => {
            Some(column.name.as_str())
        }
        _ => None,
    });
    let mut keys: Vec<String> = by.into_iter().chain(of_axes).chain(of_visits).map(str::to_string).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
