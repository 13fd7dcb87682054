//! A training run from a spec to its results, in a run directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use xxhash_rust::xxh3::Xxh3;

use super::checkpoint::{self, Progress, State};
use super::engine::{Backend, Engine, Params};
use super::evaluate::{Subject, evaluate, name};
use super::failure::{pass_failed, step_failed};
use super::fingerprint::{Fingerprint, hash};
use super::fit::{Observer, Run, Setting, fit, measurement, monitor};
use super::floor::floors;
use super::inner::{self, Inner};
use super::occurrence::occurrences;
use super::profile;
use super::protocol::protocol;
use super::results::{Results, report};
use super::run_dir::{About, BEST, GRAPH, GRAPHS, LAST, REPORT, RunDir, SPEC, Start};
use super::{table_rows, wants};
use crate::data::{self, Dataset};
use crate::diag::{Diagnostic, Diags};
use crate::exec::weights::Weights;
use crate::ir::graph::Graph;
use crate::lower::Program;
use crate::pass::{Goal, instantiate};
use crate::syntax::spec::{Part, Spec};

/// How a run is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The run directory; `runs/NAME` when absent.
    pub dir: Option<PathBuf>,
    /// What becomes of a run that is there already.
    pub start: Start,
    /// Where to compute.
    pub backend: Backend,
    /// A checkpoint every so many steps, besides those at validations and once a minute.
    pub checkpoint_every: Option<u64>,
    /// Whether to measure what the time of training steps goes to.
    pub profile: bool,
    /// How data is opened.
    pub data: data::Options,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run directory.
    pub dir: PathBuf,
    /// Where it stands.
    pub progress: Progress,
    /// What it came to; none if it was stopped before the end.
    pub results: Option<Results>,
    /// What the time of its training steps went to, as a table, if that was asked for.
    pub profile: Option<String>,
}

/// The graphs of a program.
pub(super) struct Graphs {
    train: Graph,
    evaluate: Graph,
    predict: Graph,
}

impl Graphs {
    pub(super) fn of(spec: &Spec, program: &Program) -> Result<Self, Diagnostic> {
        let graph = |goal| instantiate(&program.graph, goal, None).map_err(pass_failed);
        Ok(Self {
            train: graph(Goal::Train(&spec.train))?,
            evaluate: graph(Goal::Evaluate)?,
            predict: graph(Goal::Predict)?,
        })
    }
}

/// Trains a spec, validates, and measures the best weights on the test part. What `eval` and `predict` need stands in the
/// run directory afterwards. None, with findings, if something is wrong.
pub fn train(
    spec: &Spec,
    program: &Program,
    options: &Options,
    observer: &mut dyn Observer,
    diags: &mut Diags,
) -> Option<Outcome> {
    trained(spec, program, options, observer, diags).map_err(|finding| diags.push(finding)).ok().flatten()
}

fn trained(
    spec: &Spec,
    program: &Program,
    options: &Options,
    observer: &mut dyn Observer,
    diags: &mut Diags,
) -> Result<Option<Outcome>, Diagnostic> {
    let path = options.dir.clone().unwrap_or_else(|| PathBuf::from("runs").join(&spec.name.name));
    // Before the data is read, which may take long.
    let dir = RunDir::create(&path, options.start)?;
    let graphs = Graphs::of(spec, program)?;
    let inputs = wants(&[&graphs.train, &graphs.evaluate]);
    let Some(mut dataset) = data::open(spec, &inputs, &options.data, diags) else { return Ok(None) };
    let files = dataset.files(&spec.base);
    let mut found = Xxh3::new();
    found.update(serde_json::to_string(dataset.report()).unwrap_or_default().as_bytes());
    files.iter().for_each(|file| found.update(file.as_bytes()));
    for run in inner::runs(spec, &[&graphs.train, &graphs.evaluate, &graphs.predict]) {
        if let Some(warning) = inner::same_rows(run, &spec.base, &files, &dataset) {
            diags.push(warning);
        }
        let mut inner = Inner::open(run, &spec.base, &options.backend)?;
        let numbers = inner.of_samples(&dataset, &spec.base)?;
        let along = run.value.along.as_ref().map(|along| along.name.as_str());
        dataset.put(inner.name(), along, inner.width(), &numbers);
        numbers.iter().for_each(|number| found.update(&number.to_le_bytes()));
    }
    let rows = table_rows(&[&graphs.train, &graphs.evaluate], |table| dataset.rows_of(table))?;
    let fingerprint = Fingerprint::of(spec, found.digest(), options.backend.name());
    let fresh = State { seed: spec.train.seed, identity: identity(program), ..State::default() };
    let mut warnings = std::mem::take(diags);
    let resumed = match options.start {
        Start::Resume => resume(&dir, &fresh, (&graphs.train, &rows), &fingerprint, &mut warnings)?,
        Start::New | Start::Force => None,
    };
    observer.opened(dataset.report(), warnings.list());
    let (weights, state) = match resumed {
        Some(resumed) => resumed,
        None => {
            let about = About { name: spec.name.name.clone(), fingerprint: fingerprint.clone(), files };
            let Some(mut given) = data::vectors(spec, &program.tables, &dataset, diags) else { return Ok(None) };
            begin(&dir, spec, program, &graphs, &dataset, &about)?;
            given.extend(occurrences(&graphs.train, &dataset, &rows)?);
            let initial = Weights::initial(&graphs.train, &rows, &given, fresh.seed);
            (initial.map_err(step_failed)?, fresh)
        }
    };
    let backend = &options.backend;
    let engine = |graph: Graph| Engine::new(graph, rows.clone(), backend).map_err(step_failed);
    let mut run = Run {
        trainer: engine(graphs.train)?,
        evaluator: engine(graphs.evaluate)?,
        params: Params::new(weights, backend).map_err(step_failed)?,
    };
    let (metrics, train) = (&program.metrics, &spec.train);
    let checkpoint_every = options.checkpoint_every;
    let setting = Setting { train, metrics, dataset: &dataset, dir: &dir, state, checkpoint_every };
    if options.profile {
        run.trainer.start_profile(profile::threads(backend));
    }
    let (progress, finished) = fit(&mut run, &setting, observer)?;
    let profile = profile::finish(&run.trainer, backend, &dir)?;
    let mut outcome = Outcome { dir: path, progress, results: None, profile };
    if finished {
        if outcome.progress.best.is_some() {
            let (best, _) = checkpoint::load(&dir.file(BEST))?;
            run.params = Params::new(best, backend).map_err(step_failed)?;
        }
        outcome.results = results(&mut run, spec, &setting, &outcome.progress, observer)?;
    }
    if let Some(results) = &outcome.results {
        let text = report(&spec.name.name, results, dataset.report(), &fingerprint);
        dir.write(REPORT, text.as_bytes())?;
    }
    Ok(Some(outcome))
}

/// What weights belong to: a checkpoint of another model graph does not fit.
pub(super) fn identity(program: &Program) -> String {
    hash(program.graph.to_string().as_bytes())
}

/// Writes what is known before the first step; `run.json` last, since it says that the rest is there.
fn begin(
    dir: &RunDir,
    spec: &Spec,
    program: &Program,
    graphs: &Graphs,
    dataset: &Dataset,
    about: &About,
) -> Result<(), Diagnostic> {
    dir.clear()?;
    let mut own = spec.clone();
    for run in &mut own.runs {
        let kept = inner::kept_in(run);
        dir.keep(&spec.base.join(&run.value.run.value), &kept)?;
        run.value.run.value = kept;
    }
    dir.write(SPEC, crate::syntax::print::print(&own).as_bytes())?;
    dir.write(GRAPH, program.graph.to_string().as_bytes())?;
    for (name, graph) in GRAPHS.iter().zip([&graphs.train, &graphs.evaluate, &graphs.predict]) {
        dir.write(name, graph.to_string().as_bytes())?;
    }
    dataset.save(dir.path()).map_err(|why| super::run_dir::cannot_write(dir.path(), &why))?;
    dir.write_about(about)
}

/// The last checkpoint of a run; none if it was stopped before there was one, and then it begins anew.
fn resume(
    dir: &RunDir,
    fresh: &State,
    (graph, rows): (&Graph, &BTreeMap<String, usize>),
    now: &Fingerprint,
    warnings: &mut Diags,
) -> Result<Option<(Weights, State)>, Diagnostic> {
    if !dir.file(LAST).is_file() {
        return Ok(None);
    }
    let differences = dir.about()?.fingerprint.differences(now);
    let (weights, state) = checkpoint::load(&dir.file(LAST))?;
    if state.identity != fresh.identity || !weights.fit(graph, rows) {
        let title = format!("`{}` is the run of another model, or of other data", dir.path().display());
        let finding = Diagnostic::new("E0616", title).help("take the spec, settings and data that it was started with");
        let finding = differences.into_iter().fold(finding, Diagnostic::note);
        return Err(finding.help("`--run DIR` begins a run elsewhere, `--force` replaces this one"));
    }
    if !differences.is_empty() {
        let title = "the run goes on where its bits may not be those of an uninterrupted one";
        warnings.push(differences.into_iter().fold(Diagnostic::new("W0601", title), Diagnostic::note));
    }
    dir.forget_after(state.progress.validated)?;
    Ok(Some((weights, State { seed: fresh.seed, ..state })))
}

/// Measures the chosen weights, on validation once more and on test for the only time.
fn results(
    run: &mut Run,
    spec: &Spec,
    setting: &Setting,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Option<Results>, Diagnostic> {
    let Setting { train, metrics, dataset, .. } = *setting;
    let mut results =
        Results::new(monitor(train, metrics).0, progress, protocol(spec, metrics, |table| dataset.rows_of(table)));
    for part in [Part::Valid, Part::Test] {
        if dataset.is_empty(part) {
            continue;
        }
        let subject = Subject { dataset, metrics, part, batch: train.batch as usize };
        let measured = evaluate(&mut run.evaluator, &mut run.params, subject, &mut || observer.stop())?;
        let Some(evaluation) = measured else { return Ok(None) };
        if part == Part::Test {
            let line = measurement(name(part), progress.step, progress.epoch + 1, &evaluation);
            setting.dir.append_measurement(&line)?;
        }
        results.add(name(part), evaluation, floors(dataset, metrics, part));
    }
    Ok(Some(results))
}
