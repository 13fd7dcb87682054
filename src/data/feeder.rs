//! Batches built ahead on another thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::batch::{Batch, Choice, Damaged, build};
use super::bundle::DataBundle;
use super::order::{Order, Permutation};
use super::outside::Outside;
use super::samples::Samples;
use crate::diag::Diagnostic;
use crate::syntax::spec::Part;

/// Batches that may wait to be taken.
const AHEAD: usize = 4;

/// Things in order, made on another thread. Dropping it stops that thread.
#[derive(Debug)]
pub struct Ahead<T> {
    made: Option<Receiver<Result<T, Diagnostic>>>,
    thread: Option<JoinHandle<()>>,
}

/// The batches of a part, in order.
pub type Batches = Ahead<Batch>;

/// What to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) part: Part,
    pub(crate) batch_size: usize,
    pub(crate) order: Order,
    pub(crate) from_batch: u64,
}

/// Starts to build the batches of a request.
pub(crate) fn start(
    bundle: Arc<DataBundle>,
    samples: Arc<Samples>,
    outside: Arc<Outside>,
    request: Request,
) -> Batches {
    Ahead::of(move |send| {
        let range = samples.range(request.part);
        let made = bundle.plan.made_of_a_row();
        let count = range.len() as u64 * made;
        let stores = bundle.stores();
        // Validation and test draw the same whatever the order.
        let turn = if request.part == Part::Train { request.order.turn() } else { None };
        let permutation = Permutation::new(request.order, count as usize);
        let size = request.batch_size.max(1) as u64;
        let mut at = request.from_batch.saturating_mul(size);
        while at < count {
            let end = at.saturating_add(size).min(count);
            let made_samples: Vec<u64> = (at..end).map(|at| permutation.at(at)).collect();
            let places: Vec<u32> = made_samples.iter().map(|at| (range.start as u64 + at / made) as u32).collect();
            let copies: Vec<u32> = made_samples.iter().map(|at| (at % made) as u32).collect();
            let choice = Choice { places: &places, copies: &copies, part: request.part, turn };
            let mut batch = build(&stores, &samples, &choice).map_err(damaged);
            if let Ok(built) = &mut batch
                && let Err(finding) = outside.fill(built)
            {
                batch = Err(finding);
            }
            if !send(batch) {
                return;
            }
            at = end;
        }
    })
}

impl<T: Send + 'static> Ahead<T> {
    /// Runs a producer on a thread of its own. It hands over one thing at a time and stops when told that nobody listens.
    pub(crate) fn of(produce: impl FnOnce(&mut dyn FnMut(Result<T, Diagnostic>) -> bool) + Send + 'static) -> Ahead<T> {
        let (sender, receiver) = sync_channel(AHEAD);
        let own = sender.clone();
        let work = move || produce(&mut |made| sender.send(made).is_ok());
        let thread = std::thread::Builder::new().name("batches".into()).spawn(work);
        if let Err(error) = &thread {
            let _ = own.send(Err(Diagnostic::new("E0503", format!("no thread can be started to read data: {error}"))));
        }
        Ahead { made: Some(receiver), thread: thread.ok() }
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = Result<T, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(made) = self.made.as_ref()?.recv() {
            return Some(made);
        }
        // The thread has ended. If by a panic, what came so far is not all, and must not pass for it.
        let broken = self.thread.take().is_some_and(|thread| thread.join().is_err());
        broken.then(|| Err(Diagnostic::new("E0503", "reading data broke off")))
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // Without a receiver the next hand-over fails, which ends the thread.
        self.made = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn damaged(_: Damaged) -> Diagnostic {
    Diagnostic::new("E0512", "the column cache is damaged")
        .help("delete it; it is written again at the next start. Another program may have changed it while it was read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_it_ends_the_thread() {
        let mut numbers = Ahead::of(|send| (0..).take_while(|&number: &u64| send(Ok(number))).for_each(drop));
        assert_eq!(numbers.next(), Some(Ok(0)));
        assert_eq!(numbers.next(), Some(Ok(1)));
        // The test ends only if the endless producer does.
        drop(numbers);
    }

    #[test]
    fn a_panic_is_an_error_and_not_the_end() {
        let mut numbers = Ahead::of(|send| {
            send(Ok(0));
            panic!("on purpose");
        });
        assert_eq!(numbers.next(), Some(Ok(0)));
        assert!(numbers.next().is_some_and(|last| last.is_err()));
        assert!(numbers.next().is_none());
    }
}
