//! Passes: each a file, each from a graph to a graph, in the order of one table with reasons.
//!
//! Architecture invariant: a pass sees a graph and the [`Goal`] of its pipeline, nothing else; it knows no spec, no data
//! and no device. The verifier runs around every pass, so the culprit of a broken graph is named.
//!
//! The passes of inference serve rows and requests. For requests, [`request`](mod@request) maps the axis of samples once, early: the
//! item's inputs get a row per candidate, and by inference so does all that follows from them and nothing else.

pub mod absorb;
pub mod attend;
pub mod clip;
pub mod contract;
pub mod differentiate;
pub mod direct;
pub mod expand;
pub mod fold;
pub mod freeze;
pub mod hoist;
pub mod optimise;
pub mod order;
pub mod prune;
pub mod request;
pub mod reveal;
pub mod root;
pub mod share;
pub mod split_linear;
pub mod trace;

use crate::diag::Diagnostic;
use crate::ir::graph::Graph;
use crate::ir::op::Fault;
use crate::ir::verify::{Stage, verify};
use crate::syntax::spec::TrainSpec;

use trace::Trace;

/// What a graph is instantiated for.
#[derive(Clone, Copy, Debug)]
pub enum Goal<'a> {
    /// A training step: losses, gradients, updates.
    Train(&'a TrainSpec),
    /// Losses and the gradient of every trained parameter as outputs `d.PARAMETER`, no updates: what tests compare.
    Gradients,
    /// Losses and the scores and labels of metrics, as in serving: no dropout, running statistics.
    Evaluate,
    /// Outputs alone; no label is read.
    Predict,
    /// As [`Goal::Predict`], of requests: one user and any number of candidates, each with its own row of every output.
    Request,
}

/// A pass.
#[derive(Clone, Copy)]
pub struct Pass {
    /// A verb.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&Graph, Goal) -> Result<Graph, Fault>,
}

/// A pass that broke the graph or could not do its work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("pass `{pass}`: {message}")]
pub struct PassError {
    /// Its name.
    pub pass: &'static str,
    /// What went wrong.
    pub message: String,
}

impl PassError {
    pub(crate) fn of(pass: &'static str, fault: Fault) -> Self {
        Self { pass, message: fault.title }
    }
}

/// For a training step.
const TRAIN: &[Pass] = &[
    Pass { name: "root", run: root::root }, // first: what is not asked for is not worth a pass
    Pass { name: "prune", run: prune::prune },
    Pass { name: "expand", run: expand::expand }, // before folding: dropout of rate 0 is a product with 1
    Pass { name: "fold", run: fold::fold },
    Pass { name: "order", run: order::order }, // before whatever looks at the order of operands or adds up in it
    Pass { name: "contract", run: contract::contract }, // before differentiating: its derivatives are contractions too
    Pass { name: "hoist", run: hoist::hoist }, // before derivatives: their layers are outside then too
    Pass { name: "attend", run: attend::attend }, // before derivatives: its own keeps no pairs
    Pass { name: "fold", run: fold::fold },    // heads stay side by side, so their splits and merges cancel
    Pass { name: "split_linear", run: split_linear::split_linear }, // before sharing: it exposes equal parts
    Pass { name: "share", run: share::share }, // before differentiating: half as many gradients
    Pass { name: "differentiate", run: |graph, _| differentiate::differentiate(graph) },
    Pass { name: "clip", run: clip::clip }, // between the gradients and their use
    Pass { name: "optimise", run: optimise::optimise },
    Pass { name: "fold", run: fold::fold }, // derivatives repeat along axes that their readers broadcast over anyway
    Pass { name: "share", run: share::share }, // the two sides of a product often compute the same
    Pass { name: "absorb", run: absorb::absorb }, // after sharing: a layer that is read twice stays by itself
    Pass { name: "prune", run: prune::prune }, // last: every pass may leave values without a reader
];

/// For gradients alone.
const GRADIENTS: &[Pass] = &[
    Pass { name: "root", run: root::root },
    Pass { name: "prune", run: prune::prune },
    Pass { name: "expand", run: expand::expand },
    Pass { name: "fold", run: fold::fold },
    Pass { name: "order", run: order::order },
    Pass { name: "contract", run: contract::contract },
    Pass { name: "hoist", run: hoist::hoist },
    Pass { name: "attend", run: attend::attend },
    Pass { name: "fold", run: fold::fold },
    Pass { name: "split_linear", run: split_linear::split_linear },
    Pass { name: "share", run: share::share },
    Pass { name: "differentiate", run: |graph, _| differentiate::differentiate(graph) },
    Pass { name: "fold", run: fold::fold },
    Pass { name: "share", run: share::share },
    Pass { name: "absorb", run: absorb::absorb },
    Pass { name: "prune", run: prune::prune },
];

/// For evaluation, prediction and requests.
const INFER: &[Pass] = &[
    Pass { name: "root", run: root::root },
    Pass { name: "prune", run: prune::prune },
    Pass { name: "reveal", run: reveal::reveal }, // what a cloze hides in serving is no input of it
    Pass { name: "freeze", run: freeze::freeze }, // before folding: a frozen batch norm is arithmetic on weights
    Pass { name: "request", run: request::request }, // before all that looks at spaces: splits, attention, sharing
    Pass { name: "fold", run: fold::fold },
    Pass { name: "order", run: order::order },
    Pass { name: "contract", run: contract::contract },
    Pass { name: "hoist", run: hoist::hoist },
    Pass { name: "attend", run: attend::attend },
    Pass { name: "fold", run: fold::fold },
    Pass { name: "split_linear", run: split_linear::split_linear },
    Pass { name: "direct", run: direct::direct }, // before sharing: it may repeat a place
    Pass { name: "share", run: share::share },
    Pass { name: "absorb", run: absorb::absorb },
    Pass { name: "prune", run: prune::prune },
];

/// The passes of a goal, in order.
pub fn pipeline(goal: Goal) -> &'static [Pass] {
    match goal {
        Goal::Train(_) => TRAIN,
        Goal::Gradients => GRADIENTS,
        Goal::Evaluate | Goal::Predict | Goal::Request => INFER,
    }
}

/// Instantiates a model graph.
///
/// # Errors
/// A pass that breaks the graph, a fault of specrec; or, of [`Goal::Request`], a model that knows no candidate.
pub fn instantiate(model: &Graph, goal: Goal, mut trace: Option<&mut Trace>) -> Result<Graph, PassError> {
    let mut graph = model.clone();
    for pass in pipeline(goal) {
        let next = (pass.run)(&graph, goal).map_err(|fault| PassError::of(pass.name, fault))?;
        verify(&next, Stage::Model).map_err(|findings| PassError { pass: pass.name, message: first(&findings) })?;
        if let Some(trace) = trace.as_deref_mut() {
            trace.record(pass.name, &graph, &next);
        }
        graph = next;
    }
    let stage = match goal {
        Goal::Train(_) | Goal::Gradients | Goal::Evaluate => Stage::Training,
        Goal::Predict | Goal::Request => Stage::Inference,
    };
    verify(&graph, stage).map_err(|findings| PassError { pass: "the pipeline", message: first(&findings) })?;
    Ok(graph)
}

fn first(findings: &[Diagnostic]) -> String {
    findings.first().map(|finding| finding.title.clone()).unwrap_or_default()
}
