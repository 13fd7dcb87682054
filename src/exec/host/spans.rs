//! Which rows of a space belong to a run of the elements that a loop is cut at.

use std::ops::Range;
use std::sync::Arc;

use crate::ir::axis::AxisId;
use crate::ir::rows::Rows;
use crate::ir::types::Space;

/// The rows of one space.
pub(super) struct Spans {
    /// Where the rows of each element begin, and one entry more.
    starts: Arc<[u32]>,
    /// For a space without the axis of the elements: the sample of each of them, whose rows it reads, all of them.
    samples: Option<Arc<[u32]>>,
}

impl Spans {
    /// Of a space, in a loop that is cut at `cut`.
    pub(super) fn of(space: &Space, cut: AxisId, rows: &Rows) -> Self {
        match space.axes().first() {
            Some(&batch) if !space.has(cut) => {
                let samples = rows.element(&rows.axes().close(&[cut]), batch);
                Self { starts: rows.starts(space, batch), samples: Some(samples) }
            }
            _ => Self { starts: rows.starts(space, cut), samples: None },
        }
    }

    /// The rows of some elements, of which there is one at least.
    pub(super) fn rows(&self, elements: &Range<usize>) -> Range<usize> {
        let (from, to) = match &self.samples {
            None => (elements.start, elements.end),
            Some(samples) => (samples[elements.start] as usize, samples[elements.end - 1] as usize + 1),
        };
        self.starts[from] as usize..self.starts[to] as usize
    }

    /// Where the rows of each of some elements begin, and one entry more; of a space that has their axis.
    pub(super) fn each(&self, elements: &Range<usize>) -> &[u32] {
        &self.starts[elements.start..=elements.end]
    }
}
