//! The training loop: steps, validation, early stop, checkpoints.
//!
//! A run that goes on gives the bits of one that was never interrupted: shuffles are addressed by (seed, epoch), noise by
//! (seed, step, sample), and [`Progress`] holds everything else. So the loop is a machine whose only state is
//! `Progress`: what comes next, a step, a validation or the end, follows from it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ahead::{Ready, ahead};
use super::checkpoint::{self, Progress, State};
use super::engine::{Engine, Params};
use super::evaluate::{Evaluation, Subject, evaluate};
use super::failure::{explain, parameters_not_finite, step_failed};
use super::metric::Better;
use super::run_dir::{BEST, LAST, RunDir};
use super::schedule::{Length, numbers};
use super::stopper::{Verdict, judge};
use super::tensorboard::Events;
use crate::data::report::Report;
use crate::data::{Dataset, Order};
use crate::diag::Diagnostic;
use crate::exec::candle::Outputs;
use crate::exec::feed::Column;
use crate::ir::op::Noise;
use crate::lower::Metric;
use crate::syntax::spec::{Part, TrainSpec};

/// Time after which a checkpoint is worth its writing, besides those at validations.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(60);
/// Steps between points of the training curve in TensorBoard.
const CURVE: u64 = 20;

/// What a run trains with.
#[derive(Debug)]
pub struct Setting<'a> {
    /// `train:` of the spec.
    pub train: &'a TrainSpec,
    /// Metrics of the spec.
    pub metrics: &'a [Metric],
    /// The data.
    pub dataset: &'a Dataset,
    /// Where checkpoints and measurements go.
    pub dir: &'a RunDir,
    /// Seed, identity, and where the run stands at the beginning.
    pub state: State,
    /// A checkpoint every so many steps, besides those at validations.
    pub checkpoint_every: Option<u64>,
}

/// Who watches a run.
pub trait Observer {
    /// The data is open, with this to say about it, and these warnings so far.
    fn opened(&mut self, _data: &Report, _warnings: &[Diagnostic]) {}
    /// A step is done.
    fn step(&mut self, _progress: &Progress, _length: Length, _samples: usize, _loss: f64) {}
    /// A validation is done: the mean training loss since the one before, what the validation part came to (none if there
    /// is no such part), and whether it is the best so far.
    fn validated(&mut self, _progress: &Progress, _train_loss: f64, _evaluation: Option<&Evaluation>, _best: bool) {}
    /// Whether the run is to end here, in good order, to go on another time. Asked after every step.
    fn stop(&mut self) -> bool {
        false
    }
}

/// Watches nothing.
impl Observer for () {}

/// The graphs of a run and their parameters.
#[derive(Debug)]
pub struct Run {
    /// The training graph.
    pub trainer: Engine,
    /// The evaluation graph.
    pub evaluator: Engine,
    /// Parameters of both.
    pub params: Params,
}

/// Trains from where `setting.state.progress` stands until the last epoch, until patience runs out, or until the observer
/// says so; gives where it stopped and whether that was the end.
///
/// # Errors
/// Data that cannot be read, no batch at all, a loss that is not finite (names the value), a file that cannot be written.
pub fn fit(run: &mut Run, setting: &Setting, observer: &mut dyn Observer) -> Result<(Progress, bool), Diagnostic> {
    let samples = setting.dataset.len(Part::Train) as u64;
    let length =
        Length { epoch: samples.div_ceil(u64::from(setting.train.batch.max(1))), epochs: setting.train.epochs };
    if length.epoch == 0 {
        return Err(Diagnostic::new("E0615", "the train part has no samples, so there is nothing to train on")
            .help("look at `split` and `where` of the samples"));
    }
    let events = Events::create(setting.dir.path());
    let events = events.map_err(|why| super::run_dir::cannot_write(setting.dir.path(), &why))?;
    let mut fitting = Fitting { run, setting, length, progress: setting.state.progress.clone(), events };
    loop {
        if fitting.validation_is_due() && !fitting.validate(observer)? {
            break;
        }
        if fitting.progress.out_of_patience || fitting.last_step_is_done() {
            return Ok((fitting.progress, true));
        }
        if !fitting.steps(observer)? {
            break;
        }
    }
    fitting.save(LAST)?;
    Ok((fitting.progress, false))
}

/// The metric that chooses the best checkpoint, and its direction; the loss where the spec names none.
pub fn monitor(train: &TrainSpec, metrics: &[Metric]) -> (String, Better) {
    let name = train.monitor.as_ref().map_or("loss", |monitor| monitor.name.as_str());
    let higher = metrics.iter().any(|metric| metric.name == name && metric.kind.higher_is_better());
    (name.to_owned(), if higher { Better::Higher } else { Better::Lower })
}

struct Fitting<'a, 'r> {
    run: &'r mut Run,
    setting: &'a Setting<'a>,
    length: Length,
    progress: Progress,
    events: Events,
}

impl Fitting<'_, '_> {
    fn last_step_is_done(&self) -> bool {
        let Progress { epoch, batch, .. } = self.progress;
        epoch >= self.length.epochs || (epoch + 1 == self.length.epochs && batch >= self.length.epoch)
    }

    /// After every epoch, or after so many steps and after the last one.
    fn validation_is_due(&self) -> bool {
        let Progress { step, batch, validated, .. } = self.progress;
        let reached = match self.setting.train.validate {
            Some(every) => step.is_multiple_of(every.max(1)) || self.last_step_is_done(),
            None => batch >= self.length.epoch,
        };
        reached && step > validated
    }

    /// Steps until a validation is due or the epoch ends; whether the run is to go on.
    fn steps(&mut self, observer: &mut dyn Observer) -> Result<bool, Diagnostic> {
        if self.progress.batch >= self.length.epoch {
            self.progress.epoch += 1;
            self.progress.batch = 0;
        }
        let (train, seed) = (self.setting.train, self.setting.state.seed);
        let order = match train.shuffle {
            true => Order::Shuffled { seed, epoch: u64::from(self.progress.epoch) },
            false => Order::Stored { seed, epoch: u64::from(self.progress.epoch) },
        };
        let batches = self.setting.dataset.batches(Part::Train, train.batch as usize, order, self.progress.batch);
        let noise = Noise { seed, step: self.progress.step + 1 };
        let mut saved = Instant::now();
        for ready in ahead(batches, self.run.trainer.preparation(), noise, true) {
            let ready = ready?;
            let loss = self.step(&ready)?;
            observer.step(&self.progress, self.length, ready.samples, loss);
            if self.validation_is_due() {
                return Ok(!observer.stop());
            }
            if observer.stop() {
                return Ok(false);
            }
            let due =
                self.setting.checkpoint_every.is_some_and(|every| self.progress.step.is_multiple_of(every.max(1)));
            if due || saved.elapsed() >= CHECKPOINT_AFTER {
                self.save(LAST)?;
                saved = Instant::now();
            }
        }
        if self.progress.batch < self.length.epoch {
            let title = format!("the epoch ended after {} of {} batches", self.progress.batch, self.length.epoch);
            return Err(Diagnostic::new("E0621", title).note("the thread that builds batches ended early"));
        }
        Ok(true)
    }

    /// One step; gives its loss.
    fn step(&mut self, ready: &Ready) -> Result<f64, Diagnostic> {
        let Run { trainer, params, .. } = &mut *self.run;
        let schedule = numbers(self.setting.train, self.length, ready.noise.step);
        trainer.prepared(ready.time);
        let outputs = match trainer.step(params, &ready.prepared, &schedule, ready.noise) {
            Ok(outputs) => outputs,
            Err(error) => {
                let when = format!("at step {}", ready.noise.step);
                return Err(explain(error, trainer, params, (&ready.prepared, &schedule, ready.noise), &when));
            }
        };
        let loss = loss(trainer, &outputs);
        let progress = &mut self.progress;
        progress.step += 1;
        progress.batch += 1;
        progress.loss_sum += loss * ready.samples as f64;
        progress.loss_samples += ready.samples as u64;
        if progress.step.is_multiple_of(CURVE) {
            let lr = schedule.get("lr").map_or(0.0, |&lr| f64::from(lr));
            for (tag, value) in [("step/loss", loss), ("step/lr", lr)] {
                self.event(tag, value)?;
            }
        }
        Ok(loss)
    }

    /// Measures, judges and saves; false if the observer wants to stop before the end, and then nothing has changed.
    fn validate(&mut self, observer: &mut dyn Observer) -> Result<bool, Diagnostic> {
        let Setting { train, metrics, dataset, .. } = *self.setting;
        let mut evaluation = None;
        if !dataset.is_empty(Part::Valid) {
            let subject = Subject { dataset, metrics, part: Part::Valid, batch: train.batch as usize };
            let Run { evaluator, params, .. } = &mut *self.run;
            evaluation = evaluate(evaluator, params, subject, &mut || observer.stop())?;
            if evaluation.is_none() {
                return Ok(false);
            }
        }
        let progress = &mut self.progress;
        let train_loss = progress.loss_sum / progress.loss_samples.max(1) as f64;
        (progress.loss_sum, progress.loss_samples, progress.validated) = (0.0, 0, progress.step);
        let verdict = evaluation.as_ref().map(|evaluation| {
            let (monitor, better) = monitor(train, metrics);
            judge(progress, evaluation.value(&monitor), better, train.patience)
        });
        progress.out_of_patience = verdict == Some(Verdict::Stop);
        let best = verdict == Some(Verdict::Best);
        self.measured(train_loss, evaluation.as_ref())?;
        // In this order: killed between any two of these, the run goes on from the checkpoint before, measures the same
        // once more, and writes the same.
        if best {
            self.save(BEST)?;
        }
        self.save(LAST)?;
        observer.validated(&self.progress, train_loss, evaluation.as_ref(), best);
        Ok(true)
    }

    /// Writes what a validation found to the measurements and to TensorBoard.
    fn measured(&mut self, train_loss: f64, evaluation: Option<&Evaluation>) -> Result<(), Diagnostic> {
        let (step, epoch) = (self.progress.step, self.progress.epoch + 1);
        let line = json!({"part": "train", "step": step, "epoch": epoch, "loss": train_loss});
        self.setting.dir.append_measurement(&line)?;
        self.event("train/loss", train_loss)?;
        if let Some(evaluation) = evaluation {
            self.setting.dir.append_measurement(&measurement("valid", step, epoch, evaluation))?;
            self.event("valid/loss", evaluation.loss)?;
            for (name, measured) in &evaluation.metrics {
                if let Some(value) = measured.value {
                    self.event(&format!("valid/{name}"), value)?;
                }
            }
        }
        self.events.flush().map_err(|why| super::run_dir::cannot_write(self.setting.dir.path(), &why))
    }

    fn event(&mut self, tag: &str, value: f64) -> Result<(), Diagnostic> {
        let written = self.events.scalar(tag, self.progress.step, value);
        written.map_err(|why| super::run_dir::cannot_write(self.setting.dir.path(), &why))
    }

    fn save(&mut self, name: &str) -> Result<(), Diagnostic> {
        let state = State { progress: self.progress.clone(), ..self.setting.state.clone() };
        let weights = self.run.params.weights().map_err(step_failed)?;
        parameters_not_finite(weights, &format!("after step {}", self.progress.step))?;
        checkpoint::save(&self.setting.dir.file(name), weights, &state)
    }
}

/// A line of the measurements.
pub(super) fn measurement(part: &str, step: u64, epoch: u32, evaluation: &Evaluation) -> serde_json::Value {
    let metrics = evaluation.metrics.iter().map(|(name, measured)| (name.clone(), json!(measured.value)));
    let metrics: serde_json::Map<_, _> = metrics.collect();
    json!({"part": part, "step": step, "epoch": epoch, "loss": evaluation.loss, "metrics": metrics})
}

/// The sum of the losses of a step.
fn loss(trainer: &Engine, outputs: &Outputs) -> f64 {
    let one = |name: &str| match outputs.get(name) {
        Some(Column::F32(values)) => values.first().map_or(0.0, |&value| f64::from(value)),
        _ => 0.0,
    };
    trainer.graph().losses().iter().map(|root| one(&root.name)).sum()
}
