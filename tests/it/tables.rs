//! Rows of a table get their first values when a step first reads them: nothing shows that but the memory.

use std::collections::BTreeMap;
use std::path::Path;

use specrec::diag::{Diags, Sources};
use specrec::exec::candle::Outputs;
use specrec::exec::feed::Column;
use specrec::exec::host::Host;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::lower::lower;
use specrec::pass::{Goal, instantiate};

use super::both::{feed, table_rows};
use super::train::{ok, specrec, write_data};

/// The graphs of training and evaluation.
fn graphs(path: &str, sets: &[&str]) -> [Graph; 2] {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let spec = specrec::syntax::load(Path::new(path), &sets, &mut sources, &mut diags).unwrap();
    let program = lower(&spec, &mut sources, &mut diags).unwrap();
    [Goal::Train(&spec.train), Goal::Evaluate].map(|goal| instantiate(&program.graph, goal, None).unwrap())
}

/// What a step gives.
fn step(graph: &Graph, weights: &mut Weights, samples: usize, step: u64) -> Outputs {
    let noise = Noise { seed: 1, step };
    let batch = Prologue::of(graph).prepare(graph, &feed(graph, samples), &table_rows(graph), noise).unwrap();
    let schedule = [("lr", 0.1), ("tables_lr", 0.1), ("step", step as f32)].map(|(name, to)| (name.to_owned(), to));
    Host::new(graph.clone(), 2).unwrap().step(weights, &batch, &schedule.into(), noise).unwrap()
}

fn bits(outputs: &Outputs) -> Vec<u32> {
    let of = |column: &Column| match column {
        Column::F32(numbers) => numbers.iter().map(|number| number.to_bits()).collect(),
        Column::U32(numbers) => numbers.clone(),
    };
    outputs.values().flat_map(of).collect()
}

#[test]
fn tables_drawn_row_by_row_train_to_the_bits_of_tables_drawn_at_once() {
    let cases = [
        ("specs/din.yaml", &["train.optimizer.tables=lazy_adam"][..], true),
        ("specs/din.yaml", &["train.optimizer.tables=adagrad"], true),
        ("specs/din.yaml", &["train.optimizer.tables=sgd"], true),
        ("specs/din.yaml", &["train.optimizer.tables=adam"], false),
        ("specs/din_regularised.yaml", &[], true),
        ("specs/bert4rec.yaml", &[], false),
        ("specs/sasrec.yaml", &[], false),
    ];
    for (path, sets, by_row) in cases {
        let [train, evaluate] = graphs(path, sets);
        let mut lazy = Weights::initial(&train, &table_rows(&train), &BTreeMap::new(), 5).unwrap();
        let names: Vec<String> = lazy.iter().map(|(name, _)| name.to_owned()).collect();
        let mut full = lazy.clone();
        for name in &names {
            full.get_mut(name).unwrap().numbers_mut();
        }
        // Few samples first, then more of them, and rows that an evaluation is the first to read.
        for (at, (graph, samples)) in [(&train, 1), (&train, 3), (&evaluate, 5), (&train, 7)].into_iter().enumerate() {
            let found = [&mut lazy, &mut full].map(|weights| bits(&step(graph, weights, samples, at as u64 + 1)));
            assert_eq!(found[0], found[1], "{path} {sets:?}, step {at}");
            let rows = |weights: &Weights| -> usize {
                weights.get("movie").unwrap().drawn().map(|(rows, _)| rows.len()).sum()
            };
            if at == 0 {
                assert_eq!(by_row, rows(&lazy) < rows(&full), "{path} {sets:?}");
            }
        }
        for (name, matrix) in lazy.iter() {
            assert_eq!(Some(matrix), full.get(name), "{path} {sets:?}: @{name}");
        }
    }
}

/// Of 100,000,001 rows, 30 are read.
#[test]
fn a_table_that_fits_no_disk_trains_goes_on_and_predicts() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let log = std::fs::read_to_string(dir.path().join("log.csv")).unwrap();
    let spread = log.lines().enumerate().map(|(at, line)| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if at > 0 {
            cells[1] = (cells[1].parse::<u64>().unwrap() * 3_333_333).to_string();
        }
        cells.join(",") + "\n"
    });
    std::fs::write(dir.path().join("log.csv"), spread.collect::<String>()).unwrap();
    let sets = ["--set", "features.item.size=100000000", "--set", "features.item.dim=16", "--set", "train.epochs=2"];
    let train = |run: &str, more: &[&str]| {
        let args = [&["train", "spec.yaml", "--run", run][..], &sets, more].concat();
        specrec(dir.path(), &args)
    };
    let table = ok(&train("whole", &[]));
    assert_eq!(train("parts", &["--stop-after", "7"]).status.code(), Some(130));
    assert_eq!(ok(&train("parts", &["--resume"])), table);
    for name in ["last.safetensors", "best.safetensors"] {
        let [whole, parts] = ["whole", "parts"].map(|run| std::fs::read(dir.path().join(run).join(name)).unwrap());
        assert!(whole == parts, "{name} differs");
        assert!(whole.len() < 100_000, "{name} has {} bytes", whole.len());
    }
    let cells = |table: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with("test")).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(cells(&ok(&specrec(dir.path(), &["eval", "whole"]))), cells(&table));
    // Of rows that training never read: their first values.
    std::fs::write(dir.path().join("new.csv"), "user,item,time\n1,99999998,5000\n2,3333333,5001\n").unwrap();
    let predict = ["predict", "whole", "--input", "new.csv", "--output"];
    let scores = |name: &str| {
        ok(&specrec(dir.path(), &[&predict[..], &[name]].concat()));
        std::fs::read_to_string(dir.path().join(name)).unwrap()
    };
    assert_eq!(scores("a.csv").lines().count(), 3);
    assert_eq!(scores("a.csv"), scores("b.csv"));
}
