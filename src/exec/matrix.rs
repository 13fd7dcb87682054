//! One parameter: its numbers, and of a table which rows hold their first values yet.

use std::borrow::Cow;
use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::init::First;
use super::memory::Memory;
use super::row_set::{RowSet, WORD};

/// Rows that a thread draws at a time.
const ROWS: usize = 64;

/// Numbers (64 MiB) above which a table that was drawn in part is not drawn in full without need.
const LARGE: usize = 1 << 24;

/// One parameter, row-major.
///
/// A row of a table gets its first values when a step first reads it, so a table takes as much memory as the rows that
/// were read. Who asks for [`numbers`](Self::numbers) sees no difference.
#[derive(Debug)]
pub struct Matrix {
    rows: usize,
    width: usize,
    /// Zeros where a row is not drawn.
    numbers: Memory,
    /// None if every row is drawn.
    undrawn: Option<Undrawn>,
}

/// What the rows of a table are that no step has read.
#[derive(Clone, Debug)]
struct Undrawn {
    first: First,
    drawn: RowSet,
}

impl Matrix {
    /// Of `rows * width` numbers.
    pub fn new(rows: usize, width: usize, numbers: Vec<f32>) -> Self {
        Self { rows, width, numbers: Memory::Own(numbers), undrawn: None }
    }

    /// First values.
    pub fn first(rows: usize, width: usize, first: &First) -> Self {
        let mut numbers = vec![0.0; rows * width];
        first.fill([rows, width], 0, &mut numbers);
        Self::new(rows, width, numbers)
    }

    /// First values, a row of which is drawn when it is read.
    pub fn by_row(rows: usize, width: usize, first: First) -> Self {
        let undrawn = (rows > 0).then(|| Undrawn { first, drawn: RowSet::new(rows) });
        Self { rows, width, numbers: Memory::zeros(rows * width), undrawn }
    }

    /// A table of which some rows, `ids`, hold these numbers, and the others what they held at first; none if the ids do not
    /// rise, or do not fit.
    pub fn in_part(rows: usize, width: usize, first: First, ids: &[u32], numbers: &[f32]) -> Option<Self> {
        let fit = ids.is_sorted_by(|a, b| a < b) && ids.last().is_none_or(|&last| (last as usize) < rows);
        if !fit || numbers.len() != ids.len() * width {
            return None;
        }
        let mut matrix = Self::by_row(rows, width, first);
        for (&row, own) in ids.iter().zip(numbers.chunks_exact(width.max(1))) {
            matrix.numbers[row as usize * width..][..width].copy_from_slice(own);
        }
        matrix.mark(ids);
        Some(matrix)
    }

    /// Rows: `rows(space) * height`.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers. Rows that are not drawn yet are drawn in a copy of the table.
    pub fn numbers(&self) -> Cow<'_, [f32]> {
        let Some(undrawn) = &self.undrawn else { return Cow::Borrowed(&self.numbers) };
        let mut numbers = self.numbers.to_vec();
        undrawn.draw_rest([self.rows, self.width], &mut numbers);
        Cow::Owned(numbers)
    }

    /// All numbers, to be changed in place; draws every row.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        self.draw_all();
        &mut self.numbers
    }

    /// Where the rows come from that are not drawn yet, if the table is large and there are such rows: then it is better not
    /// asked for all its numbers.
    pub fn rest(&self) -> Option<&First> {
        let undrawn = self.undrawn.as_ref().filter(|_| self.numbers.len() > LARGE);
        undrawn.map(|undrawn| &undrawn.first)
    }

    /// Rows that are drawn with their numbers, in runs that rise; all of them unless the table is drawn in part.
    pub fn drawn(&self) -> impl Iterator<Item = (Range<usize>, &[f32])> {
        let runs = self.undrawn.iter().flat_map(|undrawn| undrawn.drawn.runs());
        let all = self.undrawn.is_none().then_some(0..self.rows);
        runs.chain(all).map(|rows| (rows.clone(), &self.numbers[rows.start * self.width..rows.end * self.width]))
    }

    /// The memory as it is, zeros where a row is not drawn.
    pub(super) fn memory(&self) -> &[f32] {
        &self.numbers
    }

    /// The same, to be changed where rows are drawn.
    pub(super) fn memory_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// Those of some rows that are not drawn.
    pub(super) fn missing(&self, rows: &[u32]) -> Vec<u32> {
        let Some(undrawn) = &self.undrawn else { return Vec::new() };
        rows.iter().copied().filter(|&row| !undrawn.drawn.contains(row)).collect()
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.undrawn.is_none()
    }

    /// Draws rows that are missing; they rise.
    pub(super) fn draw(&mut self, missing: &[u32]) {
        let Some(Undrawn { first, .. }) = &self.undrawn else { return };
        let (shape, width) = ([self.rows, self.width], self.width);
        let (mut rest, mut base) = (&mut self.numbers[..], 0);
        let mut parts = Vec::with_capacity(missing.len());
        for &row in missing {
            let row = row as usize;
            let (own, left) = rest[(row - base) * width..].split_at_mut(width);
            parts.push((row * width, own));
            (rest, base) = (left, row + 1);
        }
        let parts = parts.into_par_iter().with_min_len(ROWS);
        parts.for_each(|(from, own)| first.fill(shape, from, own));
        self.mark(missing);
    }

    /// Draws every row that is missing.
    pub(super) fn draw_all(&mut self) {
        if let Some(undrawn) = self.undrawn.take() {
            undrawn.draw_rest([self.rows, self.width], &mut self.numbers);
        }
    }

    fn mark(&mut self, rows: &[u32]) {
        if let Some(Undrawn { drawn, .. }) = &mut self.undrawn {
            for &row in rows {
                drawn.insert(row);
            }
            if drawn.is_full() {
                self.undrawn = None;
            }
        }
    }
}

impl Undrawn {
    /// Writes the rows that are not drawn.
    fn draw_rest(&self, shape: [usize; 2], numbers: &mut [f32]) {
        let width = shape[1].max(1);
        let words = self.drawn.words().par_iter();
        numbers.par_chunks_mut(WORD * width).zip(words).enumerate().for_each(|(at, (numbers, word))| {
            let rows = numbers.chunks_exact_mut(width).enumerate();
            for (i, row) in rows.filter(|(i, _)| word >> i & 1 == 0) {
                self.first.fill(shape, (at * WORD + i) * width, row);
            }
        });
    }
}

impl Clone for Matrix {
    /// Copies rows that are drawn: in a copy of the whole memory every page would be one that takes room.
    fn clone(&self) -> Self {
        let numbers = match self.undrawn {
            None => Memory::Own(self.numbers.to_vec()),
            Some(_) => {
                let mut numbers = Memory::zeros(self.numbers.len());
                for (rows, own) in self.drawn() {
                    numbers[rows.start * self.width..rows.end * self.width].copy_from_slice(own);
                }
                numbers
            }
        };
        Self { rows: self.rows, width: self.width, numbers, undrawn: self.undrawn.clone() }
    }
}

impl PartialEq for Matrix {
    fn eq(&self, other: &Self) -> bool {
        (self.rows, self.width) == (other.rows, other.width) && self.numbers() == other.numbers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::graph::Init;

    const WIDTH: usize = 3;
    const INITS: [Init; 5] = [
        Init::Constant(0.5),
        Init::Normal { std: 0.1 },
        Init::TruncatedNormal { std: 0.1 },
        Init::Uniform { limit: 0.1 },
        Init::Glorot,
    ];

    #[test]
    fn a_row_has_the_same_first_values_whenever_it_is_drawn() {
        for init in INITS {
            for rows in [1, 64, 200] {
                let first = First::new(init, "movie", 3).unwrap();
                let whole = Matrix::first(rows, WIDTH, &first);
                let mut table = Matrix::by_row(rows, WIDTH, first);
                assert_eq!(table, whole);
                let read: Vec<u32> = (0..rows as u32).filter(|row| row % 5 < 2).collect();
                table.draw(&table.missing(&read));
                for &row in &read {
                    let own = row as usize * WIDTH..(row as usize + 1) * WIDTH;
                    assert_eq!(table.memory()[own.clone()], whole.memory()[own]);
                }
                assert!(table.missing(&read).is_empty());
                assert_eq!((&table, &table.clone()), (&whole, &whole));
                table.draw(&table.missing(&(0..rows as u32).collect::<Vec<_>>()));
                assert!(table.is_drawn() && table.memory() == whole.memory());
            }
        }
    }

    #[test]
    fn what_was_changed_is_not_drawn_again() {
        let first = First::new(INITS[1], "movie", 3).unwrap();
        let mut expected = Matrix::first(100, WIDTH, &first);
        expected.numbers_mut()[7 * WIDTH..8 * WIDTH].fill(9.0);
        let mut table = Matrix::by_row(100, WIDTH, first.clone());
        table.draw(&[7]);
        table.memory_mut()[7 * WIDTH..8 * WIDTH].fill(9.0);
        let (ids, numbers): (Vec<_>, Vec<_>) = table.drawn().map(|(rows, own)| (rows.start as u32, own)).unzip();
        let restored = Matrix::in_part(100, WIDTH, first.clone(), &ids, &numbers.concat()).unwrap();
        assert_eq!((ids, &restored), (vec![7], &expected));
        assert_eq!(table.numbers_mut(), expected.memory());
        for ids in [[7, 7], [8, 7], [7, 100]] {
            assert!(Matrix::in_part(100, WIDTH, first.clone(), &ids, &[0.0; 2 * WIDTH]).is_none(), "{ids:?}");
        }
        assert!(Matrix::in_part(100, WIDTH, first, &[7], &[0.0; 2 * WIDTH]).is_none());
    }

    #[test]
    fn a_large_table_holds_the_rows_that_are_read() {
        let rows = 100_000_000;
        let mut table = Matrix::by_row(rows, 16, First::new(INITS[1], "movie", 3).unwrap());
        let read = [0, 5, rows as u32 - 1];
        table.draw(&table.missing(&read));
        let table = table.clone();
        assert_eq!(table.drawn().map(|(rows, _)| rows.start as u32).collect::<Vec<_>>(), read);
        let mut own = [0.0; 16];
        table.rest().unwrap().fill([rows, 16], (rows - 1) * 16, &mut own);
        assert!(own[0] != 0.0 && table.memory()[(rows - 1) * 16..] == own);
    }
}
