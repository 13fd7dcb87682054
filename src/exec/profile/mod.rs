//! Where the time of a step goes: what threads noted, step by step, summed by task and set against what the batch asked for.
//!
//! Sums are over all steps after the first few, which fill caches and grow buffers. Of single spans only those of the last
//! steps are kept, so that a trace stays small however long the run is.

mod names;
mod peak;
mod span;
mod table;
mod trace;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::cost::{bytes, changed_bytes, flops};
use crate::ir::graph::Graph;
use crate::ir::rows::Rows;

pub use peak::Peak;
pub use span::{Recorder, Span, Task};
pub use table::table;
pub use trace::trace;

/// Steps that count only until there are others.
const WARM_UP: u64 = 5;

/// Most spans that are kept, which make a trace of about 7 MB.
const SPANS: usize = 60_000;

/// Steps of one graph, as they were measured.
#[derive(Debug)]
pub struct Profile {
    origin: Instant,
    threads: usize,
    seen: u64,
    counted: u64,
    totals: BTreeMap<Task, Total>,
    /// The prologue of the next step.
    prologue: Option<Span>,
    /// Whether prologues ran before their step began, on another thread.
    beside: bool,
    /// The last steps: spans by track.
    kept: VecDeque<Vec<Vec<Span>>>,
}

/// What one task came to. Of the nodes of a loop, time is that of all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Time.
    pub nanoseconds: u64,
    /// How often.
    pub calls: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// What is read and written, whether or not it comes from a cache.
    pub bytes: u64,
}

impl Profile {
    /// Of steps on so many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            origin: Instant::now(),
            threads: threads.max(1),
            seen: 0,
            counted: 0,
            totals: BTreeMap::new(),
            prologue: None,
            beside: false,
            kept: VecDeque::new(),
        }
    }

    /// A recorder of one thread.
    pub fn recorder(&self) -> Recorder {
        Recorder::since(self.origin)
    }

    /// Threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Steps that the totals are of.
    pub fn steps(&self) -> u64 {
        self.counted
    }

    /// Sums by task.
    pub fn totals(&self) -> &BTreeMap<Task, Total> {
        &self.totals
    }

    /// Whether batches are prepared before their step begins, on a thread of their own.
    pub fn is_beside(&self) -> bool {
        self.beside
    }

    /// The batch of the next step was prepared in this time, before or beside the step.
    pub fn prepared(&mut self, (start, end): (Instant, Instant)) {
        let at = |instant| span::nanoseconds(self.origin, instant);
        self.prologue = Some(Span { task: Task::Prologue, start: at(start), end: at(end) });
    }

    /// Adds a step of `graph` that began at `start` and ends now: what each thread noted, that which called the step first.
    pub fn add(&mut self, graph: &Graph, rows: &Rows, mut tracks: Vec<Vec<Span>>, start: Instant) {
        let step = Span {
            task: Task::Step,
            start: span::nanoseconds(self.origin, start),
            end: span::nanoseconds(self.origin, Instant::now()),
        };
        tracks.resize(self.threads + 2, Vec::new());
        tracks[0].push(step);
        if let Some(prologue) = self.prologue.take() {
            self.beside = prologue.start < step.start;
            tracks[if self.beside { self.threads + 1 } else { 0 }].push(prologue);
        }
        if self.seen == WARM_UP {
            self.totals.clear();
            self.counted = 0;
        }
        self.seen += 1;
        self.counted += 1;
        let mut own: BTreeMap<Task, Total> = BTreeMap::new();
        for span in tracks.iter().flatten() {
            let total = own.entry(span.task).or_default();
            total.nanoseconds += span.end - span.start;
            total.calls += 1;
        }
        for (task, own) in own {
            let (flops, bytes) = asked_for(task, graph, rows);
            let total = self.totals.entry(task).or_default();
            total.nanoseconds += own.nanoseconds;
            total.calls += own.calls;
            total.flops += flops;
            total.bytes += bytes;
        }
        self.keep(tracks);
    }

    /// Of a step with too many spans each thread keeps its first ones; what they lie in, on the first track, stays.
    fn keep(&mut self, mut tracks: Vec<Vec<Span>>) {
        let (most, all) = (SPANS.saturating_sub(tracks[0].len()), tracks[1..].iter().map(Vec::len).sum::<usize>());
        if all > most {
            tracks[1..].iter_mut().for_each(|track| track.truncate(track.len() * most / all));
        }
        self.kept.push_back(tracks);
        let spans = |kept: &VecDeque<Vec<Vec<Span>>>| kept.iter().flatten().map(Vec::len).sum::<usize>();
        while self.kept.len() > 1 && spans(&self.kept) > SPANS {
            self.kept.pop_front();
        }
    }
}

/// Floating-point operations and bytes of a task with the rows of one batch.
fn asked_for(task: Task, graph: &Graph, rows: &Rows) -> (u64, u64) {
    match task {
        Task::Entry(_, id) | Task::Whole(id) => {
            let node = graph.node(id);
            (flops(graph, node, rows), bytes(graph, node, rows))
        }
        Task::Effect(at) => (0, graph.effects().get(at).map_or(0, |effect| changed_bytes(graph, effect, rows))),
        _ => (0, 0),
    }
}
