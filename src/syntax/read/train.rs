//! `train:`.

use super::{Fields, Reader};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::ExprKind;
use crate::syntax::node::{Node, NodeKind};
use crate::syntax::spec::{Decay, InitSpec, OptimizerSpec, Schedule, Spanned, TrainSpec};

pub(super) const TRAIN: &[&str] =
    &["batch", "epochs", "optimizer", "shuffle", "validate", "monitor", "patience", "clip", "seed", "init"];
pub(super) const OPTIMIZER: &[&str] =
    &["dense", "tables", "lr", "tables_lr", "schedule", "weight_decay", "momentum", "betas", "eps"];

/// Optimisers of the dense part, and what tables take along with them unless they say otherwise.
const DENSE: &[(&str, (&str, &str))] = &[
    ("adam", ("adam", "lazy_adam")),
    ("adamw", ("adamw", "lazy_adam")),
    ("sgd", ("sgd", "sgd")),
    ("adagrad", ("adagrad", "adagrad")),
];
const TABLES: &[(&str, &str)] = &[("lazy_adam", "lazy_adam"), ("adam", "adam"), ("adagrad", "adagrad"), ("sgd", "sgd")];

/// Samples a step.
const BATCH: u32 = 512;
/// Passes over the train part.
const EPOCHS: u32 = 10;
/// Learning rate, moments and root of Adam, as its authors set them.
const LR: f64 = 0.001;
const BETAS: [f64; 2] = [0.9, 0.999];
const EPS: f64 = 1e-8;
/// AdamW's decay, as its authors' code sets it.
const ADAMW_DECAY: f64 = 0.01;
const SEED: u64 = 1;

/// Reads `train:`; all of it has defaults.
pub(super) fn train(r: &mut Reader<'_>, node: Option<&Node>, at: Span) -> TrainSpec {
    let nothing = Fields { entries: &[], what: "train", at, span: at };
    let fields = node.and_then(|node| r.map(node, "train", at, TRAIN)).unwrap_or(nothing);
    let mut whole =
        |key: &str, least: u32| fields.get(key).and_then(|node| r.whole(node, least)).map(|number| number.value);
    let (batch, epochs, patience) = (whole("batch", 1), whole("epochs", 1), whole("patience", 1));
    TrainSpec {
        batch: batch.unwrap_or(BATCH),
        epochs: epochs.unwrap_or(EPOCHS),
        optimizer: optimizer(r, fields.get("optimizer"), fields.place("optimizer")),
        shuffle: fields
            .get("shuffle")
            .and_then(|node| r.choice(node, &[("rows", true), ("none", false)]))
            .is_none_or(|choice| choice.value),
        validate: fields.get("validate").and_then(|node| r.counted(node, "steps")).filter(|steps| *steps > 0),
        monitor: fields.get("monitor").and_then(|node| r.ident(node)),
        patience,
        clip: fields.get("clip").and_then(|node| r.number_where(node, "a norm above 0", |norm| norm > 0.0)),
        seed: fields.get("seed").and_then(|node| r.seed(node)).unwrap_or(SEED),
        init: fields.get("init").and_then(|node| init(r, node, fields.place("init"))),
        span: fields.span,
    }
}

fn init(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<InitSpec> {
    let fields = r.map(node, "the start from a run", at, &["run", "vocabulary"])?;
    let run = r.required(&fields, "run").and_then(|node| r.path(node));
    let grow = fields
        .get("vocabulary")
        .and_then(|node| r.choice(node, &[("grow", true), ("keep", false)]))
        .is_some_and(|choice| choice.value);
    Some(InitSpec { run: run?, grow })
}

fn optimizer(r: &mut Reader<'_>, node: Option<&Node>, at: Span) -> OptimizerSpec {
    let nothing = Fields { entries: &[], what: "an optimizer", at, span: at };
    let fields = node.and_then(|node| r.map(node, "an optimizer", at, OPTIMIZER)).unwrap_or(nothing);
    let dense = fields
        .get("dense")
        .and_then(|node| r.choice(node, DENSE))
        .unwrap_or(Spanned { value: ("adam", "lazy_adam"), span: at });
    let (dense, tables) = (Spanned { value: dense.value.0.to_owned(), span: dense.span }, dense.value.1);
    let tables =
        fields.get("tables").and_then(|node| r.choice(node, TABLES)).unwrap_or(Spanned { value: tables, span: at });
    let number = |r: &mut Reader<'_>, key: &str, expected: &str, holds: fn(f64) -> bool| {
        fields.get(key).and_then(|node| r.number_where(node, expected, holds))
    };
    let betas = fields.get("betas").and_then(|node| {
        let betas = r.list(node, "two numbers", |r, item| {
            r.number_where(item, "a number from 0 on, below 1", |beta| (0.0..1.0).contains(&beta))
        })?;
        let two = <[f64; 2]>::try_from(betas).ok();
        if two.is_none() {
            r.wrong(node, "a list of two numbers");
        }
        two
    });
    let [beta1, beta2] = betas.unwrap_or(BETAS);
    OptimizerSpec {
        lr: number(r, "lr", "a learning rate above 0", |lr| lr > 0.0).unwrap_or(LR),
        tables_lr: number(r, "tables_lr", "a learning rate above 0", |lr| lr > 0.0),
        schedule: fields
            .get("schedule")
            .and_then(|node| schedule(r, node, fields.place("schedule")))
            .unwrap_or(CONSTANT),
        weight_decay: number(r, "weight_decay", "a factor from 0 on", |decay| decay >= 0.0)
            .unwrap_or(if dense.value == "adamw" { ADAMW_DECAY } else { 0.0 }),
        momentum: number(r, "momentum", "a number from 0 on, below 1", |momentum| (0.0..1.0).contains(&momentum))
            .unwrap_or(0.0),
        beta1,
        beta2,
        eps: number(r, "eps", "a number above 0", |eps| eps > 0.0).unwrap_or(EPS),
        dense,
        tables: Spanned { value: tables.value.to_owned(), span: tables.span },
    }
}

const CONSTANT: Schedule = Schedule { warmup: 0, decay: Decay::Constant, to: 0.0 };

/// `constant`, or `{warmup: 1000 steps, decay: cosine, to: 0.1}`.
fn schedule(r: &mut Reader<'_>, node: &Node, at: Span) -> Option<Schedule> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return r.choice(node, &[("constant", CONSTANT)]).map(|choice| choice.value);
    }
    let fields = r.map(node, "a schedule", at, &["warmup", "decay", "to"])?;
    let warmup = fields.get("warmup").map(|node| warmup(r, node));
    let decay = fields.get("decay").map(|node| decay(r, node));
    let to =
        fields.get("to").and_then(|node| r.number_where(node, "a factor from 0 to 1", |to| (0.0..=1.0).contains(&to)));
    Some(Schedule {
        warmup: warmup.unwrap_or(Some(0))?,
        decay: decay.unwrap_or(Some(Decay::Constant))?,
        to: to.unwrap_or(0.0),
    })
}

/// `1000 steps`, or the number alone: there is nothing else to count.
fn warmup(r: &mut Reader<'_>, node: &Node) -> Option<u64> {
    match node.text() {
        Some(text) if text.contains(' ') => r.counted(node, "steps"),
        _ => r.whole(node, 0).map(|steps| u64::from(steps.value)),
    }
}

/// `constant`, `linear`, `cosine`, or `exponential(0.96)`, a factor per epoch.
fn decay(r: &mut Reader<'_>, node: &Node) -> Option<Decay> {
    if !node.text().is_some_and(|text| text.starts_with("exponential")) {
        return r
            .choice(
                node,
                &[
                    ("constant", Decay::Constant),
                    ("linear", Decay::Linear),
                    ("cosine", Decay::Cosine),
                    ("exponential(0.96)", Decay::Exponential(0.96)),
                ],
            )
            .map(|choice| choice.value);
    }
    let expr = r.expr(node)?;
    if let ExprKind::Call { args, .. } = &expr.kind
        && let [arg] = args.as_slice()
        && let (None, ExprKind::Number(factor)) = (&arg.name, &arg.value.kind)
        && *factor > 0.0
        && *factor <= 1.0
    {
        return Some(Decay::Exponential(*factor));
    }
    r.push(
        Diagnostic::new("E0112", format!("expected a factor from 0 to 1, as in `exponential(0.96)`, found `{expr}`"))
            .at(node.span, "")
            .help("the factor is per epoch"),
    );
    None
}
