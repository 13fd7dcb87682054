//! Batches built ahead on another thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::batch::{Batch, Damaged, build};
use super::bundle::DataBundle;
use super::order::{Order, Permutation};
use super::samples::Samples;
use crate::diag::Diagnostic;
use crate::syntax::spec::Part;

/// Batches that may wait to be taken.
const AHEAD: usize = 4;

/// The batches of a part, in order. Dropping it stops the thread that builds them.
#[derive(Debug)]
pub struct Batches {
    batches: Option<Receiver<Result<Batch, Diagnostic>>>,
    thread: Option<JoinHandle<()>>,
}

/// What to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) part: Part,
    pub(crate) batch_size: usize,
    pub(crate) order: Order,
    pub(crate) from_batch: u64,
}

impl Batches {
    pub(crate) fn start(bundle: Arc<DataBundle>, samples: Arc<Samples>, request: Request) -> Batches {
        Batches::over(move |send| {
            let range = samples.range(request.part);
            let permutation = Permutation::new(request.order, range.len());
            let size = request.batch_size.max(1) as u64;
            let mut at = request.from_batch.saturating_mul(size);
            while at < range.len() as u64 {
                let end = (at + size).min(range.len() as u64);
                let places: Vec<u32> = (at..end).map(|at| (range.start as u64 + permutation.at(at)) as u32).collect();
                if !send(build(&bundle, &samples, &places, request.part).map_err(damaged)) {
                    return;
                }
                at = end;
            }
        })
    }

    /// Runs a producer on a thread of its own. It hands over a batch at a time and stops when told that nobody listens.
    pub(crate) fn over(
        produce: impl FnOnce(&mut dyn FnMut(Result<Batch, Diagnostic>) -> bool) + Send + 'static,
    ) -> Batches {
        let (sender, receiver) = sync_channel(AHEAD);
        let work = move || produce(&mut |batch| sender.send(batch).is_ok());
        let thread = std::thread::Builder::new().name("batches".into()).spawn(work);
        Batches { batches: Some(receiver), thread: thread.ok() }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.as_ref()?.recv().ok()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without a receiver the next hand-over fails, which ends the thread.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn damaged(_: Damaged) -> Diagnostic {
    Diagnostic::new("E0519", "the column cache is damaged")
        .help("delete it; it is written again at the next start. Another program may have changed it while it was read")
}
