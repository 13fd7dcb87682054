//! The axes of a spec as axes of the graph: those that an expression names, in the order of the spec, parents first.

use std::collections::BTreeMap;

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::build::Builder;
use crate::ir::input::SEEN;
use crate::syntax::spec::{AxisOrigin, AxisSpec, Spec};

use super::refer::{References, parent_axis};

/// Axes by name, and the axis of samples.
#[derive(Debug)]
pub(super) struct AxesOf {
    /// `B`.
    pub(super) batch: AxisId,
    /// By name.
    pub(super) named: BTreeMap<String, AxisId>,
}

impl AxesOf {
    /// The axis [`SEEN`], made at the first call; none where the spec does not say whose a row is. Its members are inputs
    /// like those of any axis: `seen.movie` is the id of everything that the user had before.
    pub(super) fn seen(&mut self, spec: &Spec, to: &mut Builder) -> Option<AxisId> {
        spec.user_column()?;
        let batch = self.batch;
        let make = || to.axis(SEEN, Some(batch), AxisKind::Ragged { max: None });
        Some(*self.named.entry(SEEN.to_owned()).or_insert_with(make))
    }
}

/// Adds `B` and every axis that is used. A circle of parents has been found before and is left out.
pub(super) fn make(spec: &Spec, references: &References, to: &mut Builder) -> AxesOf {
    let batch = to.axis("B", None, AxisKind::Batch);
    let mut axes = AxesOf { batch, named: BTreeMap::new() };
    let of_run =
        |name: &str| spec.runs.iter().any(|run| run.value.along.as_ref().is_some_and(|along| along.name == name));
    for axis in spec.axes.iter().filter(|axis| references.has_axis(&axis.name.name) || of_run(&axis.name.name)) {
        let mut chain = vec![&axis.name.name];
        while let Some(parent) = chain.last().and_then(|name| parent_axis(spec, name)) {
            if chain.contains(&&parent.name) {
                break;
            }
            chain.push(&parent.name);
        }
        let mut parent = batch;
        for name in chain.into_iter().rev() {
            let Some(entry) = spec.axes.iter().find(|axis| axis.name.name == *name) else { continue };
            parent = match axes.named.get(name) {
                Some(&known) => known,
                None => {
                    let made = to.axis(name, Some(parent), AxisKind::Ragged { max: max(&entry.value) });
                    axes.named.insert(name.clone(), made);
                    made
                }
            };
        }
    }
    axes
}

/// The most elements under one parent.
fn max(axis: &AxisSpec) -> Option<u32> {
    match &axis.origin {
        AxisOrigin::From { last, .. } | AxisOrigin::Within { last, .. } => last.as_ref().map(|last| last.value),
        AxisOrigin::Columns { last, .. } => Some(last.value),
        AxisOrigin::List { max, .. } => Some(max.value),
        AxisOrigin::Draw(draw) => Some(draw.n),
    }
}
