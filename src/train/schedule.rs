//! The learning rate of a step.

use crate::exec::candle::Schedule as Numbers;
use crate::syntax::spec::{Decay, TrainSpec};

/// How long training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Steps of an epoch.
    pub epoch: u64,
    /// Steps of the whole training.
    pub total: u64,
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

/// The part of the learning rate that step `step`, counted from 1, gets: a linear rise, then the decay.
pub fn factor(train: &TrainSpec, length: Length, step: u64) -> f64 {
    let schedule = &train.optimizer.schedule;
    if step <= schedule.warmup {
        return step as f64 / schedule.warmup.max(1) as f64;
    }
    let rest = length.total.saturating_sub(schedule.warmup).max(1);
    let done = ((step - schedule.warmup) as f64 / rest as f64).min(1.0);
    match schedule.decay {
        Decay::Constant => 1.0,
        Decay::Linear => 1.0 + (schedule.to - 1.0) * done,
        Decay::Cosine => schedule.to + (1.0 - schedule.to) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
        Decay::Exponential(rate) => {
            let epochs = (step - 1) / length.epoch.max(1);
            rate.powi(i32::try_from(epochs).unwrap_or(i32::MAX))
        }
    }
}
