//! The training loop: batches made ready ahead, steps, validation, early stop, checkpoints.
//!
//! A run that goes on gives the bits of one that was never interrupted: shuffles are addressed by (seed, epoch), noise by
//! (seed, step, sample), and a checkpoint holds everything else.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use crate::data::{Dataset, Order};
use crate::diag::Diagnostic;
use crate::exec::candle::{Outputs, Schedule};
use crate::exec::error::ExecError;
use crate::exec::feed::Column;
use crate::exec::prologue::Prepared;
use crate::ir::op::Noise;
use crate::lower::Metric;
use crate::syntax::spec::{Part, TrainSpec};

use super::checkpoint::{self, Progress, State};
use super::engine::{Engine, Params, Preparation};
use super::evaluate::{Evaluation, evaluate};
use super::metric::{Better, find};
use super::schedule::{Length, numbers};
use super::step_failed;

/// Batches that may wait, ready for a step.
const AHEAD: usize = 2;

/// What a run trains with.
pub struct Setting<'a> {
    /// `train:` of the spec.
    pub train: &'a TrainSpec,
    /// Metrics of the spec.
    pub metrics: &'a [Metric],
    /// The data.
    pub dataset: &'a Dataset,
    /// Where `last.safetensors` and `best.safetensors` stand.
    pub dir: &'a Path,
    /// Seed and identity of the run.
    pub state: State,
    /// A checkpoint every so many steps, besides those at validations.
    pub checkpoint_every: Option<u64>,
    /// Stops after this step, as if the process had been killed after its checkpoint; for tests of resuming.
    pub stop_after: Option<u64>,
}

/// What a loop reports while it runs.
pub trait Observer {
    /// A step is done.
    fn step(&mut self, progress: &Progress, of: Length, samples: usize);
    /// A validation is done.
    fn validated(&mut self, progress: &Progress, train_loss: f64, evaluation: &Evaluation, best: bool);
}

/// The graphs of a run and their parameters.
pub struct Run {
    /// The training graph.
    pub trainer: Engine,
    /// The evaluation graph.
    pub evaluator: Engine,
    /// Parameters of both.
    pub params: Params,
}

/// Trains from where `setting.state.progress` stands until the last epoch or until patience runs out; gives where it
/// stopped. The best checkpoint is `best.safetensors`, the last one `last.safetensors`.
///
/// # Errors
/// Data that cannot be read, a loss that is not a number (names the value), a checkpoint that cannot be written.
pub fn fit(run: &mut Run, setting: &Setting, observer: &mut dyn Observer) -> Result<Progress, Diagnostic> {
    let train = setting.train;
    let samples = setting.dataset.len(Part::Train) as u64;
    let epoch = samples.div_ceil(u64::from(train.batch.max(1)));
    let length = Length { epoch, total: epoch * u64::from(train.epochs) };
    let mut progress = setting.state.progress.clone();
    while !progress.finished && progress.epoch < train.epochs {
        let stopped = one_epoch(run, setting, &mut progress, length, observer)?;
        if stopped {
            return Ok(progress);
        }
        progress.epoch += 1;
        progress.batch = 0;
        if train.validate.is_none() {
            validate(run, setting, &mut progress, observer)?;
        }
        (progress.loss_sum, progress.loss_samples) = (0.0, 0);
        progress.finished |= progress.epoch >= train.epochs;
        save(run, setting, &progress, "last")?;
    }
    Ok(progress)
}

/// The steps of an epoch from `progress.batch` on; whether the run was told to stop.
fn one_epoch(
    run: &mut Run,
    setting: &Setting,
    progress: &mut Progress,
    length: Length,
    observer: &mut dyn Observer,
) -> Result<bool, Diagnostic> {
    let train = setting.train;
    let order = match train.shuffle {
        true => Order::Shuffled { seed: setting.state.seed, epoch: u64::from(progress.epoch) },
        false => Order::Sequential,
    };
    let batches = setting.dataset.batches(Part::Train, train.batch as usize, order, progress.batch);
    let preparation = run.trainer.preparation();
    let (seed, first) = (setting.state.seed, progress.step + 1);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Result<(Prepared, usize), Diagnostic>>(AHEAD);
        scope.spawn(move || {
            for (step, batch) in (first..).zip(batches) {
                let ready = batch.and_then(|batch| ready(&preparation, &batch.feed, Noise { seed, step }));
                if sender.send(ready).is_err() {
                    return;
                }
            }
        });
        for ready in receiver {
            let (batch, samples) = ready?;
            let noise = Noise { seed, step: progress.step + 1 };
            let schedule = numbers(train, length, noise.step);
            let outputs = match run.trainer.step(&mut run.params, &batch, &schedule, noise) {
                Err(ExecError::NotFinite(_)) => return Err(not_finite(run, &batch, &schedule, noise, progress)),
                outputs => outputs.map_err(step_failed)?,
            };
            let loss = loss(&run.trainer, &outputs);
            progress.step += 1;
            progress.batch += 1;
            progress.loss_sum += loss * samples as f64;
            progress.loss_samples += samples as u64;
            observer.step(progress, length, samples);
            let due = |every: Option<u64>| every.is_some_and(|every| progress.step.is_multiple_of(every.max(1)));
            if due(train.validate) {
                validate(run, setting, progress, observer)?;
                save(run, setting, progress, "last")?;
            } else if due(setting.checkpoint_every) {
                save(run, setting, progress, "last")?;
            }
            if progress.finished || setting.stop_after == Some(progress.step) {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

fn ready(
    preparation: &Preparation,
    feed: &crate::exec::feed::Feed,
    noise: Noise,
) -> Result<(Prepared, usize), Diagnostic> {
    Ok((preparation.prepare(feed, noise).map_err(step_failed)?, feed.samples))
}

/// The sum of the losses of a step.
fn loss(trainer: &Engine, outputs: &Outputs) -> f64 {
    let one = |name: &str| match outputs.get(name) {
        Some(Column::F32(values)) => values.first().map_or(0.0, |&value| f64::from(value)),
        _ => 0.0,
    };
    trainer.graph().losses().iter().map(|root| one(&root.name)).sum()
}

/// Names the first value that is not a number. The step has changed nothing.
fn not_finite(run: &mut Run, batch: &Prepared, schedule: &Schedule, noise: Noise, progress: &Progress) -> Diagnostic {
    let first = run.trainer.first_not_finite(&mut run.params, batch, schedule, noise).ok().flatten();
    let title = format!("the loss is not a number at step {}", progress.step + 1);
    let finding = Diagnostic::new("E0622", title);
    let finding = match first {
        Some(name) => finding.note(format!("the first value that is not finite is `{name}`")),
        None => finding,
    };
    finding
        .note("the checkpoints of the run are of steps before it")
        .help("a smaller `lr`, `clip: 1`, or a check of the inputs: a `log` of 0, a division by 0, a number without a `scale`")
}

fn validate(
    run: &mut Run,
    setting: &Setting,
    progress: &mut Progress,
    observer: &mut dyn Observer,
) -> Result<(), Diagnostic> {
    let train = setting.train;
    // Without a validation part nothing chooses: the train part is measured for the eye, and the last weights are the best.
    let chooses = !setting.dataset.is_empty(Part::Valid);
    let part = if chooses { Part::Valid } else { Part::Train };
    let batch = train.batch as usize;
    let evaluation = evaluate(&mut run.evaluator, &mut run.params, setting.dataset, setting.metrics, part, batch)?;
    let (monitor, better) = monitor(train, setting.metrics);
    let value = evaluation.value(&monitor);
    let best = match (value, progress.best) {
        _ if !chooses => true,
        (None, _) => false,
        (Some(value), _) if value.is_nan() => false,
        (Some(_), None) => true,
        (Some(value), Some((best, _))) if better == Better::Higher => value > best,
        (Some(value), Some((best, _))) => value < best,
    };
    if best {
        progress.best = value.map(|value| (value, progress.step));
        progress.waited = 0;
        save(run, setting, progress, "best")?;
    } else {
        progress.waited += 1;
    }
    progress.finished |= train.patience.is_some_and(|patience| progress.waited >= patience);
    let train_loss = progress.loss_sum / progress.loss_samples.max(1) as f64;
    observer.validated(progress, train_loss, &evaluation, best);
    Ok(())
}

/// The metric that chooses the best checkpoint, and its direction; the loss where the spec names none.
pub fn monitor(train: &TrainSpec, metrics: &[Metric]) -> (String, Better) {
    let Some(monitor) = &train.monitor else { return ("loss".to_owned(), Better::Lower) };
    let higher = metrics.iter().any(|metric| metric.name == monitor.name && metric.kind.higher_is_better());
    let known = find(&monitor.name).map(|metric| metric.better);
    let better = if higher { Better::Higher } else { known.unwrap_or(Better::Lower) };
    (monitor.name.clone(), better)
}

fn save(run: &mut Run, setting: &Setting, progress: &Progress, name: &str) -> Result<(), Diagnostic> {
    let state = State { progress: progress.clone(), ..setting.state.clone() };
    let path = setting.dir.join(format!("{name}.safetensors"));
    checkpoint::save(&path, run.params.weights().map_err(step_failed)?, &state)
}
