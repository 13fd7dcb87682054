//! A set of rows of a table, a bit for each.

use std::ops::Range;

/// Rows of a word.
pub(super) const WORD: usize = u64::BITS as usize;

#[derive(Clone, Debug)]
pub(super) struct RowSet {
    /// Bits beyond the last row are 0.
    words: Vec<u64>,
    rows: usize,
    len: usize,
}

impl RowSet {
    /// No row of so many.
    pub(super) fn new(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(WORD)], rows, len: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == self.rows
    }

    pub(super) fn contains(&self, row: u32) -> bool {
        self.words[row as usize / WORD] >> (row as usize % WORD) & 1 == 1
    }

    /// Whether the row was not there before.
    pub(super) fn insert(&mut self, row: u32) -> bool {
        let new = !self.contains(row);
        self.words[row as usize / WORD] |= 1 << (row as usize % WORD);
        self.len += usize::from(new);
        new
    }

    /// [`WORD`] rows a word, from the first bit on.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Runs of neighbouring rows, rising.
    pub(super) fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = self.next(at, true)?;
            at = self.next(start, false).unwrap_or(self.rows);
            Some(start..at)
        })
    }

    /// The first row from `from` on that is in the set, or that is not.
    fn next(&self, from: usize, inside: bool) -> Option<usize> {
        let mut mask = u64::MAX << (from % WORD);
        for at in from / WORD..self.words.len() {
            let found = mask & if inside { self.words[at] } else { !self.words[at] };
            if found != 0 {
                let row = at * WORD + found.trailing_zeros() as usize;
                return (row < self.rows).then_some(row);
            }
            mask = u64::MAX;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_those_of_a_list() {
        for rows in [1, 63, 64, 65, 130, 200] {
            let own: Vec<bool> = (0..rows).map(|row| row % 7 < 3 || (60..135).contains(&row)).collect();
            let mut set = RowSet::new(rows);
            for row in (0..rows).rev().filter(|&row| own[row]) {
                assert!(set.insert(row as u32) && !set.insert(row as u32));
            }
            let mut found = vec![false; rows];
            let mut last = None;
            for run in set.runs() {
                assert!(last.is_none_or(|last| last < run.start) && !run.is_empty(), "{run:?}");
                last = Some(run.end);
                found[run].fill(true);
            }
            assert_eq!(found, own);
            assert_eq!(set.is_full(), own.iter().all(|&own| own));
        }
    }
}
