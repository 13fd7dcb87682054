//! Scores raw rows: one row of scores per row of a file, in order.

use std::path::Path;
use std::sync::Arc;

use super::engine::{Engine, Params};
use super::failure::step_failed;
use crate::data::{DataBundle, RawBatches, predict_rows};
use crate::diag::{Diagnostic, Diags};
use crate::exec::candle::Schedule;
use crate::exec::feed::Column;
use crate::ir::op::Noise;

/// Rows that are scored at a time.
const BATCH: usize = 1024;

/// A run's prediction graph with its weights, and what the data section needs to read new rows.
#[derive(Debug)]
pub struct Predictor {
    engine: Engine,
    params: Params,
    bundle: Arc<DataBundle>,
    /// Name and width of every output.
    outputs: Vec<(String, usize)>,
}

/// Takes a row: the texts of the columns kept, then the scores.
pub type TakeRow<'a> = &'a mut dyn FnMut(&[Option<String>], &[f32]) -> Result<(), Diagnostic>;

impl Predictor {
    pub(super) fn new(engine: Engine, params: Params, bundle: Arc<DataBundle>) -> Self {
        let graph = engine.graph();
        let width = |root: &crate::ir::graph::Root| graph.ty(root.value).width as usize;
        let outputs = graph.outputs().iter().map(|root| (root.name.clone(), width(root))).collect();
        Self { engine, params, bundle, outputs }
    }

    /// Names of the scores of a row: an output's name, or its name and a number where it is wider than 1.
    pub fn columns(&self) -> Vec<String> {
        let names = |(name, width): &(String, usize)| match width {
            1 => vec![name.clone()],
            _ => (0..*width).map(|at| format!("{name}.{at}")).collect(),
        };
        self.outputs.iter().flat_map(names).collect()
    }

    /// Scores the rows of a file in the format of the samples' source; labels may be absent. Gives how many there were.
    /// None, with findings, if the file lacks a column, a row is broken, or `take` fails.
    pub fn score(&mut self, input: &Path, keep: &[String], take: TakeRow, diags: &mut Diags) -> Option<u64> {
        let batches = predict_rows(&self.bundle, input, BATCH, keep, diags)?;
        self.scored(batches, take).map_err(|finding| diags.push(finding)).ok()
    }

    fn scored(&mut self, batches: RawBatches, take: TakeRow) -> Result<u64, Diagnostic> {
        let preparation = self.engine.preparation();
        let (noise, schedule) = (Noise::default(), Schedule::new());
        let (mut count, mut kept, mut scores) = (0, Vec::new(), Vec::new());
        for raw in batches {
            let raw = raw?;
            let prepared = preparation.prepare(&raw.batch.feed, noise).map_err(step_failed)?;
            let values = self.engine.step(&mut self.params, &prepared, &schedule, noise).map_err(step_failed)?;
            for row in 0..raw.batch.feed.samples {
                kept.clear();
                kept.extend(raw.kept.iter().map(|column| column.get(row).cloned().flatten()));
                scores.clear();
                for (name, width) in &self.outputs {
                    let Some(Column::F32(column)) = values.get(name) else { continue };
                    scores.extend(column.get(row * width..(row + 1) * width).unwrap_or_default());
                }
                take(&kept, &scores)?;
                count += 1;
            }
        }
        Ok(count)
    }
}
