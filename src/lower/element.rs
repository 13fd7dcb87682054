//! Where a sample is a list, what differs from element to element has no value of the whole.

use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, Side, Spec};

use super::names::{Names, Thing};
use super::refer::References;

/// Finds features of an item, labels and outcomes that are read without the axis of the list.
pub(super) fn check(spec: &Spec, names: &Names, references: &References, diags: &mut Diags) {
    let list = spec.axes.iter().find(|axis| matches!(axis.value.origin, AxisOrigin::List { .. }));
    let Some(list) = list.map(|axis| &axis.name.name) else { return };
    let is_item = |feature: &&Ident| {
        let side = spec.features.iter().find(|known| known.name.name == feature.name).map(|known| &known.value.side);
        side.is_some_and(|side| side.as_ref().is_some_and(|side| side.value == Side::Item))
    };
    let differs = |name: &Ident| match names.thing(&name.name) {
        Some(Thing::Label) => true,
        Some(Thing::Axis(_) | Thing::Model | Thing::Run(_)) => false,
        Some(Thing::Feature(_) | Thing::Group(_)) | None => {
            names.is_outcome(&name.name) || names.features_of(&name.name).iter().any(is_item)
        }
    };
    let mut said: Vec<Span> = Vec::new();
    for name in references.all().flat_map(|found| &found.names).filter(|name| differs(name)) {
        if !said.contains(&name.span) {
            said.push(name.span);
            let title =
                format!("`{}` differs from element to element of `{list}`, and the sample is all of it", name.name);
            let help = format!("`{list}.{}` is that of each element", name.name);
            diags.push(Diagnostic::new("E0208", title).at(name.span, "").help(help));
        }
    }
}
