//! A growing column that moves to an unlinked file when it gets long: memory does not grow with rows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::array::{Array, Plain, map};

/// Bytes of a column that stay in memory.
const RESIDENT: usize = 16 << 20;

/// A column being written.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    values: Vec<T>,
    dir: Option<PathBuf>,
    file: Option<BufWriter<File>>,
    moved: usize,
    failure: Option<io::Error>,
}

impl<T: Plain> Scratch<T> {
    /// An empty column. Without a directory it stays in memory whatever its length.
    pub(crate) fn new(dir: Option<&Path>) -> Scratch<T> {
        Scratch { values: Vec::new(), dir: dir.map(Path::to_path_buf), file: None, moved: 0, failure: None }
    }

    /// How many values.
    pub(crate) fn len(&self) -> usize {
        self.moved + self.values.len()
    }

    /// Adds a value. A disk that is full is reported by [`Scratch::finish`].
    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
        if self.dir.is_some() && self.values.len() * size_of::<T>() >= RESIDENT {
            self.flush();
        }
    }

    /// The whole column, readable.
    pub(crate) fn finish(mut self) -> io::Result<Array<T>> {
        if self.file.is_some() {
            self.flush();
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let Some(writer) = self.file else { return Ok(Array::from_slice(&self.values)) };
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let bytes = map(&file)?;
        Array::new(Arc::new(bytes), 0, self.moved).ok_or_else(|| io::Error::other("a scratch file was cut short"))
    }

    fn flush(&mut self) {
        if self.failure.is_none()
            && let Err(failure) = self.write()
        {
            self.failure = Some(failure);
        }
        self.moved += self.values.len();
        self.values.clear();
    }

    fn write(&mut self) -> io::Result<()> {
        let writer = match (&mut self.file, &self.dir) {
            (Some(writer), _) => writer,
            (None, Some(dir)) => self.file.insert(BufWriter::new(unlinked(dir)?)),
            (None, None) => return Ok(()),
        };
        writer.write_all(bytemuck::cast_slice(&self.values))
    }
}

/// A file without a name, gone when the process ends.
fn unlinked(dir: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let path = dir.join(format!("scratch-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    // Systems that cannot unlink an open file keep it until someone empties the directory.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_column_moves_to_disk_and_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let count = RESIDENT as u64 / 8 + 5;
        for place in [None, Some(dir.path())] {
            let mut column = Scratch::<u64>::new(place);
            (0..count).for_each(|value| column.push(value));
            assert_eq!(column.len() as u64, count);
            assert!(column.finish().unwrap().iter().copied().eq(0..count));
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error_at_the_end() {
        let mut column = Scratch::<u64>::new(Some(Path::new("/nonexistent-directory")));
        (0..RESIDENT as u64 / 8 + 1).for_each(|value| column.push(value));
        assert!(column.finish().is_err());
    }
}
