//! Batches made ready for a graph on another thread, while the step before them runs.

use std::collections::BTreeMap;
use std::time::Instant;

use super::engine::Preparation;
use super::failure::step_failed;
use crate::data::{Ahead, Batch, Batches};
use crate::diag::Diagnostic;
use crate::exec::prologue::Prepared;
use crate::ir::op::Noise;

/// A batch that waits for its step.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) prepared: Prepared,
    pub(super) samples: usize,
    /// What metrics group samples by, by column.
    pub(super) keys: BTreeMap<String, Vec<u32>>,
    /// The address of its noise; its step is that of the batch.
    pub(super) noise: Noise,
    /// When its preparation began and ended.
    pub(super) time: (Instant, Instant),
}

impl Ready {
    pub(super) fn new(preparation: &Preparation, batch: Batch, noise: Noise) -> Result<Self, Diagnostic> {
        let start = Instant::now();
        let prepared = preparation.prepare(&batch.feed, noise).map_err(step_failed)?;
        let time = (start, Instant::now());
        Ok(Self { prepared, samples: batch.feed.samples, keys: batch.keys, noise, time })
    }
}

/// Makes batches ready, the first one for the step of `noise`, the next one for the step after it. Without `count_steps`
/// all of them are of that step, as in evaluation, which draws nothing.
pub(super) fn ahead(batches: Batches, preparation: Preparation, noise: Noise, count_steps: bool) -> Ahead<Ready> {
    Ahead::of(move |send| {
        for (at, batch) in (0..).zip(batches) {
            let noise = if count_steps { Noise { step: noise.step + at, ..noise } } else { noise };
            let ready = batch.and_then(|batch| Ready::new(&preparation, batch, noise));
            if !send(ready) {
                return;
            }
        }
    })
}
