//! A trained run, opened from its directory alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{self, State};
use super::engine::{Backend, Engine, Params};
use super::evaluate::{Subject, evaluate, evaluate_batches, name};
use super::failure::{pass_failed, step_failed};
use super::fingerprint::hash;
use super::fit::monitor;
use super::floor::floors;
use super::inner::{Inner, fill};
use super::predict::{BATCH, Predictor};
use super::protocol::protocol;
use super::results::Results;
use super::run::identity;
use super::run_dir::{BEST, GRAPH, LAST, RunDir, SPEC};
use super::{table_rows, wants};
use crate::data::{DataBundle, Dataset, Raw, predict_rows};
use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::weights::Weights;
use crate::ir::graph::Graph;
use crate::lower::{Metric, MetricOf, Program, lower};
use crate::pass::root::alone;
use crate::pass::{Goal, PassError, instantiate};
use crate::syntax::spec::{AxisOrigin, Part, Per, Spec};

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
    let mut program = program.filter(|_| !diags.has_errors())?;
    let chosen = if dir.file(BEST).is_file() { BEST } else { LAST };
    let (weights, state) = checkpoint::load(&dir.file(chosen)).map_err(|finding| diags.push(finding)).ok()?;
    if identity(&program) != state.identity
        && let Some(graph) = kept(&dir, &state, sources)
    {
        program.graph = graph;
    }
    Some(Trained { spec, program, weights, state, dir })
}

/// The graph that a run was trained with, as its directory has it: another version of specrec may word the graph of the same
/// spec otherwise.
fn kept(dir: &RunDir, state: &State, sources: &mut Sources) -> Option<Graph> {
    let text = dir.read(GRAPH).ok().filter(|text| hash(text.as_bytes()) == state.identity)?;
    let file = sources.add(dir.file(GRAPH).display().to_string(), text.as_str());
    crate::ir::read::read(&text, file, crate::prim::REGISTRY).ok()
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
            let title = format!("the run has no samples in {}", name(part));
            return Err(Diagnostic::new("E0615", title).help("`split` of the samples says what is in which part"));
        }
        let mut engine = Engine::new(graph, rows, backend).map_err(step_failed)?;
        let mut params = Params::new(self.weights.clone(), backend).map_err(step_failed)?;
        let subject = Subject { dataset: &dataset, metrics: &program.metrics, part, batch: spec.train.batch as usize };
        let evaluation = evaluate(&mut engine, &mut params, subject, &mut || false)?;
        let protocol = protocol(spec, &program.metrics, |table| dataset.rows_of(table));
        let mut results = self.results(protocol);
        if let Some(evaluation) = evaluation {
            results.add(name(part), evaluation, floors(&dataset, &program.metrics, part));
        }
        Ok(Some(results))
    }

    /// Measures the weights on new rows, in the format of the samples' source, labels included. Metrics group by texts, so
    /// users that training did not know are told apart.
    pub fn evaluate_rows(&self, input: &Path, backend: &Backend, diags: &mut Diags) -> Option<Results> {
        self.evaluated_rows(input, backend, diags).map_err(|finding| diags.push(finding)).ok().flatten()
    }

    fn evaluated_rows(
        &self,
        input: &Path,
        backend: &Backend,
        diags: &mut Diags,
    ) -> Result<Option<Results>, Diagnostic> {
        let is_list = |origin: &AxisOrigin| matches!(origin, AxisOrigin::List { .. });
        if self.spec.samples.per != Per::Row || self.spec.axes.iter().any(|axis| is_list(&axis.value.origin)) {
            let title = "measuring new rows of a run whose samples are users or lists is not supported yet";
            return Err(Diagnostic::new("E0451", title).help("without `--input` its own parts are measured"));
        }
        let metrics = &self.program.metrics;
        let Some((mut engine, bundle)) = self.engine(&self.program.graph, Goal::Evaluate, backend, diags)? else {
            return Ok(None);
        };
        let bundle = Arc::new(bundle.labelled());
        let mut params = Params::new(self.weights.clone(), backend).map_err(step_failed)?;
        let mut inner = Inner::all(&self.spec, engine.graph(), self.dir.path(), backend)?;
        let mut streams = Inner::streams(&mut inner, &bundle, input)?;
        let mut keep: Vec<String> = metrics.iter().filter_map(by).collect();
        keep.sort_unstable();
        keep.dedup();
        let Some(batches) = predict_rows(&bundle, input, BATCH, &keep, diags) else { return Ok(None) };
        let mut codes: Vec<BTreeMap<String, u32>> = vec![BTreeMap::new(); keep.len()];
        let batches = batches.map(|raw| {
            let Raw { mut batch, kept, .. } = raw?;
            fill(&mut streams, &mut batch.feed, None)?;
            for ((name, texts), codes) in keep.iter().zip(&kept).zip(&mut codes) {
                let mut code = |text: &Option<String>| {
                    let next = codes.len() as u32 + 1;
                    text.as_ref().map_or(0, |text| *codes.entry(text.clone()).or_insert(next))
                };
                batch.keys.insert(name.clone(), texts.iter().map(&mut code).collect());
            }
            Ok(batch)
        });
        let evaluation = evaluate_batches(&mut engine, &mut params, metrics, batches)?;
        let protocol = protocol(&self.spec, metrics, |table| bundle.rows_of(table));
        let mut results = self.results(protocol);
        results.add("rows", evaluation, Vec::new());
        Ok(Some(results))
    }

    /// Results of this run without a part measured yet. The weights know the steps before them, the measurements all of them.
    fn results(&self, protocol: Vec<String>) -> Results {
        let monitor = monitor(&self.spec.train, &self.program.metrics).0;
        let mut results = Results::new(monitor, &self.state.progress, protocol);
        let measured = self.dir.measurements().into_iter().filter_map(|line| line.get("step")?.as_u64());
        results.steps = measured.max().unwrap_or(results.steps);
        results
    }

    /// A graph of a model, ready to be computed with this run's weights, and its data section.
    fn engine(
        &self,
        model: &Graph,
        goal: Goal,
        backend: &Backend,
        diags: &mut Diags,
    ) -> Result<Option<(Engine, DataBundle)>, Diagnostic> {
        let graph = instantiate(model, goal, None).map_err(pass_failed)?;
        let bundle = DataBundle::load(self.dir.path(), &self.spec, &wants(&[&graph]), diags);
        let Some(bundle) = bundle else { return Ok(None) };
        let rows = table_rows(&[&graph], |table| bundle.rows_of(table))?;
        self.fits(&graph, &rows)?;
        Ok(Some((Engine::new(graph, rows, backend).map_err(step_failed)?, bundle)))
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
        let Some((engine, bundle)) = self.engine(model, Goal::Predict, backend, diags)? else { return Ok(None) };
        let inner = Inner::all(&self.spec, engine.graph(), self.dir.path(), backend)?;
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

/// The column that a metric groups rows by.
fn by(metric: &Metric) -> Option<String> {
    match &metric.of {
        MetricOf::Samples { by: Some(by), .. } => Some(by.name.clone()),
        _ => None,
    }
}
