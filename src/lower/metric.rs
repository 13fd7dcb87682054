//! `metrics:` each names a score and a label, which become outputs of the graph for evaluation.

use crate::block::evaluate::{Evaluator, Said};
use crate::block::item::Item;
use crate::block::signature::{Kind, Parameter, Slot, bind, word};
use crate::diag::Diagnostic;
use crate::diag::near::{list, near};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::ir::graph::ValueId;
use crate::syntax::spec::Spec;

use super::blame::Blame;
use super::names::Section;
use super::output::per_sample;
use super::refer::References;

/// A metric of evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name in the spec.
    pub name: String,
    /// What it measures.
    pub kind: MetricKind,
    /// The graph's output that holds its score.
    pub score: String,
    /// The graph's output that holds its label: 0, 1, or NaN for a row that does not count.
    pub label: String,
    /// The raw column of `samples` that groups rows.
    pub by: Option<Ident>,
}

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Area under the ROC curve; ties count half. The score is a logit where the spec gives the sigmoid of one, since
    /// probabilities near 1 are equal in f32 long before their logits are.
    Auc,
    /// The mean over groups of the AUC within, weighted by rows; groups of one class are left out.
    Gauc,
    /// Mean negative log-likelihood of probabilities.
    Logloss,
}

/// By name.
const KINDS: &[(&str, MetricKind)] =
    &[("auc", MetricKind::Auc), ("gauc", MetricKind::Gauc), ("logloss", MetricKind::Logloss)];

impl MetricKind {
    /// Whether more is better.
    pub fn higher_is_better(self) -> bool {
        self != MetricKind::Logloss
    }

    fn takes_by(self) -> bool {
        self == MetricKind::Gauc
    }

    fn slots(self) -> Vec<Slot> {
        let slot =
            |name: &str, kind| Slot { name: name.to_owned(), kind, required: true, named_only: false, ..Slot::share() };
        let mut slots = vec![slot("score", Parameter::new("score", Kind::Value).kind), slot("label", Kind::Any)];
        if self.takes_by() {
            slots.push(slot("by", Kind::Name));
        }
        slots
    }
}

/// A metric's expression in its parts.
#[derive(Clone, Debug)]
pub(super) struct Parts<'e> {
    pub(super) kind: MetricKind,
    pub(super) score: &'e Expr,
    pub(super) label: &'e Expr,
    pub(super) by: Option<Ident>,
}

/// Takes a metric's expression apart, or says what is wrong with it.
pub(super) fn parts(expr: &Expr) -> Result<Parts<'_>, Vec<Diagnostic>> {
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let ExprKind::Call { callee, args, .. } = &expr.kind else {
        let finding = Diagnostic::new("E0229", format!("expected a metric, found `{expr}`")).at(expr.span, "");
        return Err(vec![finding.help(format!("the metrics are {}: `auc(ctr, clicked)`", list(&names, "and")))]);
    };
    let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == callee.name) else {
        let finding = Diagnostic::new("E0229", format!("no metric `{}`", callee.name));
        return Err(vec![match near(&callee.name, names.iter().copied()) {
            Some(near) => finding.at(callee.span, format!("`{near}` is one")),
            None => finding.at(callee.span, "").help(format!("the metrics are {}", list(&names, "and"))),
        }]);
    };
    let bound = bind(callee, &kind.slots(), args, expr.span)?;
    let part = |at: usize| bound.get(at).and_then(|args| args.first()).map(|arg| &arg.value);
    let by = match part(2) {
        Some(expr) => match word(expr) {
            Some(name) => Some(Ident { name: name.to_owned(), span: expr.span }),
            None => {
                let finding = Diagnostic::new("E0229", format!("expected a column after `by=`, found `{expr}`"));
                return Err(vec![finding.at(expr.span, "")]);
            }
        },
        None => None,
    };
    match (part(0), part(1)) {
        (Some(score), Some(label)) => Ok(Parts { kind: *kind, score, label, by }),
        _ => Err(vec![Diagnostic::new("E0310", "a metric needs a score and a label").at(expr.span, "")]),
    }
}

/// Evaluates every metric.
pub(super) fn metrics(spec: &Spec, references: &References, blame: &mut Blame, at: &mut Evaluator) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for entry in &spec.metrics {
        let name = &entry.name.name;
        if !references.is_sound(Section::Metrics, name) {
            continue;
        }
        let Ok(parts) = parts(&entry.value) else { continue };
        at.open(&format!("metric.{name}"));
        if let Ok((score, label)) = evaluated(spec, name, &parts, blame, at) {
            let (score_name, label_name) = (format!("metric.{name}.score"), format!("metric.{name}.label"));
            at.to.output(&score_name, score);
            at.to.output(&label_name, label);
            let name = name.clone();
            metrics.push(Metric { name, kind: parts.kind, score: score_name, label: label_name, by: parts.by });
        }
    }
    metrics
}

fn evaluated(
    spec: &Spec,
    name: &str,
    parts: &Parts,
    blame: &mut Blame,
    at: &mut Evaluator,
) -> Result<(ValueId, ValueId), Said> {
    let (score, label) = (at.expr(parts.score), at.expr(parts.label));
    let score = per_sample(spec, name, parts.score, score?, blame, at)?;
    let label = match label? {
        Item::Label(label) => label,
        other => at.number_value(other, parts.label.span)?,
    };
    let graph = at.to.graph();
    let (score_type, label_type) = (graph.ty(score), graph.ty(label));
    if score_type.width != 1 || label_type.width != 1 || score_type.space != label_type.space {
        let (score_type, label_type) = (graph.axes().show(score_type), graph.axes().show(label_type));
        let title = format!("metric `{name}` needs one score for each label");
        let finding = Diagnostic::new("E0302", title).at(parts.score.span, score_type);
        return Err(at.say(finding.at(parts.label.span, label_type)));
    }
    let logit = graph.producer(score).filter(|node| node.op.name() == "sigmoid").and_then(|node| node.operands.first());
    match (parts.kind, logit) {
        (MetricKind::Auc | MetricKind::Gauc, Some(&logit)) => Ok((logit, label)),
        _ => Ok((score, label)),
    }
}
