//! Many-to-one joins: a whole source in memory, found by its key.

use super::container::{Builder, Container};
use super::eval::Column;
use super::interner::Interner;
use super::texts::Texts;

/// The row of a key that is not there: past the end of every column.
const NOWHERE: u32 = u32::MAX;

/// A source that others join: its keys and the columns that someone needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joined {
    /// Row by key.
    pub(crate) keys: Interner,
    /// Columns in the order of [`Joined::names`].
    pub(crate) columns: Vec<Texts>,
    /// Their names.
    pub(crate) names: Vec<String>,
    /// Whether anything joins it, and so it was read.
    pub(crate) is_read: bool,
}

impl Joined {
    /// The row of each key, or none; and how many are not there. A null key is not there either.
    pub(crate) fn rows<'a>(&self, keys: impl Iterator<Item = Option<&'a str>>) -> (Vec<u32>, Vec<u32>) {
        let mut misses = Vec::new();
        let rows = keys.enumerate().map(|(at, key)| {
            let row = key.and_then(|key| self.keys.get(key)).unwrap_or(NOWHERE);
            if row == NOWHERE {
                misses.push(at as u32);
            }
            row
        });
        (rows.collect(), misses)
    }

    /// Writes it under a prefix.
    pub(crate) fn write(&self, prefix: &str, builder: &mut Builder) -> std::io::Result<()> {
        write_texts(&format!("{prefix}/key"), self.keys.texts(), builder)?;
        for (name, column) in self.names.iter().zip(&self.columns) {
            write_texts(&format!("{prefix}/column/{name}"), column, builder)?;
        }
        Ok(())
    }

    /// Reads what [`Joined::write`] wrote.
    pub(crate) fn read(prefix: &str, names: &[String], container: &Container) -> Option<Joined> {
        let keys = Interner::from_texts(read_texts(&format!("{prefix}/key"), container)?)?;
        let column = |name: &String| read_texts(&format!("{prefix}/column/{name}"), container);
        let columns: Vec<Texts> = names.iter().map(column).collect::<Option<_>>()?;
        let whole = columns.iter().all(|column| column.len() == keys.len());
        whole.then(|| Joined { keys, columns, names: names.to_vec(), is_read: true })
    }
}

/// A text of a column, whichever kind it is.
pub(crate) fn text<'a>(column: Column<'a>, row: usize) -> Option<&'a str> {
    match column {
        Column::Own(texts) => texts.get(row),
        Column::Joined(texts, rows) => texts.get(*rows.get(row)? as usize),
        Column::Numbers(_) | Column::Truths(_) => None,
    }
}

/// Writes texts under a name.
pub(crate) fn write_texts(name: &str, texts: &Texts, builder: &mut Builder) -> std::io::Result<()> {
    let (bytes, ends, null) = texts.parts();
    builder.write(&format!("{name}/bytes"), bytes.bytes())?;
    builder.write(&format!("{name}/ends"), ends.iter().copied())?;
    builder.write(&format!("{name}/null"), null.into_iter())
}

/// Reads what [`write_texts`] wrote.
pub(crate) fn read_texts(name: &str, container: &Container) -> Option<Texts> {
    let bytes = container.array::<u8>(&format!("{name}/bytes"))?;
    let ends = container.array::<u64>(&format!("{name}/ends"))?;
    let null = container.array::<u8>(&format!("{name}/null"))?;
    Texts::from_parts(String::from_utf8(bytes.to_vec()).ok()?, ends.to_vec(), &null)
}
