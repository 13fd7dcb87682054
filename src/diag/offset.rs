//! Where each byte of a decoded text stands in its file: a YAML scalar is unescaped and folded before it is parsed.

use super::{FileId, Span};

/// A piece of decoded text and the piece of the file it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    decoded: usize,
    decoded_len: usize,
    file: usize,
    file_len: usize,
}

/// Maps offsets of a decoded text to spans of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetMap {
    file: FileId,
    runs: Vec<Run>,
}

impl OffsetMap {
    /// A map without pieces; [`OffsetMap::piece`] adds them in order.
    pub fn new(file: FileId) -> Self {
        Self { file, runs: Vec::new() }
    }

    /// The map of a text that stands in the file as it is, `len` bytes from `start` on.
    pub fn straight(file: FileId, start: usize, len: usize) -> Self {
        let mut map = Self::new(file);
        map.piece(len, start, len);
        map
    }

    /// Appends `decoded_len` bytes that came from `file_len` bytes at `start`. Pieces of equal length map byte by byte; the others, such as
    /// an escape or a fold of lines, map as a whole.
    pub fn piece(&mut self, decoded_len: usize, start: usize, file_len: usize) {
        if let Some(last) = self.runs.last_mut() {
            let both_straight = last.decoded_len == last.file_len && decoded_len == file_len;
            if both_straight && last.file + last.file_len == start {
                last.decoded_len += decoded_len;
                last.file_len += file_len;
                return;
            }
        }
        let decoded = self.len();
        self.runs.push(Run { decoded, decoded_len, file: start, file_len });
    }

    /// Bytes of decoded text covered so far.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |run| run.decoded + run.decoded_len)
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file the text stands in.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The place of `start..end` of the decoded text. An empty range, also one at the very end, gives an empty span.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let from = self.start_of(start);
        let to = if end > start { self.end_of(end).max(from) } else { from };
        Span::new(self.file, from, to)
    }

    fn start_of(&self, offset: usize) -> usize {
        let index = self.runs.partition_point(|run| run.decoded + run.decoded_len <= offset);
        match self.runs.get(index) {
            Some(run) if run.decoded_len == run.file_len => run.file + offset.saturating_sub(run.decoded),
            Some(run) => run.file,
            None => self.runs.last().map_or(0, |run| run.file + run.file_len),
        }
    }

    fn end_of(&self, offset: usize) -> usize {
        let index = self.runs.partition_point(|run| run.decoded + run.decoded_len < offset);
        match self.runs.get(index) {
            Some(run) if run.decoded_len == run.file_len => run.file + offset.saturating_sub(run.decoded),
            Some(run) => run.file + run.file_len,
            None => self.runs.last().map_or(0, |run| run.file + run.file_len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(map: &OffsetMap, start: usize, end: usize) -> (u32, u32) {
        let span = map.span(start, end);
        (span.start, span.end)
    }

    #[test]
    fn straight_text_maps_byte_by_byte() {
        let map = OffsetMap::straight(FileId(0), 10, 5);
        assert_eq!(range(&map, 1, 3), (11, 13));
        assert_eq!(range(&map, 5, 5), (15, 15));
        assert_eq!(range(&map, 0, 99), (10, 15));
    }

    #[test]
    fn an_escape_maps_as_a_whole() {
        let mut map = OffsetMap::new(FileId(0));
        map.piece(2, 0, 2); // ab
        map.piece(1, 2, 6); // \u0041
        map.piece(3, 8, 3);
        assert_eq!(range(&map, 1, 2), (1, 2));
        assert_eq!(range(&map, 2, 3), (2, 8));
        assert_eq!(range(&map, 3, 5), (8, 10));
        assert_eq!(range(&map, 1, 4), (1, 9));
    }

    #[test]
    fn a_range_that_ends_before_a_fold_does_not_cover_it() {
        let mut map = OffsetMap::new(FileId(0));
        map.piece(3, 0, 3);
        map.piece(1, 3, 5); // a line break and its indentation
        map.piece(3, 8, 3);
        assert_eq!(range(&map, 0, 3), (0, 3));
        assert_eq!(range(&map, 4, 7), (8, 11));
        assert_eq!(range(&map, 2, 5), (2, 9));
    }

    #[test]
    fn neighbouring_straight_pieces_join() {
        let mut map = OffsetMap::new(FileId(0));
        map.piece(2, 4, 2);
        map.piece(2, 6, 2);
        assert_eq!(map, OffsetMap::straight(FileId(0), 4, 4));
    }
}
