//! Weights after each of ten steps, for every optimiser, against PyTorch's (fixtures `steps_*` of `tests/parity`).

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;
use safetensors::tensor::SafeTensors;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::Reference;
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::matrix::Matrix;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::op::Noise;
use specrec::pass::{Goal, instantiate};

const SPEC: &str = "
specrec: 1
name: steps
sources:
  log: {path: log.csv}
samples:
  from: log
  labels:
    label: y == 1
  split: {by: random, parts: [0.8, 0.1, 0.1], seed: 1}
features:
  a: {type: ids, side: item, size: 19, dim: 4}
  b: {type: id, side: item, size: 14, dim: 3}
model:
  hidden: concat(a, b) |> linear(5)
  logit: hidden |> relu |> linear(1)
losses:
  click: bce(logit, label)
outputs:
  p: sigmoid(logit)
metrics:
  auc: auc(p, label)
train:
  batch: 32
  epochs: 1
";

/// Fixture, and the settings that say the same.
const CASES: &[(&str, &[&str])] = &[
    ("steps_lazy_adam", &["train.optimizer.dense=adam", "train.optimizer.tables=lazy_adam"]),
    ("steps_exact_adam", &["train.optimizer.dense=adam", "train.optimizer.tables=adam"]),
    (
        "steps_adamw",
        &["train.optimizer.dense=adamw", "train.optimizer.tables=adam", "train.optimizer.weight_decay=0.1"],
    ),
    (
        "steps_momentum",
        &[
            "train.optimizer.dense=sgd",
            "train.optimizer.momentum=0.9",
            "train.optimizer.tables=adagrad",
            "train.optimizer.eps=1e-10",
        ],
    ),
    (
        "steps_clip",
        &["train.optimizer.dense=sgd", "train.optimizer.momentum=0.9", "train.optimizer.tables=sgd", "train.clip=0.25"],
    ),
    (
        "steps_adagrad",
        &["train.optimizer.dense=adagrad", "train.optimizer.tables=adagrad", "train.optimizer.eps=1e-10"],
    ),
];

/// Paths of the fixture and of the spec.
const PATHS: &[(&str, &str)] = &[
    ("table.a", "a"),
    ("table.b", "b"),
    ("hidden.w", "hidden.linear.w"),
    ("hidden.b", "hidden.linear.b"),
    ("out.w", "logit.linear.w"),
    ("out.b", "logit.linear.b"),
];

#[test]
fn every_fixture_of_ten_steps_is_a_case() {
    let files = std::fs::read_dir("tests/parity/fixtures").unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<String> = files
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("steps_"))
        .collect();
    found.sort();
    let mut cases: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    cases.sort_unstable();
    assert_eq!(found, cases);
}

#[test]
fn ten_steps_end_where_those_of_pytorch_do() {
    for (name, settings) in CASES {
        let bytes = std::fs::read(format!("tests/parity/fixtures/{name}.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let words = |key: &str| {
            let view = file.tensor(key).unwrap_or_else(|_| panic!("{name}: no {key} among {:?}", file.names()));
            view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect::<Vec<_>>()
        };
        let floats = |key: &str| words(key).into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
        let places = |key: &str| words(key).into_iter().map(u32::from_le_bytes).collect::<Vec<_>>();

        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let mut sets: Vec<String> = settings.iter().map(|set| (*set).to_owned()).collect();
        sets.push("train.optimizer.lr=0.05".to_owned());
        let spec = specrec::syntax::load_text(name, SPEC, Path::new("."), &sets, &mut sources, &mut diags).unwrap();
        let program = specrec::lower::lower(&spec, &mut sources, &mut diags).unwrap();
        let graph = instantiate(&program.graph, Goal::Train(&spec.train), None).unwrap();
        let mut weights = Weights::default();
        for (theirs, ours) in PATHS {
            let data = floats(&format!("weight/{theirs}"));
            let width = match *ours {
                "a" => 4,
                "b" => 3,
                "hidden.linear.w" | "hidden.linear.b" => 5,
                _ => 1,
            };
            weights.insert(ours, Matrix::new(data.len() / width, width, data));
        }
        let rows = weights.table_rows(&graph);
        weights.complete(&graph, &rows, &BTreeMap::new(), 1).unwrap();
        let mut host = Host::new(graph.clone(), 2).unwrap();
        let mut reference = Reference::new(&weights, Device::Cpu).unwrap();
        let prologue = Prologue::of(&graph);
        for step in 0..10 {
            let at = |key: &str| format!("batch.{step}/{key}");
            let label = floats(&at("label"));
            let feed = Feed {
                samples: label.len(),
                ids: (0..label.len() as u64).collect(),
                offsets: BTreeMap::from([("a".to_owned(), places(&at("offsets.a")))]),
                columns: BTreeMap::from([
                    ("a".to_owned(), Column::U32(places(&at("a")))),
                    ("b".to_owned(), Column::U32(places(&at("b")))),
                    ("label".to_owned(), Column::F32(label)),
                ]),
            };
            let batch = prologue.prepare(&graph, &feed, &rows, Noise::default()).unwrap();
            let numbers = [("lr", 0.05), ("tables_lr", 0.05), ("step", (step + 1) as f32)];
            let schedule = numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            host.step(&mut weights, &batch, &schedule, Noise::default()).unwrap();
            reference.step(&graph, &batch, &schedule, Noise::default()).unwrap();
            let mut of_reference = Weights::default();
            reference.store(&mut of_reference).unwrap();
            for (backend, weights) in [("host", &weights), ("reference", &of_reference)] {
                for (theirs, ours) in PATHS {
                    let expected = floats(&format!("after.{step}/{theirs}"));
                    let found = weights.get(ours).unwrap().numbers();
                    assert_eq!(found.len(), expected.len(), "{name}, {theirs}");
                    for (a, b) in found.iter().zip(&expected) {
                        assert!((a - b).abs() < 2e-5, "{name} on {backend}, step {step}, {theirs}: {a}, expected {b}");
                    }
                }
            }
        }
    }
}
