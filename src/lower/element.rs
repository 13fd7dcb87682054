//! Where a sample is a list, what differs from element to element has no value of the whole.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, Side, Spec};

use super::names::Names;
use super::refer::References;

/// Finds features of an item, labels and outcomes that are read without the axis of the list.
pub(super) fn check(spec: &Spec, names: &Names, references: &References, diags: &mut Diags) {
    let list = spec.axes.iter().find(|axis| matches!(axis.value.origin, AxisOrigin::List { .. }));
    let Some(list) = list.map(|axis| &axis.name.name) else { return };
    let differs = |name: &Ident| {
        let is_item = |feature: &&Ident| {
            let feature = spec.features.iter().find(|known| known.name.name == feature.name);
            feature.is_some_and(|feature| feature.value.side.as_ref().is_some_and(|side| side.value == Side::Item))
        };
        let is_label = spec.samples.labels.iter().any(|label| label.name.name == name.name);
        let is_outcome = spec.samples.outcomes.iter().any(|outcome| outcome.name == name.name);
        let has_item = names.features_of(&name.name).iter().any(is_item);
        let is_value = spec.model.iter().any(|value| value.name.name == name.name);
        !is_value && (is_label || is_outcome || has_item)
    };
    let mut said = BTreeSet::new();
    for name in references.all().flat_map(|found| &found.names).filter(|name| differs(name)) {
        if said.insert(name.span.start) {
            let title =
                format!("`{}` differs from element to element of `{list}`, and the sample is all of it", name.name);
            let help = format!("`{list}.{}` is that of each element", name.name);
            diags.push(Diagnostic::new("E0208", title).at(name.span, "").help(help));
        }
    }
}
