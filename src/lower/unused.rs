//! What a spec declares and never uses. A feature without a use is most often a name left out of a group.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, Spec};

use super::names::Names;
use super::refer::References;

/// Warns of features, axes and values of `model` without a use, in a spec without errors: what is faulty may be what uses
/// them.
pub(super) fn check(spec: &Spec, names: &Names, references: &References, diags: &mut Diags) {
    let used = used(spec, names, references);
    let features = spec.features.iter().map(|entry| (&entry.name, "feature"));
    let axes = spec.axes.iter().map(|entry| (&entry.name, "axis"));
    let values = spec.model.iter().map(|entry| (&entry.name, "value"));
    for (name, what) in features.chain(axes).chain(values) {
        if !used.contains(name.name.as_str()) {
            let finding = Diagnostic::new("W0201", format!("{what} `{}` is never used", name.name)).at(name.span, "");
            diags.push(match what {
                "feature" => finding.help("use it in `model`, alone or as a member of a group, or leave it out"),
                _ => finding,
            });
        }
    }
}

/// Every name that an expression, a draw or an axis uses; of groups the members too.
fn used<'a>(spec: &'a Spec, names: &Names<'a>, references: &'a References) -> BTreeSet<&'a str> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut mark = |name: &'a Ident| {
        used.insert(&name.name);
        used.extend(names.features_of(&name.name).into_iter().map(|feature| feature.name.as_str()));
    };
    for found in references.all() {
        found.names.iter().chain(&found.makers).for_each(&mut mark);
        // The axis of `history.item` and the feature.
        for (axis, member) in &found.members {
            mark(axis);
            mark(member);
        }
    }
    let draws = spec.axes.iter().filter_map(|axis| match &axis.value.origin {
        AxisOrigin::Draw(draw) => Some(draw),
        _ => None,
    });
    for draw in draws.chain(&spec.samples.negatives) {
        mark(&draw.of);
        draw.not_in.iter().for_each(&mut mark);
        draw.along.iter().for_each(&mut mark);
    }
    for axis in &spec.axes {
        if let AxisOrigin::Within { axis: inner, .. } = &axis.value.origin {
            mark(inner);
        }
    }
    spec.runs.iter().filter_map(|run| run.value.along.as_ref()).for_each(&mut mark);
    used
}
