//! What `train` shows while it runs: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::data::report::Report;
use crate::diag::{Diagnostic, Sources};
use crate::train::checkpoint::Progress;
use crate::train::evaluate::Evaluation;
use crate::train::fit::Observer;
use crate::train::results::number;
use crate::train::schedule::Length;

/// Between two lines where there is no terminal.
const QUIET: Duration = Duration::from_secs(10);
/// Weight of the newest loss in the one shown, which would jump otherwise.
const NEWEST: f64 = 0.05;

/// What ends a run before its end.
pub(super) struct Stop {
    /// Set by a signal.
    pub(super) signal: Arc<AtomicBool>,
    /// This step, as if a signal had come after it.
    pub(super) after: Option<u64>,
}

/// A watcher of training that writes to standard error.
pub(super) struct Screen<'a> {
    console: Console,
    sources: &'a Sources,
    bar: Option<ProgressBar>,
    stop: Stop,
    epochs: u32,
    step: u64,
    /// Samples and time of the epoch that is running.
    samples: u64,
    began: Instant,
    spoke: Instant,
    loss: Option<f64>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(console: Console, sources: &'a Sources, epochs: u32, stop: Stop) -> Self {
        let template = "epoch {prefix} [{bar:30}] {pos}/{len} steps, {msg}, ETA {eta}";
        let style = ProgressStyle::with_template(template).ok().filter(|_| std::io::stderr().is_terminal());
        let bar = style.map(|style| {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style.progress_chars("=> "))
        });
        let now = Instant::now();
        Self { console, sources, bar, stop, epochs, step: 0, samples: 0, began: now, spoke: now, loss: None }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.note(line)),
            None => self.console.note(line),
        }
    }
}

impl Observer for Screen<'_> {
    fn opened(&mut self, data: &Report, warnings: &[Diagnostic]) {
        self.console.findings(warnings, self.sources);
        self.say(&data.to_string());
    }

    fn step(&mut self, progress: &Progress, length: Length, samples: usize, loss: f64) {
        let now = Instant::now();
        self.step = progress.step;
        if progress.batch == 1 || self.samples == 0 {
            (self.samples, self.began) = (0, now);
            if let Some(bar) = &self.bar {
                bar.reset();
                bar.set_length(length.epoch);
                bar.set_prefix(format!("{}/{}", progress.epoch + 1, self.epochs));
            }
        }
        self.samples += samples as u64;
        let loss = self.loss.map_or(loss, |before| before + NEWEST * (loss - before));
        self.loss = Some(loss);
        let seconds = now.duration_since(self.began).as_secs_f64();
        let rate = if seconds > 0.0 { self.samples as f64 / seconds } else { 0.0 };
        let message = format!("{rate:.0} samples/s, loss {loss:.4}");
        match &self.bar {
            Some(bar) => {
                bar.set_message(message);
                bar.set_position(progress.batch);
            }
            None if now.duration_since(self.spoke) >= QUIET => {
                self.spoke = now;
                let place = format!("epoch {}/{}", progress.epoch + 1, self.epochs);
                self.say(&format!("{place}  step {}/{}, {message}", progress.batch, length.epoch));
            }
            None => {}
        }
    }

    fn validated(&mut self, progress: &Progress, train_loss: f64, evaluation: Option<&Evaluation>, best: bool) {
        let mut line = format!("epoch {:>2}/{}", progress.epoch + 1, self.epochs);
        line.push_str(&format!("  step {:>6}  train loss {train_loss:.4}", progress.step));
        if let Some(evaluation) = evaluation {
            line.push_str(&format!("  valid loss {:.4}", evaluation.loss));
            for (name, measured) in &evaluation.metrics {
                line.push_str(&format!("  {name} {}", number(measured.value)));
            }
        }
        line.push_str(if best { "  *" } else { "" });
        self.say(&line);
        self.samples = 0;
    }

    fn stop(&mut self) -> bool {
        self.stop.signal.load(Ordering::Relaxed) || self.stop.after.is_some_and(|after| self.step >= after)
    }
}
