//! `metrics:` each names what it scores and what it is held against, which become outputs of the graph for evaluation.

use crate::block::evaluate::{Evaluator, Said};
use crate::block::item::Item;
use crate::block::signature::{Kind, Slot, bind, word};
use crate::diag::near::{list, near};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::ir::graph::{Def, ValueId};
use crate::ir::input::InputSource;
use crate::ir::types::Type;
use crate::syntax::spec::{AxisOrigin, Spec};

use super::blame::Blame;
use super::names::Section;
use super::output::per_sample;
use super::ranking::{self, Among};
use super::refer::References;

/// A metric of evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name in the spec.
    pub name: String,
    /// What it measures.
    pub kind: MetricKind,
    /// What it is measured on.
    pub of: MetricOf,
}

/// What a metric reads; the names are those of the graph's outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricOf {
    /// A score and a label of each sample.
    Samples {
        /// The score.
        score: String,
        /// 0, 1, or NaN for a row that does not count.
        label: String,
        /// The raw column of `samples` that groups rows.
        by: Option<Ident>,
    },
    /// The rank of each sample's target among candidates, from 1 on; infinite where the target is unknown.
    Ranks {
        /// The rank.
        rank: String,
        /// Places that count.
        k: u32,
        /// What it is ranked among.
        among: Among,
    },
    /// A score and a label of each element of a list.
    Lists {
        /// The score.
        score: String,
        /// The relevance: 0, 1, a grade, or NaN for an element that does not count.
        label: String,
        /// The axis of the list.
        over: String,
        /// How many elements of each sample's whole list have a positive label, where `cut` leaves some of them out.
        whole: Option<String>,
        /// Places that count.
        k: u32,
    },
}

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Share of samples on the right side of 1/2.
    Accuracy,
    /// Area under the ROC curve; ties count half. The score is a logit where the spec gives the sigmoid of one, since
    /// probabilities near 1 are equal in f32 long before their logits are.
    Auc,
    /// The mean over groups of the AUC within, weighted by rows; groups of one class are left out.
    Gauc,
    /// HR at k: the share of targets, or of lists with a relevant element, within the first k places.
    HitRate,
    /// Mean negative log-likelihood of probabilities.
    Logloss,
    /// MAP at k: the mean over lists of the precision at each relevant place.
    Map,
    /// MRR at k: the mean of 1 over the place of the (first) relevant element, 0 behind place k.
    Mrr,
    /// NDCG at k: gains discounted by the logarithm of the place, over the best possible.
    Ndcg,
    /// The share of the first k places that is relevant.
    Precision,
    /// The share of what is relevant that stands in the first k places.
    Recall,
}

/// By name, alphabetical.
const KINDS: &[(&str, MetricKind)] = &[
    ("accuracy", MetricKind::Accuracy),
    ("auc", MetricKind::Auc),
    ("gauc", MetricKind::Gauc),
    ("hr", MetricKind::HitRate),
    ("logloss", MetricKind::Logloss),
    ("map", MetricKind::Map),
    ("mrr", MetricKind::Mrr),
    ("ndcg", MetricKind::Ndcg),
    ("precision", MetricKind::Precision),
    ("recall", MetricKind::Recall),
];

/// Places that count where a spec says nothing.
const K: u32 = 10;

impl MetricKind {
    /// Whether more is better.
    pub fn higher_is_better(self) -> bool {
        self != MetricKind::Logloss
    }

    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether it is of an order and not of each score by itself.
    fn ranks(self) -> bool {
        !matches!(self, MetricKind::Accuracy | MetricKind::Auc | MetricKind::Gauc | MetricKind::Logloss)
    }

    fn slots(self) -> Vec<Slot> {
        let slot = |name: &str, kind, required| Slot {
            name: name.to_owned(),
            kind,
            required,
            named_only: false,
            ..Slot::share()
        };
        let mut slots = vec![slot("score", Kind::Value, true), slot("label", Kind::Any, true)];
        if self == MetricKind::Gauc {
            slots.push(slot("by", Kind::Name, true));
        }
        if self.ranks() {
            slots.push(Slot { default: K.to_string(), ..slot("k", Kind::Count, false) });
            slots.push(slot("seen", Kind::Ids, false));
            slots.push(slot("among", Kind::Ids, false));
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
    /// Ids that are no candidates.
    pub(super) seen: Option<&'e Expr>,
    /// The ids that are candidates, beside the target.
    pub(super) among: Option<&'e Expr>,
    by: Option<Ident>,
    pub(super) k: u32,
}

impl<'e> Parts<'e> {
    /// Its expressions.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &'e Expr> {
        [self.score, self.label].into_iter().chain(self.seen).chain(self.among)
    }
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
    let slots = kind.slots();
    let bound = bind(callee, &slots, args, expr.span)?;
    let part = |name: &str| {
        let at = slots.iter().position(|slot| slot.name == name);
        at.and_then(|at| bound.get(at)).and_then(|args| args.first()).map(|arg| &arg.value)
    };
    let by = match part("by") {
        Some(expr) => match word(expr) {
            Some(name) => Some(Ident { name: name.to_owned(), span: expr.span }),
            None => {
                let finding = Diagnostic::new("E0229", format!("expected a column after `by=`, found `{expr}`"));
                return Err(vec![finding.at(expr.span, "")]);
            }
        },
        None => None,
    };
    let k = match part("k").map(|expr| (&expr.kind, expr)) {
        None => K,
        Some((ExprKind::Number(k), _)) if *k >= 1.0 && k.fract() == 0.0 && *k <= f64::from(u32::MAX) => *k as u32,
        Some((_, expr)) => {
            let finding = Diagnostic::new("E0229", format!("expected a whole number from 1 on, found `{expr}`"));
            return Err(vec![finding.at(expr.span, "")]);
        }
    };
    match (part("score"), part("label")) {
        (Some(score), Some(label)) => {
            Ok(Parts { kind: *kind, score, label, seen: part("seen"), among: part("among"), by, k })
        }
        _ => Err(vec![Diagnostic::new("E0310", "a metric needs a score and a label").at(expr.span, "")]),
    }
}

/// What a metric takes for a prediction, and the metric's place.
pub(super) type Predicted = (ValueId, Span);

/// Evaluates every metric; also gives what they take for predictions.
pub(super) fn metrics(
    spec: &Spec,
    references: &References,
    blame: &mut Blame,
    at: &mut Evaluator,
) -> (Vec<Metric>, Vec<Predicted>) {
    let (mut metrics, mut predicted) = (Vec::new(), Vec::new());
    for entry in &spec.metrics {
        let name = &entry.name.name;
        if !references.is_sound(Section::Metrics, name) {
            continue;
        }
        let Ok(parts) = parts(&entry.value) else { continue };
        at.open(&format!("metric.{name}"));
        let (score, label) = (at.expr(parts.score), at.expr(parts.label));
        let (Ok(score), Ok(label)) = (score, label) else { continue };
        let of = match score {
            Item::Scores(scores) if parts.kind.ranks() => ranking::ranks(name, &parts, scores, label, at),
            score => pairs(spec, name, &parts, (score, label), blame, at),
        };
        if let Ok((of, prediction)) = of {
            metrics.push(Metric { name: name.clone(), kind: parts.kind, of });
            predicted.push((prediction, entry.value.span));
        }
    }
    (metrics, predicted)
}

/// A score for each label, of samples or of the elements of a list.
fn pairs(
    spec: &Spec,
    name: &str,
    parts: &Parts,
    (score, label): (Item, Item),
    blame: &mut Blame,
    at: &mut Evaluator,
) -> Result<(MetricOf, ValueId), Said> {
    for (name, of) in [("seen", parts.seen), ("among", parts.among)] {
        let Some(of) = of else { continue };
        let title = format!("`{name}` is of candidates, found scores of what is given");
        let finding = Diagnostic::new("E0302", title).at(of.span, "");
        return Err(at.say(finding.help("`scores(hidden, movie)` scores every candidate")));
    }
    let score = per_sample(spec, name, parts.score, score, blame, at)?;
    let label = match label {
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
    let list = score_type.space.axes().iter().find_map(|&axis| {
        let name = &graph.axis(axis).name;
        let axis = spec.axes.iter().find(|axis| axis.name.name == *name)?;
        match axis.value.origin {
            AxisOrigin::List { cut, .. } => Some((name.clone(), cut)),
            _ => None,
        }
    });
    if parts.kind.ranks() && list.is_none() {
        let title = format!("`{}` measures an order, and here is one score a sample", parts.kind.name());
        let finding = Diagnostic::new("E0302", title).at(parts.score.span, "");
        let way_out = "it takes `scores(hidden, movie)`, or a score for each element of a list axis";
        return Err(at.say(finding.help(way_out)));
    }
    let logit = graph.producer(score).filter(|node| node.op.name() == "sigmoid").and_then(|node| node.operands.first());
    let score = match (parts.kind, logit) {
        (MetricKind::Logloss, _) | (_, None) => score,
        (_, Some(&logit)) => logit,
    };
    let (score_name, label_name) = (format!("metric.{name}.score"), format!("metric.{name}.label"));
    at.to.output(&score_name, score);
    at.to.output(&label_name, label);
    let of = match list.filter(|_| parts.kind.ranks()) {
        Some((over, cut)) => {
            let whole = if cut { whole(name, label, at) } else { None };
            MetricOf::Lists { score: score_name, label: label_name, over, whole, k: parts.k }
        }
        None => MetricOf::Samples { score: score_name, label: label_name, by: parts.by.clone() },
    };
    Ok((of, score))
}

/// How many positives the whole list of each sample has, as an output.
fn whole(name: &str, label: ValueId, at: &mut Evaluator) -> Option<String> {
    let to = &mut at.to;
    let Def::Input(input) = to.graph().value(label).def else { return None };
    let InputSource::Label { axis: Some(axis), label } = to.graph().input(input).source.clone() else { return None };
    let batch = to.graph().axes().find("B")?;
    let input = format!("{axis}.{label}.positives");
    let source = InputSource::Positives { axis, label };
    let known = to.graph().inputs().find(|(_, known)| known.source == source).map(|(_, known)| known.value);
    let value = known.unwrap_or_else(|| {
        let space = to.graph().axes().close(&[batch]);
        to.input(&input, Type::f32(space, 1), source)
    });
    let output = format!("metric.{name}.whole");
    to.output(&output, value);
    Some(output)
}
