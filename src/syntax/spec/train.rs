//! `train:`.

use super::Spanned;
use crate::diag::Span;
use crate::expr::ast::Ident;

/// `train:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSpec {
    /// Samples a step.
    pub batch: u32,
    /// Passes over the train part.
    pub epochs: u32,
    /// `optimizer:`.
    pub optimizer: OptimizerSpec,
    /// `shuffle: rows | none`.
    pub shuffle: bool,
    /// `validate: 5000 steps`; an epoch when absent.
    pub validate: Option<u64>,
    /// `monitor:` a metric, or `loss`.
    pub monitor: Option<Ident>,
    /// Validations without a better value before stopping.
    pub patience: Option<u32>,
    /// Largest global gradient norm.
    pub clip: Option<f64>,
    /// Seed of initial values, shuffles, dropout and draws.
    pub seed: u64,
    /// `init: {run: ..., vocabulary: grow}`.
    pub init: Option<InitSpec>,
    /// The whole entry.
    pub span: Span,
}

/// `optimizer:`.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerSpec {
    /// `dense: adam | adamw | sgd | adagrad`.
    pub dense: Spanned<String>,
    /// `tables: lazy_adam | adam | adagrad | sgd`.
    pub tables: Spanned<String>,
    /// Learning rate.
    pub lr: f64,
    /// Learning rate of the tables; `lr` when absent.
    pub tables_lr: Option<f64>,
    /// `schedule: constant | {warmup: n, decay: linear | cosine, to: 0.1}` and the like.
    pub schedule: Schedule,
    /// Decoupled for adamw; added to the gradient of the dense part otherwise.
    pub weight_decay: f64,
    /// Momentum of sgd.
    pub momentum: f64,
    /// First moment.
    pub beta1: f64,
    /// Second moment.
    pub beta2: f64,
    /// Added to the root.
    pub eps: f64,
}

/// Learning rate over steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps of linear rise from 0.
    pub warmup: u64,
    /// What follows.
    pub decay: Decay,
    /// The factor reached at the end of a decay.
    pub to: f64,
}

/// Forms of decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// None.
    Constant,
    /// Linear to the last step.
    Linear,
    /// Half a cosine to the last step.
    Cosine,
    /// Times a factor every epoch.
    Exponential(f64),
}

/// Start from another run.
#[derive(Clone, Debug, PartialEq)]
pub struct InitSpec {
    /// The run directory.
    pub run: Spanned<String>,
    /// New ids get rows of their own.
    pub grow: bool,
}
