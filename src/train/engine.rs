//! One set of parameters, and the graphs that read and change it, on a backend.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Device;

use crate::exec::candle::{Outputs, Reference, Schedule};
use crate::exec::error::ExecError;
use crate::exec::feed::Feed;
use crate::exec::host::Host;
use crate::exec::profile::{Profile, Recorder};
use crate::exec::prologue::{Prepared, Prologue};
use crate::exec::weights::Weights;
use crate::ir::graph::Graph;
use crate::ir::op::Noise;

/// Where graphs are computed.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Block loops on this many threads of the CPU.
    Host {
        /// Threads.
        threads: usize,
    },
    /// The reference, on any device of Candle.
    Candle(Device),
}

impl Default for Backend {
    /// The host, on all cores.
    fn default() -> Self {
        Self::Host { threads: std::thread::available_parallelism().map_or(1, usize::from) }
    }
}

impl Backend {
    /// Which arithmetic it is: the number of threads changes no bit, so it is not part of the name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Host { .. } => "cpu",
            Self::Candle(Device::Cpu) => "cpu without fusion",
            Self::Candle(_) => "cuda",
        }
    }
}

/// Parameters, in the memory of a backend.
#[derive(Debug)]
pub struct Params {
    weights: Weights,
    reference: Option<Reference>,
}

/// A graph, ready to be computed.
#[derive(Debug)]
pub struct Engine {
    prologue: Prologue,
    graph: Graph,
    host: Option<Host>,
    rows: BTreeMap<String, usize>,
    profile: Option<Profile>,
    /// Of the reference; the host has its own.
    recorder: Recorder,
}

impl Params {
    /// Moves parameters to a backend.
    ///
    /// # Errors
    /// The device has no room.
    pub fn new(weights: Weights, backend: &Backend) -> Result<Self, ExecError> {
        let reference = match backend {
            Backend::Host { .. } => None,
            Backend::Candle(device) => Some(Reference::new(&weights, device.clone())?),
        };
        Ok(Self { weights, reference })
    }

    /// The parameters as they are now.
    ///
    /// # Errors
    /// The device fails.
    pub fn weights(&mut self) -> Result<&Weights, ExecError> {
        if let Some(reference) = &self.reference {
            reference.store(&mut self.weights)?;
        }
        Ok(&self.weights)
    }
}

impl Engine {
    /// Plans a graph whose tables have `rows` rows.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn new(graph: Graph, rows: BTreeMap<String, usize>, backend: &Backend) -> Result<Self, ExecError> {
        let host = match backend {
            Backend::Host { threads } => Some(Host::new(graph.clone(), *threads)?),
            Backend::Candle(_) => None,
        };
        let (profile, recorder) = (None, Recorder::default());
        Ok(Self { prologue: Prologue::of(&graph), graph, host, rows, profile, recorder })
    }

    /// Measures from now on what the time of each step goes to.
    pub fn start_profile(&mut self, threads: usize) {
        let profile = Profile::new(threads);
        match &mut self.host {
            Some(host) => host.record(Some(&profile)),
            None => self.recorder = profile.recorder(),
        }
        self.profile = Some(profile);
    }

    /// What was measured, if anything is.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Says from when to when the batch of the next step was prepared.
    pub fn prepared(&mut self, time: (Instant, Instant)) {
        if let Some(profile) = &mut self.profile {
            profile.prepared(time);
        }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The host's plan and memory, if the host computes.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// What can be done before the step, on another thread.
    pub fn preparation(&self) -> Preparation {
        Preparation { prologue: self.prologue.clone(), graph: self.graph.clone(), rows: self.rows.clone() }
    }

    /// Computes one batch.
    ///
    /// # Errors
    /// As the backend's step.
    pub fn step(
        &mut self,
        params: &mut Params,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Outputs, ExecError> {
        let start = Instant::now();
        let outputs = match (&mut self.host, &mut params.reference) {
            (Some(host), None) => host.step(&mut params.weights, batch, schedule, noise),
            (_, Some(reference)) => reference.recorded_step(&self.graph, batch, schedule, noise, &mut self.recorder),
            (None, None) => Err(ExecError::Device("parameters and graph are on different backends".to_owned())),
        }?;
        if let Some(profile) = &mut self.profile {
            let tracks = match &mut self.host {
                Some(host) => host.recorded(),
                None => vec![self.recorder.take()],
            };
            profile.add(&self.graph, &batch.rows, tracks, start);
        }
        Ok(outputs)
    }

    /// The first value of a step that is not finite, found by the reference.
    ///
    /// # Errors
    /// As the reference's step, and for a table that would have to be drawn in full.
    pub fn first_not_finite(
        &self,
        params: &mut Params,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Option<String>, ExecError> {
        let weights = params.weights()?;
        if let Some((name, _)) = weights.iter().find(|(_, matrix)| matrix.rest().is_some()) {
            return Err(ExecError::Device(format!("table `{name}` is too large for the reference backend")));
        }
        let reference = Reference::new(weights, Device::Cpu)?;
        reference.first_not_finite(&self.graph, batch, schedule, noise)
    }
}

/// Makes batches ready for a graph.
#[derive(Clone, Debug)]
pub struct Preparation {
    prologue: Prologue,
    graph: Graph,
    rows: BTreeMap<String, usize>,
}

impl Preparation {
    /// Makes one batch ready.
    ///
    /// # Errors
    /// The batch does not fit the graph.
    pub fn prepare(&self, feed: &Feed, noise: Noise) -> Result<Prepared, ExecError> {
        self.prologue.prepare(&self.graph, feed, &self.rows, noise)
    }
}
