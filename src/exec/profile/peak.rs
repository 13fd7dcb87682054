//! What the machine can do at most, measured in a fraction of a second.

use std::time::Instant;

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::super::error::ExecError;
use super::super::kernels::large::product;

/// Height and width of the matrices that are multiplied: large enough for the best rate of a core.
const SIDE: usize = 1024;

/// Numbers of each of the two buffers that are streamed through: beyond the caches.
const NUMBERS: usize = 1 << 25;

/// How often each is tried; the best counts.
const TRIES: usize = 4;

/// Rates of some threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Floating-point operations a second in a product of large f32 matrices.
    pub flops: f64,
    /// Bytes a second, read and written, from memory to memory.
    pub bytes: f64,
}

impl Peak {
    /// Measures them on so many threads.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn measure(threads: usize) -> Result<Self, ExecError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| ExecError::Device(format!("cannot start {threads} threads: {error}")))?;
        let (a, mut out) = (vec![1.0; SIDE * SIDE], vec![0.0; SIDE * SIDE]);
        let seconds = pool.install(|| best(|| product([SIDE; 3], &a, [SIDE, 1], &a, &mut out, threads)));
        let flops = 2.0 * (SIDE * SIDE * SIDE) as f64 / seconds;
        let (from, mut to) = (vec![1.0f32; NUMBERS], vec![1.0f32; NUMBERS]);
        let part = NUMBERS / (threads * 8).max(1);
        let seconds = pool.install(|| {
            best(|| {
                let parts = to.par_chunks_mut(part.max(1)).zip(from.par_chunks(part.max(1)));
                parts.for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, from)| *to = 2.0 * from));
            })
        });
        Ok(Self { flops, bytes: (2 * 4 * NUMBERS) as f64 / seconds })
    }
}

/// The shortest time, in seconds.
fn best(mut run: impl FnMut()) -> f64 {
    let times = (0..TRIES).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE)
}
