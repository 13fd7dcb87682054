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
        let mut waiting = Waiting::default();
        for raw in batches {
            let mut raw = raw?;
            let feed = &mut raw.batch.feed;
            fill(&mut streams, feed, raw.elements.as_ref().map(|(_, places)| places.as_slice()))?;
            let list = raw.elements.as_ref().map(|(axis, _)| axis.as_str());
            let scores = self.list_values(feed, list)?;
            for (row, scores) in scores.chunks_exact(width.max(1)).enumerate() {
                kept.clear();
                kept.extend(raw.kept.iter().map(|column| column.get(row).cloned().flatten()));
                match raw.elements.as_ref().and_then(|(_, elements)| elements.get(row)) {
                    Some(&place) => waiting.put(place, &kept, scores),
                    None => take(&kept, scores)?,
                }
                count += 1;
            }
        }
        waiting.take(width, take)?;
        Ok(count)
    }

    /// The outputs of a batch, row by row.
    pub(super) fn values(&mut self, feed: &Feed) -> Result<Vec<f32>, Diagnostic> {
        self.list_values(feed, None)
    }

    /// The outputs of a batch, a row per sample or per element of an axis that is a list; what a list has one of stands
    /// beside each of its elements.
    fn list_values(&mut self, feed: &Feed, list: Option<&str>) -> Result<Vec<f32>, Diagnostic> {
        let noise = Noise::default();
        let prepared = self.preparation.prepare(feed, noise).map_err(step_failed)?;
        let values = self.engine.step(&mut self.params, &prepared, &Schedule::new(), noise).map_err(step_failed)?;
        let offsets = list.and_then(|axis| feed.offsets.get(axis));
        let ends = |sample: usize| match offsets {
            Some(offsets) => offsets.get(sample + 1).map_or(0, |end| *end as usize),
            None => sample + 1,
        };
        let graph = self.engine.graph();
        let along = |name: &str| {
            let root = graph.outputs().iter().find(|root| root.name == name);
            root.is_some_and(|root| {
                graph.axes().names(&graph.ty(root.value).space).iter().any(|axis| Some(*axis) == list)
            })
        };
        let along: Vec<bool> = self.outputs.iter().map(|(name, _)| along(name)).collect();
        let (mut rows, mut row) = (Vec::with_capacity(feed.samples * self.width()), 0);
        for sample in 0..feed.samples {
            for element in row..ends(sample) {
                for ((name, width), along) in self.outputs.iter().zip(&along) {
                    let Some(Column::F32(column)) = values.get(name) else { continue };
                    let at = if *along { element } else { sample };
                    rows.extend_from_slice(column.get(at * width..(at + 1) * width).unwrap_or_default());
                }
            }
            row = ends(sample);
        }
        Ok(rows)
    }
}

/// Scores of elements of lists, until all are there: the rows of a list need not stand side by side in the file.
#[derive(Default)]
struct Waiting {
    /// Place in the file and number among those that wait.
    places: Vec<(u32, usize)>,
    kept: Vec<Vec<Option<String>>>,
    scores: Vec<f32>,
}

impl Waiting {
    fn put(&mut self, place: u32, kept: &[Option<String>], scores: &[f32]) {
        self.places.push((place, self.places.len()));
        self.kept.push(kept.to_vec());
        self.scores.extend_from_slice(scores);
    }

    /// Hands them over in the order of the file.
    fn take(mut self, width: usize, take: TakeRow) -> Result<(), Diagnostic> {
        self.places.sort_unstable();
        for (_, at) in self.places {
            take(&self.kept[at], self.scores.get(at * width..(at + 1) * width).unwrap_or_default())?;
        }
        Ok(())
    }
}
