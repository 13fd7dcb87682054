//! A prediction of one sample must not depend on which others stand in its batch: values that do are of losses alone.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diags};
use crate::ir::graph::{Graph, ValueId};
use crate::ir::op::Site;
use crate::ir::types::Type;
use crate::syntax::spec::Spec;

/// Finds outputs and metrics that read other samples.
pub(super) fn check(spec: &Spec, graph: &Graph, diags: &mut Diags) {
    let outputs = spec.outputs.iter().map(|entry| (entry, entry.name.name.clone()));
    let metrics = spec.metrics.iter().map(|entry| (entry, format!("metric.{}", entry.name.name)));
    let mut blamed = BTreeSet::new();
    for (entry, path) in outputs.chain(metrics) {
        let own = |name: &str| name == path || name.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.'));
        for root in graph.outputs().iter().filter(|root| own(&root.name)) {
            if let Some(value) = coupled(graph, root.value).filter(|value| blamed.insert(*value)) {
                let title = format!("`{}` depends on the other samples of its batch", entry.name.name);
                let finding = Diagnostic::new("E0321", title).at(entry.value.span, "");
                let finding = finding.at(graph.span(value), "here samples meet");
                diags.push(
                    finding.help("the axis `B` is reduced in losses; statistics of the batch are `batch_norm`'s"),
                );
            }
        }
    }
}

/// The value behind `value` at which samples meet.
fn coupled(graph: &Graph, value: ValueId) -> Option<ValueId> {
    graph.behind(value, |_| true).into_iter().find(|&value| {
        graph.producer(value).is_some_and(|node| {
            let operands: Vec<&Type> = node.operands.iter().map(|&operand| graph.ty(operand)).collect();
            node.op.couples_samples(&Site { axes: graph.axes(), operands: &operands, attrs: &node.attrs })
        })
    })
}
