//! Scores raw rows: one row of scores per row of a file, in order.

use std::path::Path;
use std::sync::Arc;

use super::engine::{Engine, Params, Preparation};
use super::failure::step_failed;
use super::inner::{Inner, Stream, fill};
use crate::data::{DataBundle, RawBatches, predict_rows};
use crate::diag::{Diagnostic, Diags};
use crate::exec::candle::Schedule;
use crate::exec::feed::{Column, Feed};
use crate::ir::op::Noise;

/// Rows that are scored at a time.
pub(super) const BATCH: usize = 1024;

/// A run's prediction graph with its weights, and what the data section needs to read new rows.
#[derive(Debug)]
pub struct Predictor {
    engine: Engine,
    preparation: Preparation,
    params: Params,
    bundle: Arc<DataBundle>,
    /// Name and width of every output.
    outputs: Vec<(String, usize)>,
    /// What its graph reads of other runs.
    inner: Vec<Inner>,
}

/// Takes a row: the texts of the columns kept, then the scores.
pub type TakeRow<'a> = &'a mut dyn FnMut(&[Option<String>], &[f32]) -> Result<(), Diagnostic>;

impl Predictor {
    pub(super) fn new(engine: Engine, params: Params, bundle: Arc<DataBundle>, inner: Vec<Inner>) -> Self {
        let graph = engine.graph();
        let width = |root: &crate::ir::graph::Root| graph.ty(root.value).width as usize;
        let outputs = graph.outputs().iter().map(|root| (root.name.clone(), width(root))).collect();
        let preparation = engine.preparation();
        Self { engine, preparation, params, bundle, outputs, inner }
    }

    /// Names of the scores of a row: an output's name, or its name and a number where it is wider than 1.
    pub fn columns(&self) -> Vec<String> {
        let names = |(name, width): &(String, usize)| match width {
            1 => vec![name.clone()],
            _ => (0..*width).map(|at| format!("{name}.{at}")).collect(),
        };
        self.outputs.iter().flat_map(names).collect()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.outputs.iter().map(|(_, width)| width).sum()
    }

    pub(super) fn bundle(&self) -> &Arc<DataBundle> {
        &self.bundle
    }

    /// Scores the rows of a file in the format of the samples' source; labels may be absent. Gives how many there were.
    /// None, with findings, if the file lacks a column, a row is broken, or `take` fails.
    pub fn score(&mut self, input: &Path, keep: &[String], take: TakeRow, diags: &mut Diags) -> Option<u64> {
        let batches = predict_rows(&self.bundle, input, BATCH, keep, diags)?;
        self.scored(batches, input, take).map_err(|finding| diags.push(finding)).ok()
    }

    fn scored(&mut self, batches: RawBatches, input: &Path, take: TakeRow) -> Result<u64, Diagnostic> {
        let width = self.width();
        // Taken out, so that they can be read while the rest of `self` computes.
        let mut inner = std::mem::take(&mut self.inner);
        let streams = Inner::streams(&mut inner, &self.bundle, input);
        let scored = streams.and_then(|streams| self.rows(batches, streams, width, take));
        self.inner = inner;
        scored
    }

    fn rows(
        &mut self,
        batches: RawBatches,
        mut streams: Vec<Stream>,
        width: usize,
        take: TakeRow,
    ) -> Result<u64, Diagnostic> {
        let (mut count, mut kept) = (0, Vec::new());
        for raw in batches {
            let mut raw = raw?;
            let feed = &mut raw.batch.feed;
            fill(&mut streams, feed)?;
            let scores = self.values(feed)?;
            for (row, scores) in scores.chunks_exact(width.max(1)).enumerate() {
                kept.clear();
                kept.extend(raw.kept.iter().map(|column| column.get(row).cloned().flatten()));
                take(&kept, scores)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The outputs of a batch, row by row.
    pub(super) fn values(&mut self, feed: &Feed) -> Result<Vec<f32>, Diagnostic> {
        let noise = Noise::default();
        let prepared = self.preparation.prepare(feed, noise).map_err(step_failed)?;
        let values = self.engine.step(&mut self.params, &prepared, &Schedule::new(), noise).map_err(step_failed)?;
        let mut rows = Vec::with_capacity(feed.samples * self.width());
        for row in 0..feed.samples {
            for (name, width) in &self.outputs {
                let Some(Column::F32(column)) = values.get(name) else { continue };
                rows.extend_from_slice(column.get(row * width..(row + 1) * width).unwrap_or_default());
            }
        }
        Ok(rows)
    }
}
