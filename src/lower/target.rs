//! What is to be predicted must not reach a prediction: the features of a next-item sample are those of its own row, which
//! only losses, the labels of metrics and `cloze`, which hides them, may read.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diags, Span};
use crate::ir::graph::{Def, Graph, ValueId};
use crate::ir::input::InputSource;
use crate::syntax::spec::Spec;

/// Operations that let nothing through of what they hide.
const HIDING: &[&str] = &["cloze", "hide_last"];

/// Finds outputs and scores of metrics that read the row to be predicted.
pub(super) fn check(spec: &Spec, graph: &Graph, diags: &mut Diags) {
    if !spec.is_next_item() {
        return;
    }
    let outputs = spec.outputs.iter().map(|entry| (entry.name.name.clone(), entry.value.span));
    let metrics = spec.metrics.iter().flat_map(|entry| {
        ["score", "rank"].map(|what| (format!("metric.{}.{what}", entry.name.name), entry.value.span))
    });
    let mut found: Vec<(Span, String)> = Vec::new();
    let mut blamed = BTreeSet::new();
    for (name, span) in outputs.chain(metrics) {
        let Some(root) = graph.outputs().iter().find(|root| root.name == name) else { continue };
        // A rank is of the target by its nature: what must not read it is the row that all candidates are multiplied with.
        let ranked = graph.producer(root.value).filter(|node| node.op.name() == "rank");
        let predicted = ranked.and_then(|node| node.operands.first()).map_or(root.value, |&row| row);
        let Some(feature) = target_behind(graph, predicted) else { continue };
        // A metric of a faulty output, or of the logit or the row behind it, is no fault of its own.
        let behind = graph.producer(root.value).filter(|node| matches!(node.op.name(), "sigmoid" | "best"));
        if blamed.insert(predicted) {
            found.push((span, feature));
        }
        blamed.extend(behind.into_iter().flat_map(|node| &node.operands));
    }
    for (span, feature) in found {
        let title = format!("`{feature}` is what a sample is to predict, and a prediction reads it");
        let mut finding = Diagnostic::new("E0403", title).at(span, "the prediction");
        if let Some(entry) = spec.features.iter().find(|entry| entry.name.name == feature) {
            finding = finding.at(entry.name.span, "a feature of the row to be predicted");
        }
        diags.push(finding.help(
            "of earlier rows it may be read, along an axis; `cloze` hides it; `side: user` says that a feature is of the user",
        ));
    }
}

/// A feature of the row to be predicted that a value is computed from.
fn target_behind(graph: &Graph, value: ValueId) -> Option<String> {
    let read = graph.behind(value, |node| !HIDING.contains(&node.op.name()));
    read.into_iter().find_map(|value| match graph.value(value).def {
        Def::Input(input) => match &graph.input(input).source {
            InputSource::Target { feature } => Some(feature.clone()),
            _ => None,
        },
        Def::Node { .. } | Def::Param(_) => None,
    })
}
