//! Operands of elementwise kernels: matrices that are narrower or shorter than the result, read as if they were repeated.

/// Which row of an operand stands beside row `i` of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rows<'a> {
    /// Row `i`.
    #[default]
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

    /// The part beside entries `from .. from + count` of a result of one column; what is behind a map is fetched into `buffer`.
    #[inline(always)]
    pub(super) fn part<'b>(&self, from: usize, count: usize, buffer: &'b mut [f32; CHUNK]) -> Operand<'b>
    where
        'a: 'b,
    {
        match self.rows {
            Rows::One => *self,
            Rows::All => Operand::all(&self.data[from..from + count], 1),
            Rows::Map(map) => {
                for (to, row) in buffer.iter_mut().zip(&map[from..from + count]) {
                    *to = self.data[*row as usize];
                }
                Operand::all(&buffer[..count], 1)
            }
        }
    }

    /// The operand beside runs of `size` entries.
    #[inline(always)]
    pub(super) fn beside(&self, size: usize, width: usize) -> Beside<'a> {
        match self.rows {
            _ if self.is_scalar() => Beside { data: self.data, step: 0, map: None, splat: true },
            // All operands are dense or scalars: there is one run.
            _ if size != width => Beside { data: self.data, step: 0, map: None, splat: false },
            Rows::All => Beside { data: self.data, step: self.width, map: None, splat: self.width != width },
            Rows::One => Beside { data: self.data, step: 0, map: None, splat: false },
            Rows::Map(map) => Beside { data: self.data, step: self.width, map: Some(map), splat: self.width != width },
        }
    }
}

/// Entries of a column that are taken together.
pub(super) const CHUNK: usize = 64;

/// How a result is walked: in chunks, and each chunk in runs, along which every operand is contiguous or constant.
///
/// One chunk and one run, if all operands are dense or scalars; one chunk and a run per row otherwise. A result of one column is
/// cut into chunks of one run, so that what is behind a map can be fetched first.
pub(super) struct Walk {
    /// Entries of a chunk; the last may be shorter.
    pub(super) chunk: usize,
    /// Entries of a run, if the chunk has as many.
    pub(super) run: usize,
    /// True if operands must be cut to the chunk by `Operand::part`.
    pub(super) fetch: bool,
}

impl Walk {
    pub(super) fn new(operands: &[Operand], len: usize, width: usize) -> Self {
        let whole = len.max(1);
        match width {
            _ if operands.iter().all(|o| o.is_dense(width) || o.is_scalar()) => {
                Walk { chunk: whole, run: whole, fetch: false }
            }
            1 => Walk { chunk: CHUNK, run: CHUNK, fetch: true },
            _ => Walk { chunk: whole, run: width, fetch: false },
        }
    }
}

/// An operand beside the runs of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    data: &'a [f32],
    step: usize,
    map: Option<&'a [u32]>,
    /// One value beside all entries of a run, not a value each.
    pub(super) splat: bool,
}

impl<'a> Beside<'a> {
    #[inline(always)]
    fn at(&self, run: usize) -> usize {
        self.step * self.map.map_or(run, |map| map[run] as usize)
    }

    /// The values beside a run of `size` entries.
    #[inline(always)]
    pub(super) fn values(&self, run: usize, size: usize) -> &'a [f32] {
        &self.data[self.at(run)..][..size]
    }

    /// The value beside all entries of a run.
    #[inline(always)]
    pub(super) fn value(&self, run: usize) -> f32 {
        self.data[self.at(run)]
    }

    /// Either of them.
    #[inline(always)]
    pub(super) fn source(&self, run: usize, size: usize) -> Source<'a> {
        if self.splat { Source::Splat(self.value(run)) } else { Source::Values(self.values(run, size)) }
    }
}

/// What stands beside a run.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// A value beside each entry.
    Values(&'a [f32]),
    /// The same value beside all.
    Splat(f32),
}
