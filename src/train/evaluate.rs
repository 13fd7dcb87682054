//! Scores a part of the data and measures it.

use std::collections::BTreeMap;

use crate::data::{Dataset, Order};
use crate::diag::Diagnostic;
use crate::exec::candle::Schedule;
use crate::exec::feed::Column;
use crate::ir::op::Noise;
use crate::lower::{Metric, MetricKind};
use crate::syntax::spec::Part;

use super::engine::{Engine, Params};
use super::metric::{self, Measured, Scored};
use super::step_failed;

/// What a part came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Samples.
    pub samples: u64,
    /// The mean of the sum of the losses.
    pub loss: f64,
    /// Metrics in the order of the spec.
    pub metrics: Vec<(String, Measured)>,
}

impl Evaluation {
    /// The value of a metric, or `loss`.
    pub fn value(&self, name: &str) -> Option<f64> {
        if name == "loss" {
            return Some(self.loss);
        }
        self.metrics.iter().find(|(known, _)| known == name).and_then(|(_, measured)| measured.value)
    }
}

/// Computes losses and metrics of a part, in its stored order.
///
/// # Errors
/// Data that cannot be read, or a step that fails.
pub fn evaluate(
    engine: &mut Engine,
    params: &mut Params,
    dataset: &Dataset,
    metrics: &[Metric],
    part: Part,
    batch_size: usize,
) -> Result<Evaluation, Diagnostic> {
    let preparation = engine.preparation();
    let mut columns: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut groups: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let (mut samples, mut loss) = (0u64, 0.0f64);
    let noise = Noise::default();
    for batch in dataset.batches(part, batch_size, Order::Sequential, 0) {
        let batch = batch?;
        let prepared = preparation.prepare(&batch.feed, noise).map_err(step_failed)?;
        let outputs = engine.step(params, &prepared, &Schedule::new(), noise).map_err(step_failed)?;
        let count = batch.feed.samples as u64;
        samples += count;
        for root in engine.graph().losses() {
            if let Some(Column::F32(values)) = outputs.get(&root.name) {
                loss += f64::from(values.first().copied().unwrap_or(0.0)) * count as f64;
            }
        }
        for root in engine.graph().outputs() {
            if let Some(Column::F32(values)) = outputs.get(&root.name) {
                columns.entry(root.name.clone()).or_default().extend(values);
            }
        }
        for (column, keys) in batch.keys {
            groups.entry(column).or_default().extend(keys);
        }
    }
    let none = Vec::new();
    let measured = metrics.iter().map(|metric| {
        let column = |name: &str| columns.get(name).map(Vec::as_slice).unwrap_or_default();
        let keys = metric.by.as_ref().and_then(|by| groups.get(&by.name)).unwrap_or(&none);
        (metric.name.clone(), measure(metric.kind, column(&metric.score), column(&metric.label), keys))
    });
    Ok(Evaluation { samples, loss: loss / samples.max(1) as f64, metrics: measured.collect() })
}

fn measure(kind: MetricKind, scores: &[f32], labels: &[f32], groups: &[u32]) -> Measured {
    let name = match kind {
        MetricKind::Auc => "auc",
        MetricKind::Gauc => "gauc",
        MetricKind::Logloss => "logloss",
    };
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
