//! Kernels of the effects: optimisers in place. A table by operation; an effect without a row is computed by Candle.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::ir::graph::{Effect, Graph};

use super::super::kernels::optimize::{Rule, Scope, TableRows, update};
use super::super::matrix::Matrix;
use super::super::prologue::Prepared;
use super::block::Data;

/// Numbers that a thread changes at a time.
const NUMBERS: usize = 1 << 14;

/// Distinct rows of a table that a thread changes at a time.
const ROWS: usize = 512;

/// What a kernel sees.
pub(super) struct Update<'a> {
    pub(super) effect: &'a Effect,
    pub(super) reads: &'a [Data<'a>],
    pub(super) graph: &'a Graph,
    pub(super) batch: &'a Prepared,
    pub(super) pool: &'a rayon::ThreadPool,
}

/// Changes the targets.
pub(super) type Kernel = fn(&Update, &mut [Matrix]);

/// Alphabetical.
const UPDATES: &[(&str, Kernel)] = &[
    ("adagrad", |update, targets| dense(update, targets, adagrad(update))),
    ("adam", |update, targets| dense(update, targets, adam(update, 0.0))),
    ("adamw", |update, targets| dense(update, targets, adam(update, update.effect.attrs.float("weight_decay")))),
    ("assign", assign),
    ("lazy_adam", |update, targets| by_row(update, targets, adam(update, 0.0))),
    ("row_adagrad", |update, targets| by_row(update, targets, adagrad(update))),
    ("row_sgd", |update, targets| by_row(update, targets, Rule::Sgd { rate: update.number(1), momentum: 0.0 })),
    ("sgd", |update, targets| {
        let momentum = update.effect.attrs.float("momentum");
        dense(update, targets, Rule::Sgd { rate: update.number(1), momentum });
    }),
];

/// The kernel of an effect.
pub(super) fn find(name: &str) -> Option<Kernel> {
    UPDATES.iter().find(|(known, _)| *known == name).map(|&(_, kernel)| kernel)
}

impl<'a> Update<'a> {
    fn floats(&self, i: usize) -> &'a [f32] {
        match self.reads.get(i) {
            Some(Data::F32(data)) => data,
            _ => &[],
        }
    }

    /// Operand `i`, a single number.
    fn number(&self, i: usize) -> f64 {
        self.floats(i).first().map_or(0.0, |&number| f64::from(number))
    }

    /// The step, counted from 1; operand 2 where there is one.
    fn step(&self) -> u64 {
        (self.number(2) as u64).max(1)
    }
}

fn adam(update: &Update, decay: f64) -> Rule {
    let attrs = &update.effect.attrs;
    let (beta1, beta2, epsilon) = (attrs.float("beta1"), attrs.float("beta2"), attrs.float("eps"));
    Rule::Adam { rate: update.number(1), beta1, beta2, epsilon, decay }
}

fn adagrad(update: &Update) -> Rule {
    Rule::Adagrad { rate: update.number(1), epsilon: update.effect.attrs.float("eps") }
}

fn assign(update: &Update, targets: &mut [Matrix]) {
    if let [target] = targets {
        target.memory_mut().copy_from_slice(update.floats(0));
    }
}

/// A part of every target that one thread changes.
struct Part<'a> {
    /// Weights first, then moments.
    targets: Vec<&'a mut [f32]>,
    g: &'a [f32],
    scope: Scope<'a>,
}

/// Every number. Decay that acts through the gradient is added to it here; the decay of `adamw` is the rule's.
fn dense(update: &Update, targets: &mut [Matrix], rule: Rule) {
    let g = update.floats(0);
    let through_gradient =
        if update.effect.op.name() == "adamw" { 0.0 } else { update.effect.attrs.float("weight_decay") };
    let mut rest: Vec<&mut [f32]> = targets.iter_mut().map(Matrix::memory_mut).collect();
    let mut parts = Vec::new();
    for g in g.chunks(NUMBERS) {
        parts.push(Part { targets: cut(&mut rest, g.len()), g, scope: Scope::All });
    }
    let step = update.step();
    update.pool.install(|| {
        parts.into_par_iter().for_each(|part| {
            if through_gradient == 0.0 {
                change(rule, step, part);
                return;
            }
            let decayed = |(g, w): (&f32, &f32)| g + w * through_gradient as f32;
            let g: Vec<f32> = part.g.iter().zip(part.targets[0].iter()).map(decayed).collect();
            change(rule, step, Part { targets: part.targets, g: &g, scope: part.scope });
        });
    });
}

/// The rows of a table that the batch looks up. They rise, so that a table falls into parts that threads own.
fn by_row(update: &Update, targets: &mut [Matrix], rule: Rule) {
    let g = update.floats(0);
    let Some(&operand) = update.effect.operands.first() else { return };
    let Some(&axis) = update.graph.ty(operand).space.axes().first() else { return };
    let ids = update.batch.rows.unique(axis);
    let width = targets.first().map_or(0, Matrix::width);
    let mut rest: Vec<&mut [f32]> = targets.iter_mut().map(Matrix::memory_mut).collect();
    let mut parts = Vec::new();
    let mut base = 0;
    for (i, own) in ids.chunks(ROWS).enumerate() {
        let (Some(&first), Some(&last)) = (own.first(), own.last()) else { continue };
        cut(&mut rest, (first - base) as usize * width);
        let targets = cut(&mut rest, (last + 1 - first) as usize * width);
        let g = &g[i * ROWS * width..(i * ROWS + own.len()) * width];
        parts.push(Part { targets, g, scope: Scope::Lazy(TableRows { width, ids: own, base: first }) });
        base = last + 1;
    }
    let step = update.step();
    update.pool.install(|| parts.into_par_iter().for_each(|part| change(rule, step, part)));
}

/// Takes the next numbers of every target.
fn cut<'a>(rest: &mut [&'a mut [f32]], numbers: usize) -> Vec<&'a mut [f32]> {
    let take = |rest: &mut &'a mut [f32]| {
        let (own, left) = std::mem::take(rest).split_at_mut(numbers);
        *rest = left;
        own
    };
    rest.iter_mut().map(take).collect()
}

fn change(rule: Rule, step: u64, part: Part) {
    let mut targets = part.targets;
    if let Some((w, moments)) = targets.split_first_mut() {
        update(rule, step, part.scope, 1.0, w, part.g, &mut moments[..rule.moments()]);
    }
}
