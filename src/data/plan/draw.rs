//! Draws: which ids are drawn, from what, and what is never drawn.

use super::super::Want;
use super::build::{not_yet, nothing};
use super::{InputValue, Origin, Plan};
use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::Ident;
use crate::ir::input::InputSource;
use crate::syntax::spec::{AxisOrigin, DrawBy, DrawSpec, FeatureKind, Side, Spec};

/// A draw of items.
#[derive(Clone, Debug)]
pub(crate) struct DrawPlan {
    /// The axis; `negatives` for those of the samples.
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The id that is drawn: one item is one id.
    pub(crate) key: usize,
    /// What is wanted of a drawn item, its key included.
    pub(crate) features: Vec<usize>,
    pub(crate) by: DrawBy,
    pub(crate) power: f64,
    /// Axes whose items are not drawn.
    pub(crate) not_in: Vec<usize>,
    pub(crate) seed: u64,
}

/// The name of the draw behind `negatives:`, which no axis can have.
const NEGATIVES: &str = "negatives:";

/// Features that draws need whoever reads them: the ids that are drawn.
pub(super) fn keys<'a>(spec: &'a Spec, wants: &[Want]) -> Vec<&'a str> {
    let of_axes = spec.axes.iter().filter_map(|axis| match &axis.value.origin {
        AxisOrigin::Draw(draw) if is_wanted(wants, &axis.name.name) => Some(draw),
        _ => None,
    });
    of_axes.chain(&spec.samples.negatives).filter_map(|draw| key(spec, draw)).collect()
}

/// Whether an input reads along an axis.
pub(super) fn is_wanted(wants: &[Want], axis: &str) -> bool {
    wants.iter().any(|want| match &want.source {
        InputSource::Feature { axis: Some(along), .. } | InputSource::LogQ { axis: along } => along == axis,
        _ => false,
    })
}

/// The members of what is drawn.
fn members<'a>(spec: &'a Spec, draw: &'a DrawSpec) -> Vec<&'a str> {
    match spec.groups.iter().find(|group| group.name.name == draw.of.name) {
        Some(group) => group.value.iter().map(|member| member.name.as_str()).collect(),
        None => vec![&draw.of.name],
    }
}

/// The first id among them.
fn key<'a>(spec: &'a Spec, draw: &'a DrawSpec) -> Option<&'a str> {
    let is_id = |name: &&str| {
        let feature = spec.features.iter().find(|feature| feature.name.name == *name);
        feature.is_some_and(|feature| feature.value.kind.value == FeatureKind::Id)
    };
    members(spec, draw).into_iter().find(is_id)
}

/// Adds the draws of axes that are wanted, and of the samples. Features along axes are known by now.
pub(super) fn add(spec: &Spec, plan: &mut Plan, diags: &mut Diags) {
    for at in 0..plan.axes.len() {
        let Origin::Draw { along, .. } = plan.axes[at].origin else { continue };
        let name = plan.axes[at].name.clone();
        let Some(axis) = spec.axes.iter().find(|axis| axis.name.name == name) else { continue };
        let AxisOrigin::Draw(draw) = &axis.value.origin else { continue };
        if along.is_some_and(|along| matches!(plan.axes[along].origin, Origin::Draw { .. })) {
            diags.push(not_yet("a draw along a draw", axis.name.span));
            continue;
        }
        let is_wanted = !plan.axes[at].features.is_empty()
            || plan.inputs.iter().any(|input| input.value == InputValue::LogQ { axis: at });
        if !is_wanted {
            continue;
        }
        let features = plan.axes[at].features.clone();
        let Some(draw) = of(spec, plan, &axis.name, draw, features, diags) else { continue };
        plan.axes[at].features.clone_from(&draw.features);
        plan.draws.push(draw);
        let made = plan.draws.len() - 1;
        if let Origin::Draw { draw, .. } = &mut plan.axes[at].origin {
            *draw = Some(made);
        }
    }
    if let Some(negatives) = &spec.samples.negatives {
        let name = Ident { name: NEGATIVES.to_string(), span: negatives.of.span };
        negatives.along.iter().for_each(|axis| diags.push(not_yet("`along` of `negatives`", axis.span)));
        let members = members(spec, negatives);
        let wanted = plan.sample_features();
        let is_member = |feature: usize| members.contains(&plan.features[feature].name.as_str());
        for &feature in wanted.iter().filter(|&&feature| !is_member(feature)) {
            stays(spec, plan, feature, negatives, diags);
        }
        let features = wanted.iter().copied().filter(|&feature| is_member(feature)).collect();
        if let Some(draw) = of(spec, plan, &name, negatives, features, diags) {
            plan.draws.push(draw);
            plan.samples.negatives = Some((plan.draws.len() - 1, negatives.n));
        }
    }
}

/// A feature of the item that a negative would keep from the row it is made of.
fn stays(spec: &Spec, plan: &Plan, feature: usize, negatives: &DrawSpec, diags: &mut Diags) {
    let name = &plan.features[feature].name;
    let found = spec.features.iter().find(|found| found.name.name == *name);
    if found.is_some_and(|found| found.value.side.as_ref().is_some_and(|side| side.value == Side::Item)) {
        let title = format!("`{name}` is of the item, and `negatives` do not draw it");
        let finding = Diagnostic::new("E0454", title).at(negatives.of.span, "what is drawn");
        let help = "a negative would keep that of the item in its row: draw a group that holds it";
        diags.push(finding.at(plan.features[feature].span, "").help(help));
    }
}

fn of(
    spec: &Spec,
    plan: &mut Plan,
    name: &Ident,
    draw: &DrawSpec,
    mut features: Vec<usize>,
    diags: &mut Diags,
) -> Option<DrawPlan> {
    let Some(key_name) = key(spec, draw) else {
        let title = format!("`{}` cannot be drawn: it holds no id that says which item it is", draw.of.name);
        let finding = Diagnostic::new("E0454", title).at(draw.of.span, "");
        diags.push(finding.help("draw a feature of `type: id`, or a group that has one"));
        return None;
    };
    let key = plan.features.iter().position(|feature| feature.name == key_name)?;
    features.push(key);
    features.sort_unstable();
    features.dedup();
    plan.hidden.push(InputValue::Sample { feature: key });
    let mut not_in = Vec::new();
    for excluded in &draw.not_in {
        let Some(axis) = plan.axes.iter().position(|axis| axis.name == excluded.name) else {
            let names = plan.axes.iter().map(|axis| axis.name.as_str());
            diags.push(nothing("an axis", excluded, names));
            continue;
        };
        if !matches!(plan.axes[axis].origin, Origin::Events { .. } | Origin::Lists { .. }) {
            let title = format!("`{}` holds no items that were not drawn", excluded.name);
            let help = "`not_in` names axes of events, or of list columns";
            diags.push(Diagnostic::new("E0454", title).at(excluded.span, "").help(help));
            continue;
        }
        plan.hidden.push(InputValue::Element { axis, feature: key });
        not_in.push(axis);
    }
    let (by, power, seed) = (draw.by, draw.power, draw.seed);
    Some(DrawPlan { name: name.name.clone(), span: name.span, key, features, by, power, not_in, seed })
}
