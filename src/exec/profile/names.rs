//! What tasks are called, in the table and in the trace alike.

use super::{Profile, Task};
use crate::ir::graph::{Graph, NodeId};

/// Names of the tasks of a profile.
pub(super) struct Names<'a> {
    graph: &'a Graph,
    /// Places of the loops in the plan, in order: people count loops, not steps of the plan.
    loops: Vec<usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(profile: &Profile, graph: &'a Graph) -> Self {
        let of_loop = |task: &Task| if let Task::Loop(at) = task { Some(*at) } else { None };
        Self { graph, loops: profile.totals().keys().filter_map(of_loop).collect() }
    }

    /// A task by itself.
    pub(super) fn of(&self, task: Task) -> String {
        match task {
            Task::Step => "step".to_owned(),
            Task::Prologue => "prologue".to_owned(),
            Task::Loop(at) => self.loop_of(at),
            Task::Combine(_) => "partial results combined".to_owned(),
            Task::Block(at) => format!("block of {}", self.loop_of(at)),
            Task::Entry(_, id) | Task::Whole(id) => self.node(id),
            Task::Effect(at) => {
                let effect = self.graph.effects().get(at);
                let target = effect.and_then(|effect| effect.targets.first());
                let target = target.map_or("", |&id| self.graph.param(id).name.as_str());
                format!("{} @{target}", effect.map_or("", |effect| effect.op.name()))
            }
        }
    }

    /// `loop 2`.
    pub(super) fn loop_of(&self, at: usize) -> String {
        format!("loop {}", self.loops.iter().position(|&own| own == at).map_or(0, |place| place + 1))
    }

    /// `linear %score`.
    fn node(&self, id: NodeId) -> String {
        let node = self.graph.node(id);
        let result = node.results.first().map_or("", |&result| self.graph.value(result).name.as_str());
        format!("{} %{result}", node.op.name())
    }
}
