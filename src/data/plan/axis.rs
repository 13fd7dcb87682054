//! Axes: where their elements come from, and what must stay hidden from them.

use super::super::Want;
use super::super::eval::{self, Kind};
use super::build::{expect, label_or_column, not_yet, nothing, place};
use super::{AxisPlan, Origin, Plan, Visit};
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::{ExprKind, Ident};
use crate::ir::input::{InputSource, SEEN};
use crate::syntax::spec::{AxisOrigin, DrawSpec, FeatureSpec, Named, Spec};

/// Adds every axis of the spec: a graph may use one, say for its positions, without a feature along it.
pub(super) fn add(spec: &Spec, plan: &mut Plan, diags: &mut Diags) {
    for axis in &spec.axes {
        let origin = match &axis.value.origin {
            AxisOrigin::From { from, by, filter, last, delay } => {
                let labels = &plan.samples.labels;
                let Some(source) = place(spec, from, diags) else { continue };
                let of_samples = plan.samples.sources.contains(&source);
                if let Some(filter) = filter {
                    let name = |name: &str| if of_samples { label_or_column(labels, name) } else { Some(Kind::Column) };
                    expect(filter, Kind::Bool, &name, false, diags);
                }
                // Between two sources there is no order of rows to fall back on.
                let timed = plan.sources[source].time.is_some() && plan.sources[plan.samples.sources[0]].time.is_some();
                let ordered_by_row = of_samples && plan.samples.sources.len() == 1;
                if !(timed || ordered_by_row) {
                    let title =
                        format!("the axis `{}` needs times: which event came first is not known", axis.name.name);
                    let finding = Diagnostic::new("E0454", title).at(axis.name.span, "");
                    diags.push(finding.help("`time: {column: ..., unit: s}` under the source and under `samples`"));
                    continue;
                }
                Some((
                    Origin::Events { source, by: by.clone(), filter: filter.clone(), delay: *delay },
                    last.as_ref().map_or(u32::MAX, |last| last.value),
                ))
            }
            AxisOrigin::Columns { columns, newest_first, last, separator } => {
                let origin = Origin::Lists {
                    columns: lists(spec, columns, diags),
                    times: columns.iter().find(|(name, _)| name.name == "step.time").map(|(_, list)| list.clone()),
                    newest_first: *newest_first,
                    separator: separator.as_ref().map(|separator| separator.value.clone()),
                };
                Some((origin, last.value))
            }
            // The axis may stand further down; visits are added when all others are known.
            AxisOrigin::Within { .. } => None,
            AxisOrigin::List { by, order, max, cut } => {
                Some((Origin::List { by: by.clone(), order: order.clone(), cut: *cut }, max.value))
            }
            AxisOrigin::Draw(draw) => {
                draw.along.iter().skip(1).for_each(|more| diags.push(not_yet("a draw along several axes", more.span)));
                // The axis may stand further down; its place is found when all are known.
                Some((Origin::Draw { draw: None, n: draw.n, along: None }, draw.n))
            }
        };
        plan.axes.extend(origin.map(|(origin, last)| AxisPlan {
            name: axis.name.name.clone(),
            span: axis.name.span,
            origin,
            last,
            features: Vec::new(),
        }));
    }
}

/// Finds what draws go along, which may stand further down.
pub(super) fn along(spec: &Spec, plan: &mut Plan) {
    for axis in &spec.axes {
        let AxisOrigin::Draw(DrawSpec { along: names, .. }) = &axis.value.origin else { continue };
        let place = |name: &str| plan.axes.iter().position(|axis| axis.name == name);
        let found = names.first().and_then(|along| place(&along.name));
        if let Some(Origin::Draw { along, .. }) = place(&axis.name.name).map(|at| &mut plan.axes[at].origin) {
            *along = found;
        }
    }
}

/// Adds the visits, each over an axis of events that no other visits are over.
pub(super) fn add_visits(spec: &Spec, plan: &mut Plan, diags: &mut Diags) {
    for axis in &spec.axes {
        let AxisOrigin::Within { axis: inner, gap, column, last } = &axis.value.origin else { continue };
        let Some(of) = plan.axes.iter().position(|known| known.name == inner.name) else { continue };
        let rule = match (gap, column) {
            (Some(gap), _) => Visit::Gap(*gap),
            (None, Some(column)) => Visit::Column(column.clone()),
            (None, None) => continue,
        };
        let source = match &plan.axes[of].origin {
            Origin::Events { source, .. } => Some(*source),
            _ => None,
        };
        let timed = source.is_some_and(|source| plan.sources[source].time.is_some());
        let (title, help) = if source.is_none() {
            (format!("`{}` has no visits: it is no axis of events", inner.name), "`{from: SOURCE, by: COLUMN}`")
        } else if plan.visits_of(of).is_some() {
            (format!("`{}` has visits already", inner.name), "a second axis of the same events has its own")
        } else if matches!(rule, Visit::Gap(_)) && !timed {
            (format!("a gap between events of `{}` needs times", inner.name), "`time:` under the source, or `column:`")
        } else {
            let (name, span) = (axis.name.name.clone(), axis.name.span);
            let last = last.as_ref().map_or(u32::MAX, |last| last.value);
            plan.axes.push(AxisPlan { name, span, origin: Origin::Visits { of, rule }, last, features: Vec::new() });
            continue;
        };
        diags.push(Diagnostic::new("E0454", title).at(inner.span, "").help(help));
    }
}

/// Adds the axis of everything that a user had before, if an input reads it.
pub(super) fn add_seen(spec: &Spec, wants: &[Want], plan: &mut Plan) {
    let reads = |source: &InputSource| matches!(source, InputSource::Feature { axis: Some(axis), .. } if axis == SEEN);
    let own = plan.axes.iter().any(|axis| axis.name == SEEN);
    if let (true, Some(by)) = (!own && wants.iter().any(|want| reads(&want.source)), spec.user_column()) {
        let source = plan.samples.sources[0];
        plan.axes.push(AxisPlan {
            name: SEEN.to_owned(),
            span: by.span,
            origin: Origin::Events { source, by: by.clone(), filter: None, delay: 0.0 },
            last: u32::MAX,
            features: Vec::new(),
        });
    }
}

/// The raw column of each feature that is listed. A feature computed from columns is not listed itself; its columns are.
fn lists(spec: &Spec, columns: &[(Ident, Ident)], diags: &mut Diags) -> Vec<(String, Ident)> {
    let mut found = Vec::new();
    for (name, list) in columns.iter().filter(|(name, _)| name.name != "step.time") {
        match spec.features.iter().find(|feature| feature.name.name == name.name) {
            Some(feature) => match raw_column(feature) {
                Some(column) => found.push((column, list.clone())),
                None => {
                    let title = format!("`{}` is computed, so no column can list it", name.name);
                    diags.push(Diagnostic::new("E0454", title).at(name.span, "expected a feature that is a column"));
                }
            },
            None => {
                let names = spec.features.iter().map(|feature| feature.name.name.as_str());
                diags.push(nothing("a feature", name, names));
            }
        }
    }
    found
}

fn raw_column(feature: &Named<FeatureSpec>) -> Option<String> {
    match &feature.value.value {
        None if feature.value.columns.is_some() => None,
        None => Some(feature.value.column.as_ref().unwrap_or(&feature.name).name.clone()),
        Some(expr) => match &expr.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        },
    }
}

/// Delays each axis by what its elements would give away: a label that the `where` names, or whose columns a feature
/// along the axis reads, is not known before its `known_after`. The whole element waits, since a history that holds
/// an event but not yet its outcome would tell the two apart by where they are missing.
pub(super) fn hide(plan: &mut Plan) {
    let (labels, features, samples) = (&plan.samples.labels, &plan.features, &plan.samples.sources);
    for axis in &mut plan.axes {
        let Origin::Events { source, filter, delay, .. } = &mut axis.origin else { continue };
        if !samples.contains(source) {
            continue;
        }
        let read: Vec<&str> = axis
            .features
            .iter()
            .flat_map(|&feature| &features[feature].values)
            .chain(filter.as_ref())
            .flat_map(|expr| eval::names(expr).into_iter().map(|(name, _)| name))
            .collect();
        for label in labels {
            let gives_away = eval::names(&label.is).iter().any(|(column, _)| read.contains(column));
            if gives_away || read.contains(&label.name.name.as_str()) {
                *delay = delay.max(label.known_after);
            }
        }
    }
}
