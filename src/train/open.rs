//! A trained run, opened from its directory alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{self, State};
use super::engine::{Backend, Engine, Params};
use super::evaluate::{Subject, evaluate};
use super::failure::{pass_failed, step_failed};
use super::fit::monitor;
use super::inner::{Inner, runs};
use super::predict::Predictor;
use super::results::Results;
use super::run::identity;
use super::run_dir::{BEST, LAST, RunDir, SPEC};
use super::{table_rows, wants};
use crate::data::{DataBundle, Dataset};
use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::weights::Weights;
use crate::ir::graph::Graph;
use crate::lower::{Program, lower};
use crate::pass::root::alone;
use crate::pass::{Goal, PassError, instantiate};
use crate::syntax::spec::{Part, Spec};

/// A run with its best weights, or its last ones where no validation chose.
#[derive(Debug)]
pub struct Trained {
    /// The spec that it was trained from.
    pub spec: Spec,
    /// Its program.
    pub program: Program,
    /// The weights.
    pub weights: Weights,
    /// Where they stand in the run.
    pub state: State,
    dir: RunDir,
}

/// Opens a run directory; none, with findings, if it is none or damaged.
pub fn open(path: &Path, sources: &mut Sources, diags: &mut Diags) -> Option<Trained> {
    let mut note = |finding: Diagnostic| diags.push(finding);
    let dir = RunDir::open(path).map_err(&mut note).ok()?;
    let text = dir.read(SPEC).map_err(&mut note).ok()?;
    let name = dir.file(SPEC).display().to_string();
    let spec = crate::syntax::load_text(&name, &text, path, &[], sources, diags)?;
    // A warning about the spec was given when it was trained.
    let mut findings = Diags::default();
    let program = lower(&spec, sources, &mut findings);
    if findings.has_errors() {
        diags.extend(findings);
    }
    let program = program.filter(|_| !diags.has_errors())?;
    let chosen = if dir.file(BEST).is_file() { BEST } else { LAST };
    match checkpoint::load(&dir.file(chosen)) {
        Ok((weights, state)) => Some(Trained { spec, program, weights, state, dir }),
        Err(finding) => {
            diags.push(finding);
            None
        }
    }
}

impl Trained {
    /// Measures the weights on a part of the samples that the run keeps.
    pub fn evaluate(&self, part: Part, backend: &Backend, diags: &mut Diags) -> Option<Results> {
        self.evaluated(part, backend, diags).map_err(|finding| diags.push(finding)).ok().flatten()
    }

    fn evaluated(&self, part: Part, backend: &Backend, diags: &mut Diags) -> Result<Option<Results>, Diagnostic> {
        let (spec, program) = (&self.spec, &self.program);
        let graph = instantiate(&program.graph, Goal::Evaluate, None).map_err(pass_failed)?;
        let Some(dataset) = Dataset::load(self.dir.path(), spec, &wants(&[&graph]), diags) else { return Ok(None) };
        let rows = table_rows(&[&graph], |table| dataset.rows_of(table))?;
        self.fits(&graph, &rows)?;
        if dataset.is_empty(part) {
            let title = format!("the run has no samples in {}", super::evaluate::name(part));
            return Err(Diagnostic::new("E0615", title).help("`split` of the samples says what is in which part"));
        }
        let mut engine = Engine::new(graph, rows, backend).map_err(step_failed)?;
        let mut params = Params::new(self.weights.clone(), backend).map_err(step_failed)?;
        let subject = Subject { dataset: &dataset, metrics: &program.metrics, part, batch: spec.train.batch as usize };
        let evaluation = evaluate(&mut engine, &mut params, subject, &mut || false)?;
        let mut results = Results::new(monitor(&spec.train, &program.metrics).0, &self.state.progress);
        let measured = self.dir.measurements().into_iter().filter_map(|line| line.get("step")?.as_u64());
        results.steps = measured.max().unwrap_or(results.steps);
        results.parts.extend(evaluation.map(|evaluation| (part, evaluation)));
        Ok(Some(results))
    }

    /// What scores new rows.
    pub fn predictor(&self, backend: &Backend, diags: &mut Diags) -> Option<Predictor> {
        self.predicts(backend, diags).map_err(|finding| diags.push(finding)).ok().flatten()
    }

    fn predicts(&self, backend: &Backend, diags: &mut Diags) -> Result<Option<Predictor>, Diagnostic> {
        self.scorer(&self.program.graph, backend, diags)
    }

    /// What computes a value of `model` or an output for rows of other data.
    pub(super) fn value(&self, name: &str, backend: &Backend, diags: &mut Diags) -> Option<Predictor> {
        let graph = &self.program.graph;
        let Some(value) = graph.output(name).or_else(|| graph.find(name)) else {
            diags.push(Diagnostic::new("E0207", format!("`{}` has no value `{name}`", self.dir.path().display())));
            return None;
        };
        let alone = alone(graph, value, name).map_err(|fault| pass_failed(PassError::of("alone", fault)));
        let scorer = alone.and_then(|alone| self.scorer(&alone, backend, diags));
        scorer.map_err(|finding| diags.push(finding)).ok().flatten()
    }

    /// What computes the outputs of a model graph.
    fn scorer(&self, model: &Graph, backend: &Backend, diags: &mut Diags) -> Result<Option<Predictor>, Diagnostic> {
        let spec = &self.spec;
        let graph = instantiate(model, Goal::Predict, None).map_err(pass_failed)?;
        let Some(bundle) = DataBundle::load(self.dir.path(), spec, &wants(&[&graph]), diags) else { return Ok(None) };
        let rows = table_rows(&[&graph], |table| bundle.rows_of(table))?;
        self.fits(&graph, &rows)?;
        let inner = runs(spec, &[&graph]);
        let inner = inner.into_iter().map(|run| Inner::open(run, self.dir.path(), backend));
        let inner = inner.collect::<Result<Vec<_>, _>>()?;
        let engine = Engine::new(graph, rows, backend).map_err(step_failed)?;
        let params = Params::new(self.weights.clone(), backend).map_err(step_failed)?;
        Ok(Some(Predictor::new(engine, params, Arc::new(bundle), inner)))
    }

    /// Whether the weights are of this spec and data.
    fn fits(&self, graph: &Graph, rows: &BTreeMap<String, usize>) -> Result<(), Diagnostic> {
        if self.state.identity == identity(&self.program) && self.weights.fit(graph, rows) {
            return Ok(());
        }
        let title = format!("the weights in `{}` are of another model, or of other data", self.dir.path().display());
        Err(Diagnostic::new("E0616", title).help("a run directory is copied as a whole"))
    }
}
