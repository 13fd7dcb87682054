//! Shares work among the threads of a pool. The calling thread is one of them, and begins at once: a small loop is done before
//! others wake.

use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;

/// Runs over every item, with the number of the thread that has it: no two that run at once have the same.
pub(super) fn each<T: Send>(pool: &ThreadPool, items: &mut [T], run: impl Fn(&mut T, usize) + Sync) {
    let threads = pool.current_num_threads().min(items.len());
    let waiting = Mutex::new(items.iter_mut());
    let work = |thread: usize| {
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some(item) = next() {
            run(item, thread);
        }
    };
    if threads <= 1 {
        return work(0);
    }
    pool.in_place_scope(|scope| {
        for thread in 1..threads {
            let work = &work;
            scope.spawn(move |_| work(thread));
        }
        work(0);
    });
}
