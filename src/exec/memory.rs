//! Memory of a matrix: numbers of its own, or zeros that take no room until they are written.

use std::ops::{Deref, DerefMut};

use memmap2::{MmapMut, MmapOptions};

/// Numbers of a matrix.
pub(super) enum Memory {
    Own(Vec<f32>),
    /// Pages that the system gives when they are first written, aligned to the lines of the cache.
    Pages(MmapMut),
}

impl Memory {
    /// So many zeros. Not a zeroed `Vec`: where the system joins pages to huge ones by itself, a row that is touched would
    /// bring 2 MiB, and a few thousand rows the whole table.
    pub(super) fn zeros(count: usize) -> Self {
        let bytes = count.checked_mul(size_of::<f32>());
        // Without a promise of swap for all of it: most of a large table is never written.
        let pages = bytes.and_then(|bytes| MmapOptions::new().len(bytes).no_reserve_swap().map_anon().ok());
        let Some(pages) = pages else { return Self::Own(vec![0.0; count]) };
        #[cfg(target_os = "linux")]
        // A system without huge pages refuses the advice, and needs none.
        let _refused = pages.advise(memmap2::Advice::NoHugePage);
        Self::Pages(pages)
    }
}

impl Deref for Memory {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Own(numbers) => numbers,
            Self::Pages(pages) => bytemuck::cast_slice(pages),
        }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Own(numbers) => numbers,
            Self::Pages(pages) => bytemuck::cast_slice_mut(pages),
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(to)
    }
}
