//! Named arrays in one file: written front to back, directory last, mapped when read. The column cache and what a run
//! keeps of its data are containers.
//!
//! ```text
//! magic (8 bytes)  arrays, each aligned to 64 bytes  directory (JSON)  its length (u64)  its xxh3 (u64)  magic
//! ```
//! Numbers are stored as the machine holds them: a container is not meant for a machine of another byte order, where the
//! length of the directory reads as nonsense and the file counts as damaged.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::array::{Array, Bytes, Plain, map};

/// Begins and ends a container; its last byte is the version of this layout.
const MAGIC: [u8; 8] = *b"specrec\x01";
/// Every array begins at a multiple of this.
const ALIGNMENT: u64 = 64;
/// Length and checksum of the directory, then the magic bytes.
const TAIL: usize = 24;
/// Arrays of smaller files are checked against their checksums when the file is opened. Reading more than this would
/// cost more than it protects: what a wrong number could break is checked again where batches are built.
const CHECKED_BYTES: usize = 1 << 30;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Section {
    name: String,
    kind: String,
    offset: u64,
    count: u64,
    hash: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Directory {
    sections: Vec<Section>,
    facts: String,
}

/// A container that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    bytes: Arc<Bytes>,
    sections: Arc<Vec<Section>>,
    facts: Arc<str>,
    /// The file, if it is one.
    path: Option<Arc<Path>>,
}

impl Container {
    /// Opens a file; none if it is absent, cut short or damaged.
    pub(crate) fn open(path: &Path) -> Option<Container> {
        let container = Self::read(map(&File::open(path).ok()?).ok()?)?;
        Some(Container { path: Some(Arc::from(path)), ..container })
    }

    fn read(bytes: Bytes) -> Option<Container> {
        let body = bytes.len().checked_sub(TAIL)?;
        let tail = bytes.get(body..)?;
        let length = u64::from_ne_bytes(tail.get(..8)?.try_into().ok()?);
        let hash = u64::from_ne_bytes(tail.get(8..16)?.try_into().ok()?);
        let begin = body.checked_sub(usize::try_from(length).ok()?)?;
        let directory = bytes.get(begin..body)?;
        if tail.get(16..)? != MAGIC || bytes.get(..8)? != MAGIC || xxh3_64(directory) != hash {
            return None;
        }
        let directory: Directory = serde_json::from_slice(directory).ok()?;
        let container = Container {
            bytes: Arc::new(bytes),
            sections: Arc::new(directory.sections),
            facts: Arc::from(directory.facts),
            path: None,
        };
        let whole = begin > CHECKED_BYTES || container.sections.iter().all(|section| container.is_whole(section));
        whole.then_some(container)
    }

    fn is_whole(&self, section: &Section) -> bool {
        self.raw(section).is_some_and(|bytes| xxh3_64(bytes) == section.hash)
    }

    fn raw(&self, section: &Section) -> Option<&[u8]> {
        let size = usize::try_from(section.count).ok()?.checked_mul(width(&section.kind)?)?;
        let offset = usize::try_from(section.offset).ok()?;
        self.bytes.get(offset..offset.checked_add(size)?)
    }

    /// The text given to [`Builder::finish`].
    pub(crate) fn facts(&self) -> &str {
        &self.facts
    }

    /// An array by name; none if there is none of that name and type.
    pub(crate) fn array<T: Plain>(&self, name: &str) -> Option<Array<T>> {
        let section = self.sections.iter().find(|section| section.name == name && section.kind == T::NAME)?;
        Array::new(self.bytes.clone(), usize::try_from(section.offset).ok()?, usize::try_from(section.count).ok()?)
    }

    /// Gives the file a second name, or, where that cannot be, writes the arrays whose names pass to another file. A file
    /// is never changed once it has its name, so both names stay good.
    pub(crate) fn link(&self, path: &Path, keep: impl Fn(&str) -> bool) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let linked = self.path.as_ref().is_some_and(|own| fs::hard_link(own, path).is_ok());
        if linked { Ok(()) } else { self.copy(path, keep) }
    }

    /// Writes the arrays whose names pass, with the same facts, to another file.
    pub(crate) fn copy(&self, path: &Path, keep: impl Fn(&str) -> bool) -> io::Result<()> {
        let mut builder = Builder::file(path)?;
        for section in self.sections.iter().filter(|section| keep(&section.name)) {
            let bytes = self.raw(section).ok_or_else(|| io::Error::other("an array lies outside its file"))?;
            builder.begin()?;
            builder.bytes(bytes)?;
            builder.end(&section.name, &section.kind, section.count);
        }
        builder.finish(&self.facts).map(|_| ())
    }
}

fn width(kind: &str) -> Option<usize> {
    const WIDTHS: &[(&str, usize)] = &[("u8", 1), ("u32", 4), ("u64", 8), ("f32", 4), ("f64", 8)];
    WIDTHS.iter().find(|(name, _)| *name == kind).map(|(_, width)| *width)
}

#[derive(Debug)]
enum Sink {
    Heap(Vec<u64>),
    File { writer: BufWriter<File>, temporary: PathBuf, path: PathBuf },
}

/// A container being written.
pub(crate) struct Builder {
    sink: Sink,
    at: u64,
    start: u64,
    hash: Xxh3,
    sections: Vec<Section>,
}

impl Builder {
    /// A container in memory.
    pub(crate) fn memory() -> Builder {
        Self::new(Sink::Heap(Vec::new()))
    }

    /// A container in a file, which gets its name when it is complete.
    pub(crate) fn file(path: &Path) -> io::Result<Builder> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        // Two writers of one container, in one process or two, must not write into one file.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        name.push(format!(".{}.{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let temporary = path.with_file_name(name);
        let writer = BufWriter::new(File::create(&temporary)?);
        let mut builder = Self::new(Sink::File { writer, temporary, path: path.to_path_buf() });
        builder.bytes(&MAGIC)?;
        Ok(builder)
    }

    fn new(sink: Sink) -> Builder {
        Builder { sink, at: 0, start: 0, hash: Xxh3::new(), sections: Vec::new() }
    }

    /// Adds an array.
    pub(crate) fn write<T: Plain>(&mut self, name: &str, values: impl Iterator<Item = T>) -> io::Result<()> {
        self.begin()?;
        let mut block: Vec<T> = Vec::with_capacity(8192);
        let mut count = 0;
        for value in values {
            block.push(value);
            if block.len() == block.capacity() {
                count += block.len() as u64;
                self.bytes(bytemuck::cast_slice(&block))?;
                block.clear();
            }
        }
        count += block.len() as u64;
        self.bytes(bytemuck::cast_slice(&block))?;
        self.end(name, T::NAME, count);
        Ok(())
    }

    /// Adds the directory, gives a file its name, and opens the result. `facts` is any text.
    pub(crate) fn finish(mut self, facts: &str) -> io::Result<Container> {
        let sections = std::mem::take(&mut self.sections);
        if let Sink::Heap(words) = &mut self.sink {
            let bytes = Arc::new(Bytes::Heap(std::mem::take(words)));
            return Ok(Container { bytes, sections: Arc::new(sections), facts: Arc::from(facts), path: None });
        }
        let directory = serde_json::to_vec(&Directory { sections, facts: facts.to_string() })?;
        self.bytes(&directory)?;
        self.bytes(&(directory.len() as u64).to_ne_bytes())?;
        self.bytes(&xxh3_64(&directory).to_ne_bytes())?;
        self.bytes(&MAGIC)?;
        if let Sink::File { writer, temporary, path } = &mut self.sink {
            writer.flush()?;
            fs::rename(&*temporary, &*path)?;
            if let Some(container) = Container::open(path) {
                return Ok(container);
            }
        }
        Err(io::Error::other("what was written does not read back"))
    }

    fn begin(&mut self) -> io::Result<()> {
        let padding = self.at.next_multiple_of(ALIGNMENT) - self.at;
        self.bytes(&vec![0; padding as usize])?;
        self.start = self.at;
        self.hash = Xxh3::new();
        Ok(())
    }

    fn end(&mut self, name: &str, kind: &str, count: u64) {
        let hash = self.hash.digest();
        self.sections.push(Section { name: name.into(), kind: kind.into(), offset: self.start, count, hash });
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        let (start, end) = (self.at as usize, self.at as usize + bytes.len());
        match &mut self.sink {
            Sink::File { writer, .. } => writer.write_all(bytes)?,
            Sink::Heap(words) => {
                words.resize(end.div_ceil(8), 0);
                bytemuck::cast_slice_mut::<u64, u8>(words)[start..end].copy_from_slice(bytes);
            }
        }
        self.at = end as u64;
        Ok(())
    }
}

impl Drop for Builder {
    /// A file that was not finished leaves nothing behind.
    fn drop(&mut self) {
        if let Sink::File { temporary, .. } = &self.sink {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(mut builder: Builder) -> Container {
        builder.write("ids", [1_u32, 2, 3].into_iter()).unwrap();
        builder.write("none", std::iter::empty::<u64>()).unwrap();
        builder.write("values", (0..20_000).map(f64::from)).unwrap();
        builder.finish("facts").unwrap()
    }

    #[test]
    fn memory_and_file_hold_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for container in
            [write(Builder::memory()), write(Builder::file(&path).unwrap()), Container::open(&path).unwrap()]
        {
            assert_eq!(&*container.array::<u32>("ids").unwrap(), &[1, 2, 3]);
            assert_eq!(container.array::<u64>("none").unwrap().len(), 0);
            assert_eq!(container.array::<f64>("values").unwrap()[19_999], 19_999.0);
            assert!(container.array::<f32>("ids").is_none() && container.array::<u32>("other").is_none());
            assert_eq!(container.facts(), "facts");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the temporary name is gone");
    }

    #[test]
    fn a_copy_holds_the_arrays_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(Builder::memory()).copy(&path, |name| name == "ids").unwrap();
        let copy = Container::open(&path).unwrap();
        assert!(copy.array::<u32>("ids").is_some() && copy.array::<f64>("values").is_none());
    }

    #[test]
    fn a_link_is_the_file_and_survives_it() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&other, "of an earlier run").unwrap();
        write(Builder::file(&own).unwrap()).link(&other, |_| false).unwrap();
        fs::remove_file(&own).unwrap();
        assert_eq!(Container::open(&other).unwrap().array::<f64>("values").unwrap().len(), 20_000);
        write(Builder::memory()).link(&own, |name| name == "ids").unwrap();
        assert!(Container::open(&own).unwrap().array::<u32>("ids").is_some());
    }

    #[test]
    fn damage_anywhere_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut builder = Builder::file(&path).unwrap();
        builder.write("ids", 0..30_u32).unwrap();
        builder.finish("").unwrap();
        let whole = fs::read(&path).unwrap();
        let inside = |at: usize| !(8..64).contains(&at);
        for at in 0..whole.len() {
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Container::open(&path).is_none(), "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            fs::write(&path, &flipped).unwrap();
            assert_eq!(Container::open(&path).is_none(), inside(at), "flipped at {at}; padding may be anything");
        }
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = Builder::file(&dir.path().join("a")).unwrap();
        builder.write("ids", 0..30_u32).unwrap();
        drop(builder);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
