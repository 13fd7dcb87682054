//! The learning rate of every step.

use crate::exec::candle::Schedule as Numbers;
use crate::syntax::spec::{Decay, TrainSpec};

/// How long training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Steps of an epoch.
    pub epoch: u64,
    /// Epochs at most.
    pub epochs: u32,
}

impl Length {
    /// Steps of the whole training.
    pub fn total(self) -> u64 {
        self.epoch.saturating_mul(u64::from(self.epochs))
    }
}

/// The numbers that the training graph reads before step `step`, counted from 1.
pub fn numbers(train: &TrainSpec, length: Length, step: u64) -> Numbers {
    let factor = factor(train, length, step);
    let optimizer = &train.optimizer;
    let lr = optimizer.lr * factor;
    let tables_lr = optimizer.tables_lr.unwrap_or(optimizer.lr) * factor;
    let numbers = [("lr", lr), ("tables_lr", tables_lr), ("step", step as f64)];
    numbers.into_iter().map(|(name, number)| (name.to_owned(), number as f32)).collect()
}

/// What the rate of step `step`, counted from 1, is a multiple of the full rate by. Warmup rises in a line and reaches 1
/// at its last step; linear and cosine decay go from 1 at the step after it to `to` at the last step of the last epoch;
/// exponential decay changes between epochs.
pub fn factor(train: &TrainSpec, length: Length, step: u64) -> f64 {
    let schedule = &train.optimizer.schedule;
    if step <= schedule.warmup {
        return step as f64 / schedule.warmup as f64;
    }
    let first = schedule.warmup + 1;
    let (done, all) = (step - first, length.total().saturating_sub(first));
    let part = if all == 0 { 0.0 } else { (done as f64 / all as f64).min(1.0) };
    let between = |weight: f64| schedule.to + (1.0 - schedule.to) * weight;
    match schedule.decay {
        Decay::Constant => 1.0,
        Decay::Linear => between(1.0 - part),
        Decay::Cosine => between(0.5 * (1.0 + (std::f64::consts::PI * part).cos())),
        Decay::Exponential(factor) => {
            let epoch = (step - 1) / length.epoch.max(1);
            factor.powi(i32::try_from(epoch).unwrap_or(i32::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diags, Sources};

    fn rates(optimizer: &str, steps: &[u64]) -> Vec<f64> {
        let text = format!("specrec: 1\nsamples: {{from: a}}\ntrain:\n  optimizer: {optimizer}\n");
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let at = std::path::Path::new("");
        let spec = crate::syntax::load_text("a.yaml", &text, at, &[], &mut sources, &mut diags).unwrap();
        assert!(!diags.has_errors(), "{:?}", diags.list());
        let length = Length { epoch: 10, epochs: 2 };
        steps.iter().map(|&step| (1e6 * factor(&spec.train, length, step)).round() / 1e6).collect()
    }

    #[test]
    fn warmup_rises_to_the_full_rate() {
        let found = rates("{schedule: {warmup: 4 steps}}", &[1, 2, 3, 4, 5, 20]);
        assert_eq!(found, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn decays_begin_at_1_and_end_at_their_last_value() {
        assert_eq!(rates("{schedule: {warmup: 3, decay: linear, to: 0.2}}", &[4, 12, 20, 26]), [1.0, 0.6, 0.2, 0.2]);
        assert_eq!(
            rates("{schedule: {warmup: 3, decay: cosine, to: 0.2}}", &[4, 8, 12, 20]),
            [1.0, 0.882843, 0.6, 0.2]
        );
        assert_eq!(rates("{schedule: {decay: exponential(0.5)}}", &[1, 10, 11, 20, 21]), [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn a_schedule_that_is_all_warmup_divides_by_nothing() {
        assert_eq!(rates("{schedule: {warmup: 19, decay: linear}}", &[19, 20, 21]), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn tables_have_a_rate_of_their_own() {
        let text = "specrec: 1\nsamples: {from: a}\ntrain: {optimizer: {lr: 0.5, tables_lr: 0.25}}\n";
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let at = std::path::Path::new("");
        let spec = crate::syntax::load_text("a.yaml", text, at, &[], &mut sources, &mut diags).unwrap();
        let found = numbers(&spec.train, Length { epoch: 10, epochs: 2 }, 7);
        assert_eq!((found["lr"], found["tables_lr"], found["step"]), (0.5, 0.25, 7.0));
    }
}
