//! `specrec train`: from a spec to a run directory with the best weights and the test metrics.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::console::Console;
use super::device::{DeviceArguments, backend};
use super::opened::{self, Opened, compile};
use crate::data::{Options, open};
use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::weights::Weights;
use crate::pass::Goal;
use crate::syntax::spec::Part;
use crate::train::checkpoint::{self, Progress, State};
use crate::train::engine::{Engine, Params};
use crate::train::evaluate::{Evaluation, evaluate};
use crate::train::fit::{Observer, Run, Setting, fit, monitor};
use crate::train::run::{self, Identity};
use crate::train::schedule::Length;
use crate::train::{step_failed, table_rows, wants};

/// Train a spec, validate after every epoch, and measure the best weights on the test part.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Spec file.
    spec: PathBuf,
    /// Replace a value: `--set train.batch=1024`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Seed of initial values, shuffles, dropout and draws; the spec's when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Run directory; `runs/NAME` when absent.
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on from the run directory's last checkpoint.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace a run that is already there.
    #[arg(long)]
    force: bool,
    /// A checkpoint every so many steps, besides those at validations.
    #[arg(long, value_name = "STEPS")]
    checkpoint_every: Option<u64>,
    /// Stop after this step with a checkpoint, as if interrupted.
    #[arg(long, value_name = "STEP", hide = true)]
    stop_after: Option<u64>,
    #[command(flatten)]
    device: DeviceArguments,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let done = train(arguments, console, &mut sources, &mut diags);
    if let Err(finding) = done {
        diags.push(finding);
    }
    let failed = diags.has_errors();
    console.findings(diags.list(), &sources);
    if failed { Exit::Failure } else { Exit::Success }
}

fn train(arguments: &Arguments, console: &Console, sources: &mut Sources, diags: &mut Diags) -> Result<(), Diagnostic> {
    let Some(Opened { mut spec, program }) = compile(&arguments.spec, &arguments.sets, sources, diags) else {
        return Ok(());
    };
    spec.train.seed = arguments.seed.unwrap_or(spec.train.seed);
    let seed = spec.train.seed;
    let dir = arguments.run.clone().unwrap_or_else(|| PathBuf::from("runs").join(&spec.name.name));
    let last = dir.join("last.safetensors");
    if last.exists() && !arguments.resume && !arguments.force {
        let title = format!("`{}` holds a run already", dir.display());
        let help = "`--resume` goes on with it, `--run DIR` takes another place, `--force` replaces it";
        return Err(Diagnostic::new("E0614", title).help(help));
    }
    let backend = backend(&arguments.device, console)?;
    let trainer = opened::graph(&program, Goal::Train(&spec.train))?;
    let evaluator = opened::graph(&program, Goal::Evaluate)?;

    let wants = wants(&[&trainer, &evaluator]);
    let Some(dataset) = open(&spec, &wants, &Options::default(), diags) else { return Ok(()) };
    console.note(&dataset.report().to_string());
    console.findings(std::mem::take(diags).list(), sources);
    if dataset.is_empty(Part::Train) {
        return Err(Diagnostic::new("E0615", "the train part has no samples, so there is nothing to train on"));
    }
    let rows = table_rows(&[&trainer, &evaluator], |table| dataset.rows_of(table))?;
    let identity = Identity::of(&spec, &program, &dataset, seed);
    // A run that was killed before its first checkpoint has nothing to go on with, so it begins again.
    let goes_on = arguments.resume && (last.exists() || run::identity(&dir)? != identity);
    let (weights, state) = match goes_on {
        true => resumed(&dir, &last, &identity, console)?,
        false => {
            if arguments.force {
                forget(&dir);
            }
            run::begin(&dir, &spec, &program, &dataset, &identity)?;
            let weights = Weights::initial(&trainer, &rows, &std::collections::BTreeMap::new(), seed);
            (weights.map_err(step_failed)?, State { seed, identity: identity.model(), ..State::default() })
        }
    };
    let mut run = Run {
        trainer: Engine::new(trainer, rows.clone(), &backend).map_err(step_failed)?,
        evaluator: Engine::new(evaluator, rows, &backend).map_err(step_failed)?,
        params: Params::new(weights, &backend).map_err(step_failed)?,
    };
    let setting = Setting {
        train: &spec.train,
        metrics: &program.metrics,
        dataset: &dataset,
        dir: &dir,
        state,
        checkpoint_every: arguments.checkpoint_every,
        stop_after: arguments.stop_after,
    };
    let mut screen = Screen::new(*console, &dir, &spec.train);
    let progress = fit(&mut run, &setting, &mut screen)?;
    screen.bar.finish_and_clear();
    if let Some(error) = screen.error.take() {
        return Err(error);
    }
    if !progress.finished {
        console.note(&format!("stopped after step {}; `--resume` goes on", progress.step));
        return Ok(());
    }
    let (best, _) = checkpoint::load(&dir.join("best.safetensors"))?;
    run.params = Params::new(best, &backend).map_err(step_failed)?;
    report(&mut run, &setting, &progress, console)
}

/// The last checkpoint of a run, if it is one of this spec and data.
fn resumed(
    dir: &std::path::Path,
    last: &std::path::Path,
    identity: &Identity,
    console: &Console,
) -> Result<(Weights, State), Diagnostic> {
    let before = run::identity(dir)?;
    let (weights, state) = checkpoint::load(last)?;
    if state.identity != identity.model() {
        let title = format!("`{}` is a run of another spec or of other data", dir.display());
        return Err(Diagnostic::new("E0616", title)
            .help("take the spec, settings and data that it was started with, or another `--run DIR`"));
    }
    if before != *identity {
        let what = if before.cpu == identity.cpu { "program, seed or place" } else { "processor" };
        let warning = Diagnostic::new("W0601", format!("the run was started by another {what}"))
            .note("its next steps may differ in the last bits from those of an uninterrupted run");
        console.findings(&[warning], &Sources::default());
    }
    run::forget_after(dir, &state.progress)?;
    Ok((weights, state))
}

/// Removes what a run that is replaced left; what cannot be removed is overwritten.
fn forget(dir: &std::path::Path) {
    for name in ["last.safetensors", "best.safetensors", "metrics.jsonl", "report.md"] {
        let _was_not_there = std::fs::remove_file(dir.join(name));
    }
}

/// Measures the best weights, on validation once more and on test for the only time, and prints and keeps the table.
fn report(run: &mut Run, setting: &Setting, progress: &Progress, console: &Console) -> Result<(), Diagnostic> {
    let batch = setting.train.batch as usize;
    let mut lines = vec![opened::table_header(setting.metrics)];
    let mut notes = Vec::new();
    for (part, name) in [(Part::Valid, "validation"), (Part::Test, "test")] {
        if setting.dataset.is_empty(part) {
            continue;
        }
        let evaluation = evaluate(&mut run.evaluator, &mut run.params, setting.dataset, setting.metrics, part, batch)?;
        run::log(setting.dir, &format!("best.{name}"), progress.step, progress.epoch, &evaluation)?;
        let (line, more) = opened::table_line(name, &evaluation);
        lines.push(line);
        notes.extend(more);
    }
    let (monitor, _) = monitor(setting.train, setting.metrics);
    let chosen = match progress.best {
        Some((value, step)) => {
            format!("best weights by {monitor} = {value:.4}, after step {step} of {}", progress.step)
        }
        None => format!("{monitor} was never defined; the weights are the last ones"),
    };
    lines.push(chosen);
    lines.extend(notes);
    let text = lines.join("\n");
    console.result(&text);
    let report = format!("# Results\n\n```\n{text}\n```\n");
    run::replace(&setting.dir.join("report.md"), report.as_bytes())
        .map_err(|error| Diagnostic::new("E0612", format!("`report.md` cannot be written: {error}")))?;
    console.note(&format!("the run is in {}", setting.dir.display()));
    Ok(())
}

/// Progress on a terminal, lines elsewhere.
struct Screen<'a> {
    console: Console,
    dir: &'a std::path::Path,
    bar: ProgressBar,
    epochs: u32,
    started: Instant,
    error: Option<Diagnostic>,
}

impl<'a> Screen<'a> {
    fn new(console: Console, dir: &'a std::path::Path, train: &crate::syntax::spec::TrainSpec) -> Self {
        let bar = ProgressBar::new(0);
        let template = "epoch {prefix} {bar:30} {pos}/{len} steps, {msg}, ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { console, dir, bar, epochs: train.epochs, started: Instant::now(), error: None }
    }
}

impl Observer for Screen<'_> {
    fn step(&mut self, progress: &Progress, of: Length, samples: usize) {
        if progress.batch == 1 {
            self.started = Instant::now();
            self.bar.set_length(of.epoch);
            self.bar.set_prefix(format!("{}/{}", progress.epoch + 1, self.epochs));
        }
        let rate = (progress.batch * samples as u64) as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        let loss = progress.loss_sum / progress.loss_samples.max(1) as f64;
        self.bar.set_message(format!("{rate:.0} samples/s, loss {loss:.4}"));
        self.bar.set_position(progress.batch);
    }

    fn validated(&mut self, progress: &Progress, train_loss: f64, evaluation: &Evaluation, best: bool) {
        let mut line = format!("epoch {:>3}  step {:>7}  train loss {train_loss:.4}", progress.epoch, progress.step);
        line.push_str(&format!("  validation loss {:.4}", evaluation.loss));
        for (name, measured) in &evaluation.metrics {
            let value = measured.value.map_or("-".to_owned(), |value| format!("{value:.4}"));
            line.push_str(&format!("  {name} {value}"));
        }
        if best {
            line.push_str("  *");
        }
        self.bar.suspend(|| self.console.note(&line));
        let logged = run::log(self.dir, "validation", progress.step, progress.epoch, evaluation);
        self.error = self.error.take().or(logged.err());
    }
}
