//! Kernels of the effects: optimisers in place. A table by operation; an effect without a row is computed by Candle.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use crate::ir::graph::{Effect, Graph};

use super::super::prologue::Prepared;
use super::super::weights::Matrix;
use super::block::Data;

/// What a kernel sees.
pub(super) struct Update<'a> {
    pub(super) effect: &'a Effect,
    pub(super) reads: &'a [Data<'a>],
    pub(super) graph: &'a Graph,
    pub(super) batch: &'a Prepared,
    pub(super) pool: &'a rayon::ThreadPool,
}

/// Changes the targets.
pub(super) type Kernel = fn(&Update, &mut [Matrix]);

/// Alphabetical.
const UPDATES: &[(&str, Kernel)] = &[("assign", assign)];

/// The kernel of an effect.
pub(super) fn find(name: &str) -> Option<Kernel> {
    UPDATES.iter().find(|(known, _)| *known == name).map(|&(_, kernel)| kernel)
}

fn assign(update: &Update, targets: &mut [Matrix]) {
    if let (Some(Data::F32(value)), [target]) = (update.reads.first(), targets) {
        target.data.copy_from_slice(value);
    }
}
