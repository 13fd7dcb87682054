//! What every expression of a spec refers to, and whether its names and calls are in order.

use std::collections::BTreeMap;

use crate::block::check::{self, check};
use crate::block::library::Library;
use crate::diag::Diags;
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, Spec};

use super::metric;
use super::names::{Names, Section};

/// The references of all sections, by name of the entry.
#[derive(Debug, Default)]
pub(super) struct References {
    model: BTreeMap<String, check::References>,
    outputs: BTreeMap<String, check::References>,
    losses: BTreeMap<String, check::References>,
    metrics: BTreeMap<String, check::References>,
}

impl References {
    pub(super) fn collect(spec: &Spec, names: &Names, library: &Library, diags: &mut Diags) -> Self {
        let mut all = Self::default();
        let inputs = names.within(Section::Inputs);
        for entry in &spec.model {
            all.model.insert(entry.name.name.clone(), check(&entry.value, &inputs, library, diags));
        }
        for entry in &spec.outputs {
            all.outputs.insert(entry.name.name.clone(), check(&entry.value, &inputs, library, diags));
        }
        for entry in &spec.losses {
            let found = check(&entry.value, &names.within(Section::Losses), library, diags);
            all.losses.insert(entry.name.name.clone(), found);
        }
        for entry in &spec.metrics {
            let mut found = check::References { sound: true, ..check::References::default() };
            match metric::parts(&entry.value) {
                Ok(parts) => {
                    for expr in parts.expressions() {
                        let part = check(expr, &names.within(Section::Metrics), library, diags);
                        found.names.extend(part.names);
                        found.members.extend(part.members);
                        found.makers.extend(part.makers);
                        found.tables.extend(part.tables);
                        found.sound &= part.sound;
                    }
                }
                Err(findings) => {
                    findings.into_iter().for_each(|finding| diags.push(finding));
                    found.sound = false;
                }
            }
            all.metrics.insert(entry.name.name.clone(), found);
        }
        all
    }

    /// Those of a value of `model`.
    pub(super) fn model(&self, name: &str) -> Option<&check::References> {
        self.model.get(name)
    }

    /// Whether an output, a loss or a metric is in order so far.
    pub(super) fn is_sound(&self, section: Section, name: &str) -> bool {
        let map = match section {
            Section::Inputs => &self.outputs,
            Section::Losses => &self.losses,
            Section::Metrics => &self.metrics,
        };
        map.get(name).is_some_and(|references| references.sound)
    }

    /// Every expression's references.
    pub(super) fn all(&self) -> impl Iterator<Item = &check::References> {
        let maps = [&self.model, &self.outputs, &self.losses, &self.metrics];
        maps.into_iter().flat_map(BTreeMap::values)
    }

    /// References of what a prediction is made of.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &check::References> {
        self.model.values().chain(self.outputs.values())
    }

    /// Whether any expression names an axis, alone or before a member.
    pub(super) fn has_axis(&self, name: &str) -> bool {
        let is = |ident: &Ident| ident.name == name;
        self.all().any(|found| found.names.iter().any(is) || found.members.iter().any(|(axis, _)| is(axis)))
    }
}

/// The axis that the elements of an axis stand under, if it is not the sample: visits are between, a draw can be along one.
pub(super) fn parent_axis<'a>(spec: &'a Spec, name: &str) -> Option<&'a Ident> {
    let within = spec.axes.iter().find_map(|axis| match &axis.value.origin {
        AxisOrigin::Within { axis: inner, .. } if inner.name == name => Some(&axis.name),
        _ => None,
    });
    within.or_else(|| {
        spec.axes.iter().filter(|axis| axis.name.name == name).find_map(|axis| match &axis.value.origin {
            AxisOrigin::Draw(draw) => draw.along.first(),
            _ => None,
        })
    })
}
