//! Scores a part of the data and measures it.

use std::collections::{BTreeMap, BTreeSet};

use super::ahead::{Ready, ahead};
use super::engine::{Engine, Params};
use super::failure::explain;
use super::metric::{self, Measured, Scored};
use super::order::{self, Lists};
use crate::data::{Batch, Dataset, Order};
use crate::diag::Diagnostic;
use crate::exec::candle::Schedule;
use crate::exec::feed::Column;
use crate::ir::op::Noise;
use crate::lower::{Metric, MetricKind, MetricOf};
use crate::syntax::spec::Part;

/// What a part came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Samples.
    pub samples: u64,
    /// The sum of the losses: of each the mean over batches, weighted by their samples.
    pub loss: f64,
    /// Metrics in the order of the spec.
    pub metrics: Vec<(String, Measured)>,
}

impl Evaluation {
    /// The value of a metric, or `loss`.
    pub fn value(&self, name: &str) -> Option<f64> {
        let metric = self.metrics.iter().find(|(known, _)| known == name);
        match metric {
            Some((_, measured)) => measured.value,
            None => (name == "loss").then_some(self.loss),
        }
    }
}

/// What is measured, and on what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The data.
    pub dataset: &'a Dataset,
    /// Metrics of the spec.
    pub metrics: &'a [Metric],
    /// The part.
    pub part: Part,
    /// Samples at a time.
    pub batch: usize,
}

/// Computes losses and metrics of a part, in its stored order; none if `stop` says so before the end.
///
/// # Errors
/// Data that cannot be read, or a step that fails.
pub fn evaluate(
    engine: &mut Engine,
    params: &mut Params,
    subject: Subject,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Evaluation>, Diagnostic> {
    let Subject { dataset, metrics, part, batch } = subject;
    let mut tally = Tally::default();
    let batches = dataset.batches(part, batch, Order::Sequential, 0);
    for ready in ahead(batches, engine.preparation(), Noise::default(), false) {
        let ready = ready?;
        if stop() {
            return Ok(None);
        }
        tally.add(engine, params, ready, metrics, &format!("in {}", name(part)))?;
    }
    let expected = dataset.len(part) as u64;
    if tally.samples < expected {
        let title = format!("{} of {expected} samples of {} were read", tally.samples, name(part));
        return Err(Diagnostic::new("E0621", title).note("the thread that builds batches ended early"));
    }
    Ok(Some(tally.measured(metrics)))
}

/// Computes losses and metrics of batches that come from elsewhere.
///
/// # Errors
/// As [`evaluate`].
pub(super) fn evaluate_batches(
    engine: &mut Engine,
    params: &mut Params,
    metrics: &[Metric],
    batches: impl Iterator<Item = Result<Batch, Diagnostic>>,
) -> Result<Evaluation, Diagnostic> {
    let mut tally = Tally::default();
    let (preparation, noise) = (engine.preparation(), Noise::default());
    for batch in batches {
        let batch = batch?;
        let ready = Ready::new(&preparation, batch, noise)?;
        tally.add(engine, params, ready, metrics, "in the rows")?;
    }
    Ok(tally.measured(metrics))
}

/// What batches have come to so far.
#[derive(Default)]
struct Tally {
    columns: BTreeMap<String, Vec<f32>>,
    groups: BTreeMap<String, Vec<u32>>,
    lengths: BTreeMap<String, Vec<u32>>,
    samples: u64,
    loss: f64,
}

impl Tally {
    fn add(
        &mut self,
        engine: &mut Engine,
        params: &mut Params,
        ready: Ready,
        metrics: &[Metric],
        when: &str,
    ) -> Result<(), Diagnostic> {
        let schedule = Schedule::new();
        let outputs = match engine.step(params, &ready.prepared, &schedule, ready.noise) {
            Ok(outputs) => outputs,
            Err(error) => return Err(explain(error, engine, params, (&ready.prepared, &schedule, ready.noise), when)),
        };
        self.samples += ready.samples as u64;
        for root in engine.graph().losses() {
            if let Some(Column::F32(values)) = outputs.get(&root.name) {
                self.loss += f64::from(values.first().copied().unwrap_or(0.0)) * ready.samples as f64;
            }
        }
        for root in engine.graph().outputs() {
            if let Some(Column::F32(values)) = outputs.get(&root.name) {
                self.columns.entry(root.name.clone()).or_default().extend(values);
            }
        }
        for over in lists_of(metrics) {
            if let Some(axis) = engine.graph().axes().find(over) {
                let offsets = ready.prepared.rows.offsets(axis);
                let lengths = self.lengths.entry(over.to_owned()).or_default();
                lengths.extend(offsets.windows(2).map(|ends| ends[1] - ends[0]));
            }
        }
        for (column, keys) in ready.keys {
            self.groups.entry(column).or_default().extend(keys);
        }
        Ok(())
    }

    fn measured(self, metrics: &[Metric]) -> Evaluation {
        let Self { columns, groups, lengths, samples, loss } = self;
        let measured = metrics.iter().map(|metric| {
            let column = |name: &str| columns.get(name).map(Vec::as_slice).unwrap_or_default();
            let measured = match &metric.of {
                MetricOf::Samples { score, label, by } => {
                    let keys = by.as_ref().and_then(|by| groups.get(&by.name)).map(Vec::as_slice).unwrap_or_default();
                    measure(metric.kind, column(score), column(label), keys)
                }
                MetricOf::Ranks { rank, k, .. } => order::of_ranks(metric.kind, column(rank), *k),
                MetricOf::Lists { score, label, over, whole, k } => {
                    let lengths = lengths.get(over).map(Vec::as_slice).unwrap_or_default();
                    let whole = whole.as_deref().map(column);
                    let lists = Lists { scores: column(score), labels: column(label), lengths, whole };
                    order::of_lists(metric.kind, &lists, *k)
                }
            };
            (metric.name.clone(), measured)
        });
        Evaluation { samples, loss: loss / samples.max(1) as f64, metrics: measured.collect() }
    }
}

/// The axes of lists that metrics measure, each once.
fn lists_of(metrics: &[Metric]) -> BTreeSet<&str> {
    metrics
        .iter()
        .filter_map(|metric| match &metric.of {
            MetricOf::Lists { over, .. } => Some(over.as_str()),
            _ => None,
        })
        .collect()
}

/// A part as results call it.
pub fn name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "valid",
        Part::Test => "test",
    }
}

fn measure(kind: MetricKind, scores: &[f32], labels: &[f32], groups: &[u32]) -> Measured {
    let name = kind.name();
    let logits: Vec<f32>;
    let logits = if kind == MetricKind::Logloss {
        // A spec gives logloss a probability; the measure takes logits.
        // A probability that f32 rounds to 0 or 1 counts as 1e-15 away from it, as in scikit-learn.
        let logit = |p: f64| (p / (1.0 - p)).ln() as f32;
        logits = scores.iter().map(|&p| logit(f64::from(p).clamp(1e-15, 1.0 - 1e-15))).collect();
        &logits
    } else {
        scores
    };
    match metric::find(name) {
        Some(metric) => (metric.measure)(Scored { logits, labels, groups }),
        None => Measured { value: None, note: Some(format!("no metric `{name}`")) },
    }
}
