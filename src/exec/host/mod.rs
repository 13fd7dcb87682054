//! The host backend: slots of plain memory, block loops over samples, kernels on slices.
//!
//! Architecture invariant: no result depends on the number of threads. Blocks and chunks are cut from the batch's shape;
//! what threads share is read only, or cut into disjoint parts.

mod arrange;
mod attend;
mod block;
mod candidate;
mod compare;
mod effect;
mod entry;
mod exchange;
mod first;
mod group;
mod looping;
mod reduction;
mod scan;
mod several;
mod spans;
mod stage;
mod sums;
mod table;
mod team;
mod update;
mod varying;
mod vocabulary;
mod whole;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::ir::graph::{Def, Graph, NodeId, ParamId, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::Noise;

use super::candle::{Outputs, Schedule};
use super::error::ExecError;
use super::feed::Column;
use super::plan::{Home, Inventory, Plan, Step, plan};
use super::profile::{Profile, Recorder, Span, Task};
use super::prologue::Prepared;
use super::weights::Weights;

use block::Data;
use entry::Loop;

/// A graph, planned and with its kernels chosen, and the memory of its steps.
pub struct Host {
    graph: Graph,
    plan: Plan,
    loops: BTreeMap<usize, Loop>,
    tables: BTreeMap<ParamId, first::Touched>,
    /// Values that outlive a loop; grown to the largest batch seen.
    slots: Vec<Column>,
    /// One set of buffers a thread.
    scratch: Vec<Mutex<looping::Scratch>>,
    pool: Arc<rayon::ThreadPool>,
    /// Of the thread that calls; the others have one in their scratch.
    recorder: Recorder,
}

/// What this backend has kernels for.
struct Kernels;

impl Inventory for Kernels {
    fn stage(&self, graph: &Graph, node: NodeId) -> bool {
        stage::find(graph, graph.node(node)).is_some() || several::find(graph, graph.node(node)).is_some()
    }

    fn reduction(&self, graph: &Graph, node: NodeId) -> bool {
        reduction::find(graph, graph.node(node)).is_some()
    }

    fn whole(&self, graph: &Graph, node: NodeId) -> bool {
        whole::find(graph, graph.node(node)).is_some()
    }
}

/// What the steps of one graph read besides slots.
struct Sources<'a> {
    weights: &'a Weights,
    batch: &'a Prepared,
    schedule: BTreeMap<ValueId, [f32; 1]>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Host").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Host {
    /// Plans a graph for `threads` threads.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(graph: Graph, threads: usize) -> Result<Self, ExecError> {
        let plan = plan(&graph, &Kernels);
        let mut loops = BTreeMap::new();
        for (at, step) in plan.steps.iter().enumerate() {
            if let Step::Loop(block) = step {
                loops.insert(at, Loop::new(&graph, &plan, block)?);
            }
        }
        let threads = threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| ExecError::Device(format!("cannot start {threads} threads: {error}")))?;
        let (pool, slots) = (Arc::new(pool), vec![Column::F32(Vec::new()); plan.slots]);
        let scratch = (0..threads).map(|_| Mutex::default()).collect();
        let tables = first::touched(&graph, &plan.prologue);
        Ok(Self { graph, plan, loops, tables, slots, scratch, pool, recorder: Recorder::default() })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Bytes of the slots and of the threads' buffers, as large as the largest batch made them.
    pub fn bytes(&self) -> usize {
        let slots = self.slots.iter().map(|slot| match slot {
            Column::F32(values) => values.capacity() * 4,
            Column::U32(values) => values.capacity() * 4,
        });
        let scratch = self.scratch.iter().map(|scratch| looping::own(scratch).bytes());
        slots.sum::<usize>() + scratch.sum::<usize>()
    }

    /// Notes from now on what the time of each step goes to, for a profile, or no more.
    pub fn record(&mut self, profile: Option<&Profile>) {
        let recorder = || profile.map(Profile::recorder).unwrap_or_default();
        self.recorder = recorder();
        self.scratch.iter().for_each(|scratch| looping::own(scratch).recorder = recorder());
    }

    /// What was noted since the last time: of the thread that calls, then of each thread of the loops.
    pub fn recorded(&mut self) -> Vec<Vec<Span>> {
        let threads = self.scratch.iter().map(|scratch| looping::own(scratch).recorder.take());
        std::iter::once(self.recorder.take()).chain(threads).collect()
    }

    /// Computes every node, then every effect, and gives losses and outputs.
    ///
    /// # Errors
    /// A node fails, or the weights or the batch lack something; then no parameter has changed.
    pub fn step(
        &mut self,
        weights: &mut Weights,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Outputs, ExecError> {
        // The whole step is the pool's: a caller beside it would take a core from one of its threads.
        let pool = Arc::clone(&self.pool);
        pool.install(|| self.compute(weights, batch, schedule, noise))
    }

    fn compute(
        &mut self,
        weights: &mut Weights,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Outputs, ExecError> {
        for (id, _) in self.graph.params() {
            weights.of(&self.graph, id)?;
        }
        first::draw(self, weights, batch);
        let numbers = self.numbers(schedule)?;
        let steps = std::mem::take(&mut self.plan.steps);
        let done = self.nodes(&steps, &Sources { weights, batch, schedule: numbers.clone() }, noise);
        self.plan.steps = steps;
        done?;
        let outputs = self.outputs(weights, batch, &numbers)?;
        super::candle::finite(&self.graph, &outputs)?;
        for at in 0..self.graph.effects().len() {
            let start = self.recorder.now();
            effect::run(self, at, weights, batch, &numbers, noise)?;
            self.recorder.note(Task::Effect(at), start);
        }
        Ok(outputs)
    }

    fn nodes(&mut self, steps: &[Step], sources: &Sources, noise: Noise) -> Result<(), ExecError> {
        for (at, step) in steps.iter().enumerate() {
            let start = self.recorder.now();
            let task = match step {
                Step::Whole(id) => {
                    whole::run(self, *id, sources, noise)?;
                    Task::Whole(*id)
                }
                Step::Loop(block) => {
                    looping::run(self, at, block, sources, noise)?;
                    Task::Loop(at)
                }
            };
            self.recorder.note(task, start);
        }
        Ok(())
    }

    fn numbers(&self, schedule: &Schedule) -> Result<BTreeMap<ValueId, [f32; 1]>, ExecError> {
        let mut numbers = BTreeMap::new();
        for (_, input) in self.graph.inputs() {
            if let InputSource::Schedule(name) = &input.source {
                let number = schedule.get(name).ok_or_else(|| ExecError::MissingInput(name.clone()))?;
                numbers.insert(input.value, [*number]);
            }
        }
        Ok(numbers)
    }

    fn outputs(
        &self,
        weights: &Weights,
        batch: &Prepared,
        numbers: &BTreeMap<ValueId, [f32; 1]>,
    ) -> Result<Outputs, ExecError> {
        let sources = Sources { weights, batch, schedule: numbers.clone() };
        let mut outputs = Outputs::new();
        for root in self.graph.losses().iter().chain(self.graph.outputs()) {
            let column = match self.read(root.value, &sources)? {
                Data::F32(values) => Column::F32(values.to_vec()),
                Data::U32(values) => Column::U32(values.to_vec()),
            };
            outputs.insert(root.name.clone(), column);
        }
        Ok(outputs)
    }

    /// Every number of a value that does not live in scratch.
    fn read<'a>(&'a self, value: ValueId, sources: &'a Sources) -> Result<Data<'a>, ExecError> {
        let missing = || ExecError::NotKnown(self.graph.value(value).name.clone());
        match (self.graph.value(value).def, self.plan.homes.get(&value)) {
            (Def::Param(id), _) => Ok(Data::F32(sources.weights.of(&self.graph, id)?.memory())),
            (_, Some(Home::Batch)) => match (sources.schedule.get(&value), sources.batch.values.get(&value)) {
                (Some(number), _) => Ok(Data::F32(number)),
                (None, Some(Column::F32(values))) => Ok(Data::F32(values)),
                (None, Some(Column::U32(values))) => Ok(Data::U32(values)),
                (None, None) => Err(missing()),
            },
            (_, Some(&Home::Slot(slot))) => {
                let len = self.len(value, sources.batch);
                match self.slots.get(slot) {
                    Some(Column::F32(values)) => values.get(..len).map(Data::F32).ok_or_else(missing),
                    Some(Column::U32(values)) => values.get(..len).map(Data::U32).ok_or_else(missing),
                    None => Err(missing()),
                }
            }
            _ => Err(missing()),
        }
    }

    /// How many numbers a value has in this batch.
    fn len(&self, value: ValueId, batch: &Prepared) -> usize {
        let ty = self.graph.ty(value);
        batch.rows.count(&ty.space) * ty.height as usize * ty.width as usize
    }

    /// Takes the memory of a value's slot, at least as long as the value; its old numbers are of no one.
    fn take_slot(&mut self, value: ValueId, batch: &Prepared) -> (usize, Vec<f32>) {
        let len = self.len(value, batch);
        let Some(&Home::Slot(slot)) = self.plan.homes.get(&value) else { return (usize::MAX, vec![0.0; len]) };
        let mut memory = match self.slots.get_mut(slot).map(|slot| std::mem::replace(slot, Column::U32(Vec::new()))) {
            Some(Column::F32(values)) => values,
            _ => Vec::new(),
        };
        if memory.len() < len {
            memory.resize(len, 0.0);
        }
        (slot, memory)
    }

    fn put_slot(&mut self, slot: usize, column: Column) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = column;
        }
    }
}
