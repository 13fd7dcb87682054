//! Two formats of research data: sequences (`user item item ...` a line) and libsvm (`label qid:1 1:0.5 ...`).

use super::input::Input;
use super::{Chunk, Dialect, Failure, Records};

/// What follows `#` on a line of libsvm is a comment.
const COMMENT: char = '#';

/// Sequences: each item of a line is a row of its own, so that `user item` lines read the same.
pub(crate) struct Sequences {
    input: Input,
    /// 0 for the user, 1 for the item, by column of the chunk.
    picked: Vec<usize>,
}

impl Sequences {
    pub(crate) fn new(input: Input, picked: Vec<usize>) -> Sequences {
        Sequences { input, picked }
    }
}

impl Records for Sequences {
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        lines(&mut self.input, chunk, |text, line, chunk| {
            let mut words = text.split_ascii_whitespace();
            let Some(user) = words.next() else { return Ok(()) };
            let mut items = words.peekable();
            if items.peek().is_none() {
                return Err(format!("expected items after the user `{user}`"));
            }
            for item in items {
                for (column, picked) in chunk.columns.iter_mut().zip(&self.picked) {
                    column.push(Some(if *picked == 0 { user } else { item }));
                }
                chunk.row(line);
            }
            Ok(())
        })
    }
}

/// libsvm: columns `label`, `qid`, and one per number before a colon; what a row does not name is 0.
pub(crate) struct Libsvm {
    input: Input,
    columns: Vec<String>,
    missing: Vec<String>,
}

impl Libsvm {
    pub(crate) fn new(input: Input, dialect: &Dialect, columns: &[String]) -> Libsvm {
        Libsvm { input, columns: columns.to_vec(), missing: dialect.missing.clone() }
    }
}

impl Records for Libsvm {
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        lines(&mut self.input, chunk, |text, line, chunk| {
            let text = text.split(COMMENT).next().unwrap_or("");
            let mut words = text.split_ascii_whitespace();
            let Some(label) = words.next() else { return Ok(()) };
            let pairs = words
                .map(|word| word.split_once(':').ok_or_else(|| format!("expected `index:value`, found `{word}`")))
                .collect::<Result<Vec<(&str, &str)>, String>>()?;
            for (column, name) in chunk.columns.iter_mut().zip(&self.columns) {
                let value = pairs.iter().find(|(index, _)| index == name).map(|(_, value)| *value);
                let value = match name.as_str() {
                    "label" => Some(label),
                    "qid" => value,
                    _ => Some(value.unwrap_or("0")),
                };
                column.push(value.filter(|value| self.missing.iter().all(|missing| missing != value)));
            }
            chunk.row(line);
            Ok(())
        })
    }
}

fn lines(
    input: &mut Input,
    chunk: &mut Chunk,
    mut row: impl FnMut(&str, u64, &mut Chunk) -> Result<(), String>,
) -> Result<bool, Failure> {
    while !chunk.is_full() {
        let line = input.line_number();
        let Some((text, bytes)) = input.next_line()? else { return Ok(false) };
        let read = match std::str::from_utf8(&input.rest()[text]) {
            Ok(text) => row(text, line, chunk),
            Err(_) => Err("expected text, found bytes that its encoding does not allow".into()),
        };
        if let Err(what) = read {
            chunk.broken(line, what);
        }
        input.consume(bytes, 1);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::data::source::Dialect;
    use crate::data::source::tests::{dialect, read};
    use crate::syntax::spec::Format;

    #[test]
    fn each_item_of_a_sequence_is_a_row() {
        let dialect = Dialect { format: Some(Format::Sequences), ..dialect() };
        let rows = read("u 3 1\n\nv 2\nw\n", dialect, &["item", "user"]).unwrap();
        assert_eq!((rows.cells("user"), rows.cells("item")), (vec!["u", "u", "v"], vec!["3", "1", "2"]));
        assert_eq!(rows.broken, [(4, "expected items after the user `w`".to_string())]);
    }

    #[test]
    fn a_sparse_value_may_be_missing() {
        let dialect = Dialect { format: Some(Format::Libsvm), missing: vec!["NULL".into()], ..dialect() };
        let rows = read("2 qid:7 1:NULL 2:3 #docid = x\n", dialect, &["1", "2", "3"]).unwrap();
        assert_eq!((rows.cells("1"), rows.cells("2"), rows.cells("3")), (vec!["NULL"], vec!["3"], vec!["0"]));
    }

    #[test]
    fn what_a_sparse_row_does_not_name_is_zero() {
        let dialect = Dialect { format: Some(Format::Libsvm), ..dialect() };
        let rows = read("2 qid:7 1:0.5 3:1 # doc\n0 2:1\n1 x\n", dialect, &["label", "qid", "1", "2"]).unwrap();
        assert_eq!(rows.cells("label"), ["2", "0"]);
        assert_eq!(rows.cells("qid"), ["7", "NULL"]);
        assert_eq!((rows.cells("1"), rows.cells("2")), (vec!["0.5", "0"], vec!["0", "1"]));
        assert_eq!(rows.broken.len(), 1);
    }
}
