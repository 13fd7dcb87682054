//! A spec as canonical YAML: everything it extends merged in, constants filled in, features spread out. What is printed reads back as the same spec.

mod features;
mod yaml;

use super::spec::{
    AxisOrigin, AxisSpec, Decay, DrawBy, DrawSpec, Format, JoinMissing, LabelSpec, Named, OnError, OptimizerSpec, Part,
    Per, RunSpec, Samples, Schedule, SourceSpec, Spec, Split, Ties, TimeSpec, TrainSpec,
};
use crate::expr::ast::{Expr, ExprKind};
use yaml::{Map, Yaml, expr, exprs, number, quoted, word, words};

/// The canonical text of a spec. Paths stay relative to [`Spec::base`].
pub fn print(spec: &Spec) -> String {
    let mut map = Map::default();
    map.put("specrec", number(1.0));
    map.put("name", word(&spec.name.name));
    map.put("let", named(&spec.lets, constant));
    map.put("sources", named(&spec.sources, source));
    map.put("samples", samples(&spec.samples));
    map.put("tables", named(&spec.tables, features::table));
    map.put("features", named(&spec.features, features::feature));
    map.put("groups", named(&spec.groups, |members| words(members)));
    map.put("axes", named(&spec.axes, axis));
    map.put("runs", named(&spec.runs, run));
    let mut blocks = Map::default();
    for block in &spec.blocks {
        blocks.put_key(yaml::key(&block.signature.to_string()), exprs(&block.body));
    }
    map.put("blocks", blocks.into());
    map.put("model", exprs(&spec.model));
    map.put("losses", exprs(&spec.losses));
    map.put("outputs", exprs(&spec.outputs));
    map.put("metrics", exprs(&spec.metrics));
    map.put("train", train(&spec.train));
    map.document()
}

fn named<T>(entries: &[Named<T>], value: impl Fn(&T) -> Yaml) -> Yaml {
    let mut map = Map::default();
    for entry in entries {
        map.put_key(yaml::key(&entry.name.name), value(&entry.value));
    }
    map.into()
}

/// A constant: a plain word is a name and a quoted one a text, as `let` reads them.
fn constant(value: &Expr) -> Yaml {
    match &value.kind {
        ExprKind::Text(text) => quoted(&yaml::brace(text)),
        ExprKind::List(items) => Yaml::List(items.iter().map(constant).collect()),
        _ => Yaml::Scalar(value.to_string()),
    }
}

fn source(source: &SourceSpec) -> Yaml {
    let mut map = Map::default();
    match source.paths.as_slice() {
        [path] => map.put("path", word(&path.value)),
        paths => map.put("path", Yaml::List(paths.iter().map(|path| word(&path.value)).collect())),
    }
    map.maybe("format", source.format.as_ref(), |format| {
        word(match format.value {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
            Format::Libsvm => "libsvm",
            Format::Sequences => "sequences",
        })
    });
    map.maybe("key", source.key.as_ref(), |key| word(&key.name));
    map.maybe("columns", source.columns.as_ref(), |columns| words(columns));
    map.maybe("delimiter", source.delimiter.as_ref(), |delimiter| quoted(&delimiter.value));
    map.maybe("encoding", source.encoding.as_ref(), |encoding| word(&encoding.value));
    map.maybe("missing", source.missing.as_ref(), |texts| Yaml::List(texts.iter().map(|text| quoted(text)).collect()));
    map.maybe("where", source.filter.as_ref(), expr);
    map.maybe("time", source.time.as_ref(), time);
    map.maybe("partition", source.partition.as_ref(), |column| word(&column.name));
    map.unless(source.on_error == OnError::Fail, "on_error", || word("skip"));
    map.into()
}

fn time(time: &TimeSpec) -> Yaml {
    let mut map = Map::default();
    map.put("column", word(&time.column.name));
    map.maybe("unit", time.unit.as_ref(), |unit| word(&unit.value));
    map.maybe("zone", time.zone.as_ref(), |zone| word(&zone.value));
    map.into()
}

fn samples(samples: &Samples) -> Yaml {
    let mut map = Map::default();
    map.put("from", word(&samples.from.name));
    match samples.per {
        Per::Row => {}
        Per::User => map.put("per", word("user")),
        Per::Steps(steps) => map.put("per", word(&format!("steps of {steps}"))),
    }
    let mut joins = Map::default();
    for join in &samples.join {
        let mut own = Map::default();
        own.put("column", word(&join.column.name));
        match join.missing {
            JoinMissing::Null => {}
            JoinMissing::Drop => own.put("missing", word("drop")),
            JoinMissing::Error => own.put("missing", word("error")),
        }
        joins.put_key(yaml::key(&join.source.name), own.into());
    }
    map.put("join", joins.into());
    map.maybe("time", samples.time.as_ref(), time);
    map.put("labels", named(&samples.labels, label));
    map.unless(samples.outcomes.is_empty(), "outcomes", || words(&samples.outcomes));
    map.maybe("split", samples.split.as_ref(), |parts| split(&parts.value));
    map.maybe("negatives", samples.negatives.as_ref(), |draw| draws("of", draw));
    map.maybe("downsample", samples.downsample.as_ref(), |downsample| {
        let mut map = Map::default();
        map.put("where", expr(&downsample.filter));
        map.put("keep", number(downsample.keep));
        map.into()
    });
    map.unless(samples.ties == Ties::Out, "ties", || word("row_order"));
    map.into()
}

fn label(label: &LabelSpec) -> Yaml {
    let Some(seconds) = label.known_after else { return expr(&label.is) };
    let mut map = Map::default();
    map.put("is", expr(&label.is));
    map.put("known_after", number(seconds));
    map.into()
}

fn split(split: &Split) -> Yaml {
    let mut map = Map::default();
    let fractions = |parts: &[f64]| Yaml::List(parts.iter().map(|part| number(*part)).collect());
    match split {
        Split::Time(parts) => {
            map.put("by", word("time"));
            map.put("parts", fractions(parts));
        }
        Split::LeaveOneOut(of) => {
            map.put("by", word("leave_one_out"));
            map.put("of", word(&of.name));
        }
        Split::Random { of, parts, seed } => {
            map.put("by", word("random"));
            map.maybe("of", of.as_ref(), |of| word(&of.name));
            map.put("parts", fractions(parts));
            map.put("seed", number(*seed as f64));
        }
        Split::Where(parts) => parts.iter().for_each(|(part, condition)| map.put(part_word(*part), expr(condition))),
        Split::From(parts) => {
            for (part, source) in parts {
                let mut own = Map::default();
                own.put("from", word(&source.name));
                map.put(part_word(*part), own.into());
            }
        }
    }
    map.into()
}

fn part_word(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "valid",
        Part::Test => "test",
    }
}

fn draws(of: &'static str, draw: &DrawSpec) -> Yaml {
    let mut map = Map::default();
    map.put(of, word(&draw.of.name));
    map.put("n", number(f64::from(draw.n)));
    map.put("by", word(if draw.by == DrawBy::Uniform { "uniform" } else { "popularity" }));
    map.put("power", number(draw.power));
    map.unless(draw.not_in.is_empty(), "not_in", || words(&draw.not_in));
    map.unless(draw.along.is_empty(), "along", || words(&draw.along));
    map.put("seed", number(draw.seed as f64));
    map.into()
}

fn axis(axis: &AxisSpec) -> Yaml {
    let mut map = Map::default();
    match &axis.origin {
        AxisOrigin::From { from, by, filter, last, delay } => {
            map.put("from", word(&from.name));
            map.put("by", word(&by.name));
            map.maybe("where", filter.as_ref(), expr);
            map.maybe("last", last.as_ref(), |last| number(f64::from(last.value)));
            map.unless(*delay == 0.0, "delay", || number(*delay));
        }
        AxisOrigin::Columns { columns, newest_first, last, separator } => {
            let mut own = Map::default();
            for (feature, column) in columns {
                own.put_key(yaml::key(&feature.name), word(&column.name));
            }
            map.put("columns", own.into());
            map.put("order", word(if *newest_first { "newest_first" } else { "oldest_first" }));
            map.put("last", number(f64::from(last.value)));
            map.maybe("separator", separator.as_ref(), |text| quoted(&text.value));
        }
        AxisOrigin::Within { axis, gap, column, last } => {
            map.put("within", word(&axis.name));
            map.maybe("gap", gap.as_ref(), |gap| number(*gap));
            map.maybe("column", column.as_ref(), |column| word(&column.name));
            map.maybe("last", last.as_ref(), |last| number(f64::from(last.value)));
        }
        AxisOrigin::List { by, order, max, cut } => {
            map.put("list", word(&by.name));
            map.maybe("order", order.as_ref(), |order| word(&order.name));
            map.put("max", number(f64::from(max.value)));
            map.unless(!cut, "cut", || word("true"));
        }
        AxisOrigin::Draw(draw) => return draws("draw", draw),
    }
    map.into()
}

fn run(run: &RunSpec) -> Yaml {
    let mut map = Map::default();
    map.put("run", word(&run.run.value));
    map.put("value", word(&run.value.name));
    map.maybe("along", run.along.as_ref(), |along| word(&along.name));
    map.into()
}

fn train(train: &TrainSpec) -> Yaml {
    let mut map = Map::default();
    map.maybe("init", train.init.as_ref(), |init| {
        let mut map = Map::default();
        map.put("run", word(&init.run.value));
        map.put("vocabulary", word(if init.grow { "grow" } else { "keep" }));
        map.into()
    });
    map.put("batch", number(f64::from(train.batch)));
    map.put("epochs", number(f64::from(train.epochs)));
    map.put("optimizer", optimizer(&train.optimizer));
    map.put("shuffle", word(if train.shuffle { "rows" } else { "none" }));
    map.maybe("validate", train.validate.as_ref(), |steps| word(&format!("{steps} steps")));
    map.maybe("monitor", train.monitor.as_ref(), |metric| word(&metric.name));
    map.maybe("patience", train.patience.as_ref(), |patience| number(f64::from(*patience)));
    map.maybe("clip", train.clip.as_ref(), |norm| number(*norm));
    map.put("seed", number(train.seed as f64));
    map.into()
}

fn optimizer(optimizer: &OptimizerSpec) -> Yaml {
    let mut map = Map::default();
    map.put("dense", word(&optimizer.dense.value));
    map.put("tables", word(&optimizer.tables.value));
    map.put("lr", number(optimizer.lr));
    map.maybe("tables_lr", optimizer.tables_lr.as_ref(), |lr| number(*lr));
    let Schedule { warmup, decay, to } = optimizer.schedule;
    map.unless(warmup == 0 && decay == Decay::Constant && to == 0.0, "schedule", || {
        let mut map = Map::default();
        map.put("warmup", word(&format!("{warmup} steps")));
        map.put(
            "decay",
            match decay {
                Decay::Constant => word("constant"),
                Decay::Linear => word("linear"),
                Decay::Cosine => word("cosine"),
                Decay::Exponential(factor) => {
                    Yaml::Scalar(format!("exponential({})", crate::expr::print::number(factor)))
                }
            },
        );
        map.put("to", number(to));
        map.into()
    });
    map.put("weight_decay", number(optimizer.weight_decay));
    map.put("momentum", number(optimizer.momentum));
    map.put("betas", Yaml::List(vec![number(optimizer.beta1), number(optimizer.beta2)]));
    map.put("eps", number(optimizer.eps));
    map.into()
}
