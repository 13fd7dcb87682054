//! Columns of everything that is needed of the rows of a source, written as they are read.
//!
//! Ids are still numbered by first appearance in the whole data, numbers unscaled: what a vocabulary or a scale is can
//! be said only when the train part is known. `encode` turns them into what a batch holds.

mod codebook;
mod evaluate;
mod lists;
mod values;

pub(crate) use codebook::{Codebook, Codebooks};
pub(crate) use evaluate::{Counts, Reading, Task, Wrong};

use std::io;
use std::path::Path;

use super::array::Array;
use super::plan::{Form, Plan};
use super::scratch::Scratch;

/// A feature's values as read. Code 0 is null.
#[derive(Debug)]
pub(crate) enum Raw<C, B, N> {
    /// One id a row.
    Codes(C),
    /// Several ids a row, and where each row's end.
    Bags { ends: B, codes: C },
    /// So many numbers a row, NaN for null.
    Numbers { width: usize, values: N },
}

/// Values being written.
pub(crate) type Writing = Raw<Scratch<u32>, Scratch<u64>, Scratch<f64>>;
/// Values to be read.
pub(crate) type Written = Raw<Array<u32>, Array<u64>, Array<f64>>;

/// The place of a row in no part.
pub(crate) const NO_PART: u8 = 3;

/// What the rows of one source, or of the sources of the samples, give.
pub(crate) struct Rows {
    /// Number of each row in its source.
    pub(crate) rows: Scratch<u32>,
    /// Seconds; empty where there is no time.
    pub(crate) times: Scratch<f64>,
    /// Which part's condition or file a row is of: 0 train, 1 valid, 2 test, 3 none.
    pub(crate) parts: Scratch<u8>,
    /// 1 where downsampling would draw.
    pub(crate) drawn: Scratch<u8>,
    /// Codes of key columns, in the order of the task.
    pub(crate) keys: Vec<Scratch<u32>>,
    /// 1 where a row is an event of an axis, in the order of the task.
    pub(crate) events: Vec<Scratch<u8>>,
    /// Features, in the order of the task.
    pub(crate) features: Vec<Writing>,
    /// Raw numbers that values along an axis need beside the sample's time, in the order of the task.
    pub(crate) numbers: Vec<Scratch<f64>>,
    /// Labels, NaN for null.
    pub(crate) labels: Vec<Scratch<f32>>,
    /// Outcomes, NaN for null.
    pub(crate) outcomes: Vec<Scratch<f32>>,
    /// Elements of list axes, in the order of the task.
    pub(crate) lists: Vec<Elements<Scratch<u64>, Scratch<f64>, Writing>>,
}

/// The elements that rows list.
#[derive(Debug)]
pub(crate) struct Elements<E, T, R> {
    /// How many there are.
    pub(crate) count: u64,
    /// Where each row's elements end.
    pub(crate) ends: E,
    /// Their times; empty where none are listed.
    pub(crate) times: T,
    /// Features along the axis, in the order of the plan.
    pub(crate) features: Vec<R>,
}

/// [`Rows`], complete.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rows: Array<u32>,
    pub(crate) times: Array<f64>,
    pub(crate) parts: Array<u8>,
    pub(crate) drawn: Array<u8>,
    pub(crate) keys: Vec<Array<u32>>,
    pub(crate) events: Vec<Array<u8>>,
    pub(crate) features: Vec<Written>,
    pub(crate) numbers: Vec<Array<f64>>,
    pub(crate) labels: Vec<Array<f32>>,
    pub(crate) outcomes: Vec<Array<f32>>,
    pub(crate) lists: Vec<Elements<Array<u64>, Array<f64>, Written>>,
}

impl Rows {
    /// Empty columns for a task. Long ones move to files in `dir`.
    pub(crate) fn new(plan: &Plan, task: &Task, dir: Option<&Path>) -> Rows {
        let feature =
            |&feature: &usize| writing(&plan.features[feature].form, plan.features[feature].values.len(), dir);
        let lists = |&axis: &usize| Elements {
            count: 0,
            ends: Scratch::new(dir),
            times: Scratch::new(dir),
            features: plan.axes[axis].features.iter().map(feature).collect(),
        };
        let counted = |count: usize| (0..count).map(|_| Scratch::new(dir)).collect();
        Rows {
            rows: Scratch::new(dir),
            times: Scratch::new(dir),
            parts: Scratch::new(dir),
            drawn: Scratch::new(dir),
            keys: task.keys.iter().map(|_| Scratch::new(dir)).collect(),
            events: task.axes.iter().map(|_| Scratch::new(dir)).collect(),
            features: task.features.iter().map(feature).collect(),
            numbers: task.numbers.iter().map(|_| Scratch::new(dir)).collect(),
            labels: counted(if task.labels { plan.samples.labels.len() } else { 0 }),
            outcomes: counted(if task.labels { plan.samples.outcomes.len() } else { 0 }),
            lists: task.lists.iter().map(lists).collect(),
        }
    }

    /// The columns, complete.
    pub(crate) fn finish(self) -> io::Result<Table> {
        Ok(Table {
            rows: self.rows.finish()?,
            times: self.times.finish()?,
            parts: self.parts.finish()?,
            drawn: self.drawn.finish()?,
            keys: self.keys.into_iter().map(Scratch::finish).collect::<io::Result<_>>()?,
            events: self.events.into_iter().map(Scratch::finish).collect::<io::Result<_>>()?,
            features: self.features.into_iter().map(written).collect::<io::Result<_>>()?,
            numbers: self.numbers.into_iter().map(Scratch::finish).collect::<io::Result<_>>()?,
            labels: self.labels.into_iter().map(Scratch::finish).collect::<io::Result<_>>()?,
            outcomes: self.outcomes.into_iter().map(Scratch::finish).collect::<io::Result<_>>()?,
            lists: self.lists.into_iter().map(elements).collect::<io::Result<_>>()?,
        })
    }
}

fn writing(form: &Form, width: usize, dir: Option<&Path>) -> Writing {
    match form {
        Form::Id { .. } => Raw::Codes(Scratch::new(dir)),
        Form::Ids { .. } => Raw::Bags { ends: Scratch::new(dir), codes: Scratch::new(dir) },
        Form::Numbers { .. } | Form::Bucket { .. } => Raw::Numbers { width, values: Scratch::new(dir) },
    }
}

fn written(raw: Writing) -> io::Result<Written> {
    Ok(match raw {
        Raw::Codes(codes) => Raw::Codes(codes.finish()?),
        Raw::Bags { ends, codes } => Raw::Bags { ends: ends.finish()?, codes: codes.finish()? },
        Raw::Numbers { width, values } => Raw::Numbers { width, values: values.finish()? },
    })
}

fn elements(
    elements: Elements<Scratch<u64>, Scratch<f64>, Writing>,
) -> io::Result<Elements<Array<u64>, Array<f64>, Written>> {
    Ok(Elements {
        count: elements.count,
        ends: elements.ends.finish()?,
        times: elements.times.finish()?,
        features: elements.features.into_iter().map(written).collect::<io::Result<_>>()?,
    })
}

/// The half-open range that an array of ends gives a row.
pub(crate) fn range(ends: &[u64], row: usize) -> std::ops::Range<usize> {
    let start = if row == 0 { 0 } else { ends.get(row - 1).copied().unwrap_or(0) };
    let end = ends.get(row).copied().unwrap_or(start);
    start as usize..end as usize
}
