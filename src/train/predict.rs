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
use crate::ir::axis::AxisKind;
use crate::ir::graph::{Graph, Root};
use crate::ir::op::Noise;
use crate::ir::types::Elem;

/// Rows that are scored at a time.
pub(super) const BATCH: usize = 1024;

/// A run's prediction graph with its weights, and what the data section needs to read new rows.
#[derive(Debug)]
pub struct Predictor {
    engine: Engine,
    preparation: Preparation,
    params: Params,
    bundle: Arc<DataBundle>,
    outputs: Vec<Output>,
    /// What its graph reads of other runs.
    inner: Vec<Inner>,
}

/// An output of the graph as columns of scores.
#[derive(Clone, Debug)]
struct Output {
    name: String,
    /// How many stand side by side: its width, once for each element of axes that are everywhere alike.
    width: usize,
    /// The axes that its rows run along.
    axes: Vec<String>,
    /// The table whose rows it names, if it is of places.
    table: Option<String>,
}

/// One score of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Score {
    /// A number.
    Number(f32),
    /// An id, as it is in the data; none that training knew where there were fewer than asked for.
    Id(Option<String>),
}

impl std::fmt::Display for Score {
    /// The shortest text that reads back as the same number, or the id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Score::Number(number) => number.fmt(f),
            Score::Id(id) => f.write_str(id.as_deref().unwrap_or_default()),
        }
    }
}

/// Takes a row: the texts of the columns kept, then the scores.
pub type TakeRow<'a> = &'a mut dyn FnMut(&[Option<String>], &[Score]) -> Result<(), Diagnostic>;

impl Predictor {
    pub(super) fn new(engine: Engine, params: Params, bundle: Arc<DataBundle>, inner: Vec<Inner>) -> Self {
        let graph = engine.graph();
        let outputs = graph.outputs().iter().map(|root| Output::of(graph, root)).collect();
        let preparation = engine.preparation();
        Self { engine, preparation, params, bundle, outputs, inner }
    }

    /// Names of the scores of a row: an output's name, or its name and a number where it is wider than 1.
    pub fn columns(&self) -> Vec<String> {
        let names = |Output { name, width, .. }: &Output| match width {
            1 => vec![name.clone()],
            _ => (0..*width).map(|at| format!("{name}.{at}")).collect(),
        };
        self.outputs.iter().flat_map(names).collect()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.outputs.iter().map(|output| output.width).sum()
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
            let scores = self.scores(feed, list)?;
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

    /// The outputs of a batch as numbers, row by row.
    pub(super) fn values(&mut self, feed: &Feed) -> Result<Vec<f32>, Diagnostic> {
        let number = |score| if let Score::Number(number) = score { number } else { f32::NAN };
        Ok(self.scores(feed, None)?.into_iter().map(number).collect())
    }

    /// The outputs of a batch, a row per sample or per element of an axis that is a list; what a list has one of stands
    /// beside each of its elements.
    fn scores(&mut self, feed: &Feed, list: Option<&str>) -> Result<Vec<Score>, Diagnostic> {
        let noise = Noise::default();
        let prepared = self.preparation.prepare(feed, noise).map_err(step_failed)?;
        let values = self.engine.step(&mut self.params, &prepared, &Schedule::new(), noise).map_err(step_failed)?;
        let offsets = list.and_then(|axis| feed.offsets.get(axis));
        let ends = |sample: usize| match offsets {
            Some(offsets) => offsets.get(sample + 1).map_or(0, |end| *end as usize),
            None => sample + 1,
        };
        let (mut rows, mut row) = (Vec::with_capacity(feed.samples * self.width()), 0);
        for sample in 0..feed.samples {
            for element in row..ends(sample) {
                for Output { name, width, axes, table } in &self.outputs {
                    let along = list.is_some_and(|list| axes.iter().any(|axis| axis == list));
                    let at = if along { element } else { sample } * width;
                    let id = |place: u32| Score::Id(table.as_deref().and_then(|table| self.bundle.id(table, place)));
                    match values.get(name) {
                        Some(Column::F32(numbers)) => {
                            rows.extend(
                                numbers
                                    .get(at..at + width)
                                    .unwrap_or_default()
                                    .iter()
                                    .map(|number| Score::Number(*number)),
                            );
                        }
                        Some(Column::U32(places)) => {
                            let places = places.get(at..at + width).unwrap_or_default();
                            rows.extend(places.iter().map(|&place| id(place)));
                        }
                        None => {}
                    }
                }
            }
            row = ends(sample);
        }
        Ok(rows)
    }
}

impl Output {
    fn of(graph: &Graph, root: &Root) -> Output {
        let ty = graph.ty(root.value);
        let axes = ty.space.axes();
        let fixed: usize = axes.iter().filter_map(|&axis| graph.axes().fixed(axis)).map(|len| len as usize).product();
        let table = match &ty.elem {
            Elem::Index(axis) => match &graph.axis(*axis).kind {
                AxisKind::Rows { table } => Some(table.clone()),
                _ => None,
            },
            _ => None,
        };
        let axes = graph.axes().names(&ty.space).into_iter().map(str::to_owned).collect();
        Output { name: root.name.clone(), width: ty.width as usize * fixed, axes, table }
    }
}

/// Scores of elements of lists, until all are there: the rows of a list need not stand side by side in the file.
#[derive(Default)]
struct Waiting {
    /// Place in the file and number among those that wait.
    places: Vec<(u32, usize)>,
    kept: Vec<Vec<Option<String>>>,
    scores: Vec<Score>,
}

impl Waiting {
    fn put(&mut self, place: u32, kept: &[Option<String>], scores: &[Score]) {
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
