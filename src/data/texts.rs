//! A column of texts, some of them null, in one allocation.

/// Begins a cell that holds a list, and ends each element but the last. No format gives this control character a
/// meaning of its own; a reader that meets it inside an element reports a broken row.
pub(crate) const LIST: char = '\u{1f}';

/// Texts by row. Null and the empty text differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<u64>,
    null: Vec<bool>,
}

impl Texts {
    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, text: Option<&str>) {
        self.bytes.push_str(text.unwrap_or(""));
        self.ends.push(self.bytes.len() as u64);
        self.null.push(text.is_none());
    }

    /// The text of a row; none where it is null or there is no such row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        if *self.null.get(row)? {
            return None;
        }
        let start = if row == 0 { 0 } else { *self.ends.get(row - 1)? };
        self.bytes.get(start as usize..*self.ends.get(row)? as usize)
    }

    /// Empties the column and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.null.clear();
    }

    /// Drops the rows added after the first `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.null.truncate(rows);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }

    /// Keeps only these rows, in this order.
    pub(crate) fn pick(&self, rows: &[u32]) -> Texts {
        let mut out = Texts::default();
        for &row in rows {
            out.push(self.get(row as usize));
        }
        out
    }

    /// All texts in one piece, the end of each, and 1 where a row is null: what is written to disk.
    pub(crate) fn parts(&self) -> (&str, &[u64], Vec<u8>) {
        (&self.bytes, &self.ends, self.null.iter().map(|&null| u8::from(null)).collect())
    }

    /// The inverse of [`Texts::parts`]; none if the pieces do not fit together.
    pub(crate) fn from_parts(bytes: String, ends: Vec<u64>, null: &[u8]) -> Option<Texts> {
        let ordered = ends.windows(2).all(|pair| pair[0] <= pair[1]);
        let cut = ends.iter().all(|&end| bytes.is_char_boundary(end as usize));
        let whole = ends.last().copied().unwrap_or(0) as usize == bytes.len();
        (ordered && cut && whole && null.len() == ends.len()).then(|| Texts {
            bytes,
            ends,
            null: null.iter().map(|&flag| flag != 0).collect(),
        })
    }
}

/// Writes a list as one cell. False, with nothing usable written, if an element holds [`LIST`] itself.
pub(crate) fn write_list<'a>(cell: &mut String, elements: impl Iterator<Item = &'a str>) -> bool {
    cell.clear();
    let mut clean = true;
    for element in elements {
        clean &= !element.contains(LIST);
        cell.push(LIST);
        cell.push_str(element);
    }
    if cell.is_empty() {
        cell.push(LIST);
    }
    clean
}

/// The elements of a cell: those of a list, those between separators, or the cell itself. Empty ones do not count.
pub(crate) fn elements<'a>(cell: &'a str, separator: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    items(cell, separator).filter(|element| !element.is_empty())
}

/// Like [`elements`], but an empty element keeps its place, as it must where columns list things side by side.
pub(crate) fn items<'a>(cell: &'a str, separator: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    let (list, cut) = match (cell.strip_prefix(LIST), separator) {
        (Some(rest), _) => (rest, "\u{1f}"),
        (None, Some(separator)) if !separator.is_empty() => (cell, separator),
        // A cell cannot hold LIST and not begin with it, so this cuts nothing.
        (None, _) => (cell, "\u{1f}"),
    };
    list.split(cut).filter(move |_| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_differ() {
        let mut texts = Texts::default();
        texts.push(Some("a"));
        texts.push(None);
        texts.push(Some(""));
        assert_eq!([texts.get(0), texts.get(1), texts.get(2), texts.get(3)], [Some("a"), None, Some(""), None]);
        texts.truncate(1);
        texts.push(Some("bc"));
        assert_eq!(texts.pick(&[1, 0, 1]).get(2), Some("bc"));
    }

    #[test]
    fn parts_read_back_and_broken_parts_do_not() {
        let mut texts = Texts::default();
        texts.push(Some("ä"));
        texts.push(None);
        let (bytes, ends, null) = texts.parts();
        assert_eq!(Texts::from_parts(bytes.into(), ends.to_vec(), &null), Some(texts.clone()));
        assert_eq!(Texts::from_parts(bytes.into(), vec![1, 2], &null), None, "inside a character");
        assert_eq!(Texts::from_parts(bytes.into(), vec![2, 3], &null), None, "past the end");
        assert_eq!(Texts::from_parts(bytes.into(), vec![2, 2], &[0]), None, "a flag is missing");
    }

    #[test]
    fn a_cell_is_a_list_or_is_cut_or_is_one_element() {
        let mut cell = String::new();
        assert!(write_list(&mut cell, ["a|b", "c"].into_iter()));
        assert_eq!(elements(&cell, Some("|")).collect::<Vec<_>>(), ["a|b", "c"]);
        assert_eq!(elements("a|b||c", Some("|")).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(elements("a|b", None).collect::<Vec<_>>(), ["a|b"]);
        assert!(write_list(&mut cell, [].into_iter()));
        assert_eq!(elements(&cell, None).count(), 0);
        assert!(!write_list(&mut cell, ["a\u{1f}"].into_iter()));
    }
}
