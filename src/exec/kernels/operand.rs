//! Operands of elementwise kernels: matrices that are narrower or shorter than the result, read as if they were repeated.

use std::ops::Range;

/// Which row of an operand stands beside row `i` of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rows<'a> {
    /// Row `i`.
    All,
    /// The only row, in every row: parameters, batch statistics, constants.
    One,
    /// Row `map[i]`: a value of the parent space, such as the sample of an event.
    Map(&'a [u32]),
}

/// A row-major matrix read beside a result of `width` columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand<'a> {
    /// Row-major values.
    pub data: &'a [f32],
    /// 1 (the value is repeated over the row) or the width of the result.
    pub width: usize,
    /// Which row is read.
    pub rows: Rows<'a>,
}

impl<'a> Operand<'a> {
    /// A row per row of the result.
    pub fn all(data: &'a [f32], width: usize) -> Self {
        Operand { data, width, rows: Rows::All }
    }

    /// One row for all rows: a vector as wide as the result, or a single number.
    pub fn one(data: &'a [f32]) -> Self {
        Operand { data, width: data.len(), rows: Rows::One }
    }

    /// Row `map[i]` beside row `i`.
    pub fn mapped(data: &'a [f32], width: usize, map: &'a [u32]) -> Self {
        Operand { data, width, rows: Rows::Map(map) }
    }

    /// Panics unless the operand has all rows that a result of `rows x width` reads.
    pub(super) fn check(&self, rows: usize, width: usize) {
        assert!(self.width == width || self.width == 1, "operand: width {} beside {width}", self.width);
        let enough = match self.rows {
            Rows::All => self.data.len() >= rows * self.width,
            Rows::One => rows == 0 || self.data.len() >= self.width,
            Rows::Map(map) => map.len() >= rows,
        };
        assert!(enough, "operand: too few rows");
    }

    /// True if entry `at` of the row-major result stands beside entry `at` of the operand.
    fn is_dense(&self, width: usize) -> bool {
        self.rows == Rows::All && self.width == width
    }

    /// True if one number stands beside every entry.
    fn is_scalar(&self) -> bool {
        self.rows == Rows::One && self.width == 1
    }

    /// What stands beside the run `range`; a column behind a map is fetched into `buffer`.
    #[inline(always)]
    fn source<'b>(&self, runs: Runs, range: &Range<usize>, width: usize, buffer: &'b mut [f32; CHUNK]) -> Source<'b>
    where
        'a: 'b,
    {
        match (runs, self.rows) {
            (Runs::Flat | Runs::Chunks, Rows::One) => Source::Splat(self.data[0]),
            (Runs::Flat | Runs::Chunks, Rows::All) => Source::Values(&self.data[range.clone()]),
            (Runs::Flat | Runs::Chunks, Rows::Map(map)) => {
                for (to, row) in buffer.iter_mut().zip(&map[range.clone()]) {
                    *to = self.data[*row as usize];
                }
                Source::Values(&buffer[..range.len()])
            }
            (Runs::Rows, rows) => {
                let i = match rows {
                    Rows::All => range.start / width,
                    Rows::One => 0,
                    Rows::Map(map) => map[range.start / width] as usize,
                };
                if self.width == 1 {
                    Source::Splat(self.data[i])
                } else {
                    Source::Values(&self.data[i * self.width..][..self.width])
                }
            }
        }
    }
}

/// What stands beside a run of the result.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// A value per entry.
    Values(&'a [f32]),
    /// The same value beside each.
    Splat(f32),
    /// The result itself, before it is written.
    Target,
}

/// How a result is cut into runs along which every operand is contiguous or constant.
#[derive(Clone, Copy)]
enum Runs {
    /// One run: all operands are dense or scalars.
    Flat,
    /// Many rows of one column each.
    Chunks,
    /// A row each.
    Rows,
}

/// Rows of one column that are taken together.
const CHUNK: usize = 64;

/// Calls `each` for every run of a result of `len / width` rows, with the operands' parts (`None` is the result itself) and the
/// result's range.
#[inline(always)]
pub(super) fn for_each_run<const N: usize>(
    operands: [Option<Operand>; N],
    len: usize,
    width: usize,
    mut each: impl FnMut([Source; N], Range<usize>),
) {
    let flat = operands.iter().flatten().all(|o| o.is_dense(width) || o.is_scalar());
    let (runs, size) = match width {
        _ if flat => (Runs::Flat, len),
        1 => (Runs::Chunks, CHUNK),
        _ => (Runs::Rows, width),
    };
    let mut buffers = [[0.0; CHUNK]; N];
    let mut from = 0;
    // `each` is a kernel: one call site keeps one copy of it.
    while from < len {
        let range = from..len.min(from + size);
        let mut sources = [Source::Target; N];
        for ((source, operand), buffer) in sources.iter_mut().zip(&operands).zip(&mut buffers) {
            if let Some(operand) = operand {
                *source = operand.source(runs, &range, width, buffer);
            }
        }
        from = range.end;
        each(sources, range);
    }
}
