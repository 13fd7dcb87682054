//! Values that look at times: whether the times they need are there.

use super::super::eval::{Kind, Scope, check};
use super::build::not_yet;
use super::{AxisPlan, FeaturePlan, Form, Origin, Plan, mentions, reads_time};
use crate::diag::{Diagnostic, Diags};

/// Checks every feature where it is wanted.
pub(super) fn verify(plan: &Plan, diags: &mut Diags) {
    let timed = plan.samples.sources.iter().all(|&source| plan.sources[source].time.is_some());
    for (at, feature) in plan.features.iter().enumerate() {
        let reads = feature.values.iter().any(reads_time);
        if reads && !timed {
            diags
                .push(no_time(feature).help("`time: {column: ..., unit: s}` under `samples` says when a row happened"));
        } else if reads {
            for axis in plan.axes.iter().filter(|axis| axis.features.contains(&at)) {
                along(plan, axis, feature, diags);
            }
        }
    }
}

fn no_time(feature: &FeaturePlan) -> Diagnostic {
    Diagnostic::new("E0454", format!("the value of `{}` looks at times, and there are none", feature.name))
        .at(feature.span, "")
}

fn along(plan: &Plan, axis: &AxisPlan, feature: &FeaturePlan, diags: &mut Diags) {
    match &axis.origin {
        Origin::Lists { times: None, .. } if feature.values.iter().any(|value| mentions(value, "step")) => {
            let help =
                format!("`step.time: ...` under the `columns` of `{}` names the column that lists times", axis.name);
            diags.push(no_time(feature).at(axis.span, "the axis").help(help));
        }
        Origin::Events { source, .. } if plan.sources[*source].time.is_none() => {
            let help = format!("`time:` under the source of `{}` says when an event happened", axis.name);
            diags.push(no_time(feature).at(axis.span, "the axis").help(help));
        }
        // Such a value is computed for each pair of sample and event, from numbers that are kept by event.
        Origin::Events { .. } if feature.looks_at_sample() => {
            if let Form::Id { .. } | Form::Ids { .. } = feature.form {
                let what = "an id along events whose value looks at `sample.time`";
                diags.push(not_yet(what, feature.span).help("`type: bucket` cuts a time difference into ids"));
            }
            for value in &feature.values {
                check(value, &Scope { name: &|_| Some(Kind::Number), times: true }, diags);
            }
        }
        Origin::Draw { .. } => {
            let finding = no_time(feature).at(axis.span, "the axis");
            diags.push(finding.help("what is drawn is an item, and an item has no time"));
        }
        Origin::Events { .. } | Origin::List { .. } | Origin::Lists { .. } | Origin::Visits { .. } => {}
    }
}
