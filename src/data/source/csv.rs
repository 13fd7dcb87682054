//! Delimited text as RFC 4180 has it, line ends of either kind; quotes mean something only where one character parts fields.
//! A broken record costs its own line and no other.

use memchr::{memchr, memchr_iter, memmem};

use super::input::Input;
use super::{Chunk, Dialect, Failure, Records};

/// The unread rows of a file.
pub(crate) struct Csv {
    input: Input,
    delimiter: String,
    encoding: &'static str,
    record: Record,
    width: usize,
    /// Fields that become columns of a chunk, in the order of its columns.
    picked: Vec<usize>,
    missing: Vec<String>,
}

/// One record, its quotes undone.
#[derive(Default)]
struct Record {
    text: String,
    ends: Vec<usize>,
}

impl Record {
    fn field(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) };
        self.ends.get(at).and_then(|&end| self.text.get(start..end)).unwrap_or("")
    }
}

enum Found {
    Record,
    Broken(String),
    End,
}

impl Csv {
    /// Opens a file and reads its header, or takes the names of the spec; then [`Csv::pick`] says what is read.
    pub(crate) fn open(input: Input, dialect: &Dialect) -> Result<(Csv, Vec<String>), Failure> {
        let mut csv = Csv {
            input,
            delimiter: dialect.delimiter.clone().unwrap_or_else(|| ",".to_owned()),
            encoding: dialect.encoding.map_or("UTF-8", |encoding| encoding.name()),
            record: Record::default(),
            width: 0,
            picked: Vec::new(),
            missing: dialect.missing.clone(),
        };
        let names: Vec<String> = match &dialect.columns {
            Some(names) => names.clone(),
            None => match csv.next()? {
                (_, Found::Record) => (0..csv.record.ends.len()).map(|at| csv.record.field(at).trim().into()).collect(),
                (line, Found::Broken(what)) => return Err(Failure::new(Some(line), format!("in the header, {what}"))),
                (_, Found::End) => return Err(Failure::new(None, "it is empty: expected a header")),
            },
        };
        csv.width = names.len();
        Ok((csv, names))
    }

    /// Chooses the fields that are read.
    pub(crate) fn pick(&mut self, fields: Vec<usize>) {
        self.picked = fields;
    }

    /// Reads a record; blank lines are none. Also says in which line it began.
    fn next(&mut self) -> Result<(u64, Found), Failure> {
        loop {
            let line = self.input.line_number();
            let Some((text, bytes)) = self.input.next_line()? else { return Ok((line, Found::End)) };
            let text = &self.input.rest()[text];
            if text.is_empty() {
                self.input.consume(bytes, 1);
                continue;
            }
            if let (&[delimiter], Some(_)) = (self.delimiter.as_bytes(), memchr(b'"', text)) {
                return Ok((line, self.quoted(bytes, delimiter)?));
            }
            let found = plain(text, self.delimiter.as_bytes(), &mut self.record);
            self.input.consume(bytes, 1);
            return Ok((line, if found { Found::Record } else { Found::Broken(self.not_text()) }));
        }
    }

    /// Reads a record with quotes, which may go on over lines. `bytes` is the length of its first line.
    fn quoted(&mut self, bytes: usize, delimiter: u8) -> Result<Found, Failure> {
        loop {
            let whole = self.input.ended() || self.input.full();
            match quoted(self.input.rest(), whole, delimiter, &mut self.record) {
                Quoted::Record { bytes, lines } => {
                    self.input.consume(bytes, lines);
                    return Ok(Found::Record);
                }
                Quoted::More => {
                    self.input.more()?;
                }
                Quoted::Broken(what) => {
                    self.input.consume(bytes, 1);
                    return Ok(Found::Broken(what.into()));
                }
                Quoted::NotText => {
                    self.input.consume(bytes, 1);
                    return Ok(Found::Broken(self.not_text()));
                }
            }
        }
    }

    fn not_text(&self) -> String {
        format!("expected text in {}, found bytes that it does not allow", self.encoding)
    }
}

impl Records for Csv {
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        while !chunk.is_full() {
            let (line, found) = self.next()?;
            match found {
                Found::End => return Ok(false),
                Found::Broken(what) => chunk.broken(line, what),
                Found::Record if self.record.ends.len() != self.width => {
                    let found = self.record.ends.len();
                    chunk.broken(line, format!("expected {} fields, found {found}", self.width));
                }
                Found::Record => {
                    for (column, &field) in chunk.columns.iter_mut().zip(&self.picked) {
                        let text = self.record.field(field);
                        column.push(Some(text).filter(|text| !self.missing.iter().any(|missing| missing == text)));
                    }
                    chunk.row(line);
                }
            }
        }
        Ok(true)
    }
}

/// Cuts a line without quotes; false if it is not UTF-8.
fn plain(line: &[u8], delimiter: &[u8], record: &mut Record) -> bool {
    record.text.clear();
    record.ends.clear();
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let mut start = 0;
    let mut cut = |at: usize| {
        record.text.push_str(text.get(start..at).unwrap_or(""));
        record.ends.push(record.text.len());
        start = at + delimiter.len();
    };
    match delimiter {
        [byte] => memchr_iter(*byte, line).for_each(&mut cut),
        several => memmem::find_iter(line, several).for_each(&mut cut),
    }
    cut(line.len());
    true
}

#[derive(Debug, PartialEq)]
enum Quoted {
    /// The record and the bytes and lines that it took.
    Record {
        bytes: usize,
        lines: u64,
    },
    /// The record goes on behind the bytes given.
    More,
    Broken(&'static str),
    NotText,
}

/// Cuts the first record of some bytes. `whole`: no more bytes will come.
fn quoted(bytes: &[u8], whole: bool, delimiter: u8, record: &mut Record) -> Quoted {
    record.ends.clear();
    let mut text = std::mem::take(&mut record.text).into_bytes();
    text.clear();
    let mut at = 0;
    let length = loop {
        if bytes.get(at) == Some(&b'"') {
            match unquote(&bytes[at + 1..], &mut text) {
                None if whole => return Quoted::Broken("a quote opens that nothing closes"),
                None => return Quoted::More,
                Some(length) => at += 1 + length,
            }
        } else {
            let end = bytes[at..].iter().position(|&byte| byte == delimiter || byte == b'\n');
            let field = &bytes[at..end.map_or(bytes.len(), |end| at + end)];
            at += field.len();
            let last = bytes.get(at) != Some(&delimiter);
            text.extend_from_slice(if last { field.strip_suffix(b"\r").unwrap_or(field) } else { field });
        }
        record.ends.push(text.len());
        match &bytes[at..] {
            // The next byte may double the quote, or go on with the field.
            [] | [b'\r'] if !whole => return Quoted::More,
            [] => break at,
            [b'\r'] => break at + 1,
            [b'\n', ..] => break at + 1,
            [b'\r', b'\n', ..] => break at + 2,
            [byte, ..] if *byte == delimiter => at += 1,
            _ => return Quoted::Broken("expected a delimiter after a closing quote"),
        }
    };
    let Ok(text) = String::from_utf8(text) else { return Quoted::NotText };
    record.text = text;
    let open_end = bytes.get(length - 1) != Some(&b'\n');
    Quoted::Record { bytes: length, lines: memchr_iter(b'\n', &bytes[..length]).count() as u64 + u64::from(open_end) }
}

/// Copies what stands before the closing quote, two quotes as one, and says where it ends; none if nothing closes it.
fn unquote(bytes: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let quote = at + memchr(b'"', &bytes[at..])?;
        text.extend_from_slice(&bytes[at..quote]);
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some(quote + 1);
        }
        text.push(b'"');
        at = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::source::tests::{dialect, read};

    #[test]
    fn quotes_hold_delimiters_quotes_and_lines() {
        let rows = read("a,b\r\n\"1,2\",\"say \"\"hi\"\"\"\r\n\"x\ny\",\n\n3,it\"s\n", dialect(), &["b", "a"]).unwrap();
        assert_eq!(rows.cells("a"), ["1,2", "x\ny", "3"]);
        assert_eq!(rows.cells("b"), ["say \"hi\"", "NULL", "it\"s"]);
        assert_eq!((rows.lines, rows.broken), (vec![2, 3, 6], vec![]));
    }

    #[test]
    fn a_file_may_lack_header_and_last_line_end() {
        let dialect = Dialect {
            columns: Some(vec!["x".into(), "y".into()]),
            delimiter: Some(";".into()),
            missing: vec!["NA".into()],
            ..dialect()
        };
        let rows = read("1;\nNA;4", dialect, &["x", "y"]).unwrap();
        assert_eq!((rows.cells("x"), rows.cells("y")), (vec!["1", "NULL"], vec!["", "4"]));
    }

    #[test]
    fn several_characters_may_part_fields_and_then_quotes_are_text() {
        let dialect = Dialect { delimiter: Some("::".into()), ..dialect() };
        let rows = read("a::b::c\n1::\"Alien: 3\"::x|y\n2:::::\n3::x\n", dialect, &["a", "b", "c"]).unwrap();
        assert_eq!(rows.cells("a"), ["1", "2"]);
        assert_eq!((rows.cells("b"), rows.cells("c")), (vec!["\"Alien: 3\"", "NULL"], vec!["x|y", ":"]));
        assert_eq!(rows.broken, [(4, "expected 3 fields, found 2".to_string())]);
    }

    #[test]
    fn a_broken_row_costs_only_its_line() {
        let rows = read("a,b\n1,2,3\n4,5\n\"6\"7,8\n9,\"10\n11,12\n", dialect(), &["a"]).unwrap();
        assert_eq!(rows.cells("a"), ["4", "11"]);
        let broken = [
            (2, "expected 2 fields, found 3".to_string()),
            (4, "expected a delimiter after a closing quote".into()),
            (5, "a quote opens that nothing closes".into()),
        ];
        assert_eq!(rows.broken, broken);
        assert_eq!(rows.rows, [1, 4], "broken rows keep their numbers");
    }

    #[test]
    fn bytes_that_are_no_text_break_their_row() {
        for line in [&b"\xff,1\n"[..], b"\"\xff\",1\n"] {
            let bytes = [b"a,b\n", line, b"2,3\n"].concat();
            let rows = read(bytes, dialect(), &["a"]).unwrap();
            assert_eq!((rows.cells("a"), rows.broken.len()), (vec!["2"], 1));
        }
    }

    #[test]
    fn a_record_is_read_the_same_wherever_the_bytes_are_cut() {
        let bytes = b"\"a\"\"b\",c\r\nrest";
        let mut record = Record::default();
        let whole = Quoted::Record { bytes: 10, lines: 1 };
        for cut in 0..bytes.len() {
            let found = quoted(&bytes[..cut], false, b',', &mut record);
            assert_eq!(
                found,
                if cut < 10 { Quoted::More } else { Quoted::Record { bytes: 10, lines: 1 } },
                "cut at {cut}"
            );
        }
        assert_eq!(quoted(bytes, true, b',', &mut record), whole);
        assert_eq!((record.field(0), record.field(1)), ("a\"b", "c"));
    }
}
