//! What a thread notes while it works: how long it was at what.

use std::time::Instant;

use crate::ir::graph::NodeId;

/// What time goes to. Loops are named by their place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// All of a step.
    Step,
    /// What is computed of a batch before the step.
    Prologue,
    /// A block loop, from its first preparation to its last result.
    Loop(usize),
    /// The end of a loop: partial results of its chunks are combined.
    Combine(usize),
    /// A block of a loop, on one thread.
    Block(usize),
    /// A node of a loop in one block, on one thread.
    Entry(usize, NodeId),
    /// A node by itself.
    Whole(NodeId),
    /// An effect, by its place in the graph.
    Effect(usize),
}

/// A time that went to a task, in nanoseconds since the origin of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What.
    pub task: Task,
    /// From.
    pub start: u64,
    /// To.
    pub end: u64,
}

/// Notes the spans of one thread. It reads no clock and keeps nothing until it is turned on.
#[derive(Debug, Default)]
pub struct Recorder {
    origin: Option<Instant>,
    spans: Vec<Span>,
}

impl Recorder {
    /// One that is on.
    pub fn since(origin: Instant) -> Self {
        Self { origin: Some(origin), spans: Vec::new() }
    }

    /// Whether it notes anything.
    pub fn is_on(&self) -> bool {
        self.origin.is_some()
    }

    /// The time; 0 while it is off.
    pub fn now(&self) -> u64 {
        self.origin.map_or(0, |origin| nanoseconds(origin, Instant::now()))
    }

    /// Notes a task that ends now, and gives the time, at which the next one begins: the clock is read once a task.
    pub fn note(&mut self, task: Task, start: u64) -> u64 {
        let Some(origin) = self.origin else { return 0 };
        let end = nanoseconds(origin, Instant::now());
        self.spans.push(Span { task, start, end });
        end
    }

    /// Hands over what was noted. The memory stays, so that the next step is spared growing it.
    pub fn take(&mut self) -> Vec<Span> {
        let spans = self.spans.clone();
        self.spans.clear();
        spans
    }
}

pub(super) fn nanoseconds(origin: Instant, at: Instant) -> u64 {
    at.saturating_duration_since(origin).as_nanos() as u64
}
