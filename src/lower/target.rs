//! What is to be predicted must not reach a prediction: the features of a next-item sample are those of its own row, which
//! only losses, the labels of metrics and `cloze`, which hides them, may read.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diags, Span};
use crate::ir::graph::{Def, Graph, ValueId};
use crate::ir::input::InputSource;
use crate::syntax::spec::Spec;

use super::metric::Predicted;

/// Operations that let nothing through of what they hide.
const HIDING: &[&str] = &["cloze", "hide_last"];

/// Finds outputs and predictions of metrics that read the row to be predicted. A rank is of the target by its nature: what
/// must not read it is the row that candidates are multiplied with.
pub(super) fn check(spec: &Spec, graph: &Graph, of_metrics: &[Predicted], diags: &mut Diags) {
    if !spec.is_next_item() {
        return;
    }
    let outputs = spec.outputs.iter().filter_map(|entry| Some((graph.output(&entry.name.name)?, entry.value.span)));
    let mut found: Vec<(Span, String)> = Vec::new();
    let mut blamed = BTreeSet::new();
    for (predicted, span) in outputs.chain(of_metrics.iter().copied()) {
        let Some(feature) = target_behind(graph, predicted) else { continue };
        // A metric of a faulty output, or of the logit or the row behind it, is no fault of its own.
        let behind = graph.producer(predicted).filter(|node| matches!(node.op.name(), "sigmoid" | "best"));
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
