//! Arrays of plain numbers, in memory or in a mapped file; one type for both, so that one code path reads both.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use memmap2::Mmap;

/// What an array may hold: numbers of which every bit pattern is a value.
pub(crate) trait Plain: bytemuck::Pod {
    /// The type's name in the directory of a container.
    const NAME: &'static str;
}

impl Plain for u8 {
    const NAME: &'static str = "u8";
}
impl Plain for u32 {
    const NAME: &'static str = "u32";
}
impl Plain for u64 {
    const NAME: &'static str = "u64";
}
impl Plain for f32 {
    const NAME: &'static str = "f32";
}
impl Plain for f64 {
    const NAME: &'static str = "f64";
}

/// The bytes behind arrays.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// Memory; words rather than bytes, so that every element type is aligned.
    Heap(Vec<u64>),
    /// A file.
    Mapped(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Heap(words) => bytemuck::cast_slice(words),
            Bytes::Mapped(map) => map,
        }
    }
}

/// Maps a whole file that nobody changes any more.
#[allow(unsafe_code, reason = "a file cannot be mapped otherwise")]
pub(crate) fn map(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::Heap(Vec::new()));
    }
    // SAFETY: the map is read-only and `Mmap` keeps it alive for as long as it is borrowed. The bytes must not change
    // while they are borrowed: the files mapped here are either unlinked scratch files that only this process knows, or
    // containers, which are written under a temporary name, renamed when complete, and never opened for writing again
    // (a new version is another file of the same name). Only u8 and number types of which every bit pattern is a value
    // are read from it, after their range and alignment have been checked.
    let map = unsafe { Mmap::map(file) }?;
    Ok(Bytes::Mapped(map))
}

/// A range of some bytes, read as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Array<T> {
    bytes: Arc<Bytes>,
    offset: usize,
    count: usize,
    kind: PhantomData<T>,
}

impl<T: Plain> Array<T> {
    /// The elements that begin at `offset`; none if they do not lie inside the bytes or are not aligned.
    pub(crate) fn new(bytes: Arc<Bytes>, offset: usize, count: usize) -> Option<Array<T>> {
        let end = count.checked_mul(size_of::<T>())?.checked_add(offset)?;
        let range = bytes.get(offset..end)?;
        bytemuck::try_cast_slice::<u8, T>(range).ok()?;
        Some(Array { bytes, offset, count, kind: PhantomData })
    }

    /// An array in memory.
    pub(crate) fn from_slice(values: &[T]) -> Array<T> {
        let mut words = vec![0_u64; size_of_val(values).div_ceil(8)];
        let bytes: &[u8] = bytemuck::cast_slice(values);
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Array { bytes: Arc::new(Bytes::Heap(words)), offset: 0, count: values.len(), kind: PhantomData }
    }
}

impl<T: Plain> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let range = &self.bytes[self.offset..self.offset + self.count * size_of::<T>()];
        // An empty range may have any address, hence no cast of it.
        if range.is_empty() { &[] } else { bytemuck::cast_slice(range) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_outside_its_bytes_or_askew_is_none() {
        let bytes = Arc::new(Bytes::Heap(vec![1, 2]));
        assert_eq!(Array::<u64>::new(bytes.clone(), 8, 1).as_deref(), Some(&[2][..]));
        assert!(Array::<u64>::new(bytes.clone(), 8, 2).is_none());
        assert!(Array::<u32>::new(bytes.clone(), 2, 1).is_none());
        assert!(Array::<u32>::new(bytes.clone(), 16, usize::MAX).is_none());
        assert_eq!(Array::<f32>::new(bytes, 16, 0).as_deref(), Some(&[][..]));
        assert_eq!(&*Array::from_slice(&[1.5_f32, 2.5, 3.5]), &[1.5, 2.5, 3.5]);
    }
}
