//! Files to chunks of text columns, whatever the format; a broken row is set aside with its line.

mod csv;
mod input;
mod jsonl;
mod path;
mod simple;

use encoding_rs::Encoding;

use self::input::Input;
use self::path::partition;
pub(crate) use self::path::{SourceFile, find};
use super::texts::Texts;
use crate::syntax::spec::Format;

/// Rows of a full chunk, unless its texts fill [`CHUNK_BYTES`] first.
const CHUNK_ROWS: usize = 8192;
/// Texts of a full chunk.
const CHUNK_BYTES: usize = 8 << 20;

/// How the text of a source is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dialect {
    /// The format, unless the file's name says it.
    pub(crate) format: Option<Format>,
    /// What stands between fields; a comma when absent, a tab in `.tsv`.
    pub(crate) delimiter: Option<String>,
    /// UTF-8 when absent.
    pub(crate) encoding: Option<&'static Encoding>,
    /// Texts that mean null.
    pub(crate) missing: Vec<String>,
    /// Names for files without a header.
    pub(crate) columns: Option<Vec<String>>,
    /// A column whose value stands in the path.
    pub(crate) partition: Option<String>,
}

/// A file that cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Where, if that is known.
    pub(crate) line: Option<u64>,
    /// The fact.
    pub(crate) what: String,
    /// Whether the file is sound, and only its format is not read.
    pub(crate) unread: bool,
}

impl Failure {
    pub(crate) fn new(line: Option<u64>, what: impl Into<String>) -> Failure {
        Failure { line, what: what.into(), unread: false }
    }

    /// A format that is not read.
    pub(crate) fn unread(format: &str) -> Failure {
        let what = format!("{format} is not read yet: expected CSV, JSON Lines, libsvm or sequences, plain or gzip");
        Failure { line: None, what, unread: true }
    }
}

/// Some rows of one file, column by column.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Number of each row in its source, broken rows counted.
    pub(crate) rows: Vec<u32>,
    /// The line where each row begins.
    pub(crate) lines: Vec<u64>,
    /// The columns asked for, in the order of asking.
    pub(crate) columns: Vec<Texts>,
    /// Lines that hold no row, and why.
    pub(crate) broken: Vec<(u64, String)>,
    next_row: u64,
}

impl Chunk {
    /// A chunk for so many columns.
    pub(crate) fn new(columns: usize) -> Chunk {
        Chunk { columns: vec![Texts::default(); columns], ..Chunk::default() }
    }

    /// Lets rows be numbered from another number than 0.
    pub(crate) fn starting_at(self, row: u64) -> Chunk {
        Chunk { next_row: row, ..self }
    }

    /// The number that the next row gets.
    pub(crate) fn next_row(&self) -> u64 {
        self.next_row
    }

    /// Keeps only these rows.
    pub(crate) fn keep(&mut self, rows: &[u32]) {
        self.columns.iter_mut().for_each(|column| *column = column.pick(rows));
        self.lines = rows.iter().filter_map(|&row| self.lines.get(row as usize).copied()).collect();
        self.rows = rows.iter().filter_map(|&row| self.rows.get(row as usize).copied()).collect();
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.lines.clear();
        self.broken.clear();
        self.columns.iter_mut().for_each(Texts::clear);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= CHUNK_ROWS
            || self.broken.len() >= CHUNK_ROWS
            || self.columns.iter().map(Texts::bytes).sum::<usize>() >= CHUNK_BYTES
    }

    /// Closes the row whose cells were pushed.
    fn row(&mut self, line: u64) {
        self.rows.push(self.next_row as u32);
        self.lines.push(line);
        self.next_row += 1;
    }

    /// Counts a row that cannot be read; cells pushed for it go.
    fn broken(&mut self, line: u64, what: impl Into<String>) {
        let rows = self.rows.len();
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
        self.broken.push((line, what.into()));
        self.next_row += 1;
    }
}

/// The unread rows of a file.
trait Records: Send {
    /// Adds rows until the chunk is full; false at the end of the file.
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure>;
}

/// A file being read, some columns of it.
pub(crate) struct Reader {
    records: Box<dyn Records>,
    /// The column that the path gives, and its value.
    partition: Option<(usize, String)>,
}

impl Reader {
    /// Opens a file to read these columns. A column that the file lacks is a failure that names it.
    pub(crate) fn open(file: &SourceFile, dialect: &Dialect, columns: &[String]) -> Result<Reader, Failure> {
        let mut in_file = columns.to_vec();
        let mut partition = None;
        if let Some(name) = &dialect.partition
            && let Some(at) = columns.iter().position(|column| column == name)
        {
            in_file.remove(at);
            partition = Some((at, partition_value(file, name)?));
        }
        Ok(Reader { records: records(file, dialect, &in_file)?, partition })
    }

    /// Empties the chunk and fills it again; false once there are no more rows.
    pub(crate) fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Failure> {
        chunk.clear();
        let more = match &self.partition {
            None => self.records.read(chunk)?,
            // The readers know only the columns of their file.
            Some((at, value)) => {
                let mut column = chunk.columns.remove(*at);
                let more = self.records.read(chunk)?;
                (0..chunk.rows.len()).for_each(|_| column.push(Some(value)));
                chunk.columns.insert(*at, column);
                more
            }
        };
        if chunk.next_row > u64::from(u32::MAX) {
            return Err(Failure::new(None, "a source holds at most 4,294,967,295 rows"));
        }
        Ok(more || !chunk.rows.is_empty() || !chunk.broken.is_empty())
    }
}

fn partition_value(file: &SourceFile, column: &str) -> Result<String, Failure> {
    let value = partition(&file.name, column).map(str::to_string);
    value.ok_or_else(|| Failure::new(None, format!("its path holds no `{column}=...`, which `partition` asks for")))
}

fn records(file: &SourceFile, dialect: &Dialect, columns: &[String]) -> Result<Box<dyn Records>, Failure> {
    let format = format_of(file, dialect)?;
    let input = Input::open(&file.path, dialect.encoding)?;
    Ok(match format {
        Format::Csv | Format::Parquet => {
            let (mut csv, names) = csv::Csv::open(input, &dialect.of(file))?;
            csv.pick(columns.iter().map(|column| place(&names, column)).collect::<Result<_, _>>()?);
            Box::new(csv)
        }
        Format::Jsonl => Box::new(jsonl::Jsonl::new(input, dialect, columns)),
        Format::Sequences => {
            let names = sequence_names(dialect);
            let picked = columns.iter().map(|column| place(&names, column)).collect::<Result<_, _>>()?;
            Box::new(simple::Sequences::new(input, picked))
        }
        Format::Libsvm => Box::new(simple::Libsvm::new(input, dialect, columns)),
    })
}

fn place(names: &[String], column: &str) -> Result<usize, Failure> {
    let mut places = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(Failure::new(None, format!("it has two columns `{column}`"))),
        (None, _) => Err(Failure::new(None, format!("it has no column `{column}`; it has {}", list(names)))),
    }
}

/// Names for a message, not too many.
fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Columns that a file has. `open`: names beyond these exist too (JSON objects, sparse rows).
pub(crate) struct Header {
    /// In the order of the file.
    pub(crate) names: Vec<String>,
    /// Whether a name that is not listed may be there all the same.
    pub(crate) open: bool,
}

/// Reads the columns of a file, and no more of it than that takes.
pub(crate) fn header(file: &SourceFile, dialect: &Dialect) -> Result<Header, Failure> {
    let format = format_of(file, dialect)?;
    let input = Input::open(&file.path, dialect.encoding)?;
    let (mut names, open) = match format {
        Format::Csv | Format::Parquet => (csv::Csv::open(input, &dialect.of(file))?.1, false),
        Format::Jsonl => (jsonl::names(input)?, false),
        Format::Sequences => (sequence_names(dialect), false),
        Format::Libsvm => (vec!["label".into(), "qid".into()], true),
    };
    names.extend(dialect.partition.clone());
    Ok(Header { names, open })
}

fn sequence_names(dialect: &Dialect) -> Vec<String> {
    dialect.columns.clone().unwrap_or_else(|| vec!["user".into(), "item".into()])
}

/// Endings of names that say a format.
const ENDINGS: &[(&str, Format)] = &[
    (".csv", Format::Csv),
    (".json", Format::Jsonl),
    (".jsonl", Format::Jsonl),
    (".libsvm", Format::Libsvm),
    (".ndjson", Format::Jsonl),
    (".parquet", Format::Parquet),
    (".svm", Format::Libsvm),
    (".tsv", Format::Csv),
];

fn format_in_name(file: &SourceFile) -> Option<Format> {
    let name = file.name.strip_suffix(".gz").unwrap_or(&file.name);
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| *format)
}

/// Whether a file's name says its format.
pub(crate) fn names_format(file: &SourceFile) -> bool {
    format_in_name(file).is_some()
}

/// The format that the spec or the name says; other names are delimited text.
fn format_of(file: &SourceFile, dialect: &Dialect) -> Result<Format, Failure> {
    match dialect.format.or(format_in_name(file)).unwrap_or(Format::Csv) {
        Format::Parquet => Err(Failure::unread("Parquet")),
        format => Ok(format),
    }
}

impl Dialect {
    /// The delimiter of `.tsv` is a tab without being told.
    fn of(&self, file: &SourceFile) -> Dialect {
        let name = file.name.strip_suffix(".gz").unwrap_or(&file.name);
        let tab = || name.ends_with(".tsv").then(|| "\t".to_owned());
        Dialect { delimiter: self.delimiter.clone().or_else(tab), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CSV with a header.
    pub(crate) fn dialect() -> Dialect {
        Dialect {
            format: None,
            delimiter: None,
            encoding: None,
            missing: vec![String::new()],
            columns: None,
            partition: None,
        }
    }

    /// All rows of a text.
    pub(crate) struct Rows {
        names: Vec<String>,
        columns: Vec<Texts>,
        pub(crate) rows: Vec<u32>,
        pub(crate) lines: Vec<u64>,
        pub(crate) broken: Vec<(u64, String)>,
    }

    impl Rows {
        /// A column, null as `NULL`.
        pub(crate) fn cells(&self, name: &str) -> Vec<&str> {
            let column = &self.columns[self.names.iter().position(|other| other == name).unwrap()];
            (0..column.len()).map(|row| column.get(row).unwrap_or("NULL")).collect()
        }
    }

    /// Reads a text as a file.
    pub(crate) fn read(text: impl AsRef<[u8]>, dialect: Dialect, columns: &[&str]) -> Result<Rows, Failure> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("dt=7")).unwrap();
        let file = SourceFile { path: dir.path().join("dt=7/a"), name: "dt=7/a".into() };
        std::fs::write(&file.path, text).unwrap();
        let names: Vec<String> = columns.iter().map(|name| name.to_string()).collect();
        let mut reader = Reader::open(&file, &dialect, &names)?;
        let mut chunk = Chunk::new(names.len());
        let mut rows =
            Rows { columns: vec![Texts::default(); names.len()], names, rows: vec![], lines: vec![], broken: vec![] };
        while reader.read(&mut chunk)? {
            rows.rows.extend(&chunk.rows);
            rows.lines.extend(&chunk.lines);
            rows.broken.append(&mut chunk.broken);
            for (all, some) in rows.columns.iter_mut().zip(&chunk.columns) {
                (0..some.len()).for_each(|row| all.push(some.get(row)));
            }
        }
        Ok(rows)
    }

    #[test]
    fn a_missing_or_doubled_column_is_named() {
        let what = |text| read(text, dialect(), &["a"]).err().unwrap().what;
        assert_eq!(what("x,y\n"), "it has no column `a`; it has `x`, `y`");
        assert_eq!(what("a,a\n"), "it has two columns `a`");
        assert_eq!(what(""), "it is empty: expected a header");
    }

    #[test]
    fn a_partition_is_a_column() {
        let rows = read("a\n1\n2\n", Dialect { partition: Some("dt".into()), ..dialect() }, &["dt", "a"]).unwrap();
        assert_eq!((rows.cells("a"), rows.cells("dt")), (vec!["1", "2"], vec!["7", "7"]));
        let other = read("a\n1\n", Dialect { partition: Some("hour".into()), ..dialect() }, &["hour"]);
        assert!(other.err().unwrap().what.contains("`hour=...`"));
    }

    #[test]
    fn many_rows_come_in_chunks() {
        let text: String = (0..2 * CHUNK_ROWS + 1).map(|row| format!("{row}\n")).collect();
        let rows = read(format!("a\n{text}"), dialect(), &["a"]).unwrap();
        assert_eq!(rows.rows.len(), 2 * CHUNK_ROWS + 1);
        assert_eq!(rows.cells("a").last(), Some(&"16384"));
    }
}
