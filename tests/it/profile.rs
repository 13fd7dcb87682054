//! Profiles of training: what is measured fits into the time that there was, a trace can be read, and no result changes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use specrec::diag::{Diags, Sources};
use specrec::exec::host::Host;
use specrec::exec::made_up;
use specrec::exec::profile::{Profile, Task, Total, table};
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::op::Noise;
use specrec::pass::{Goal, instantiate};
use specrec::train::symbolic_rows;

use crate::train::{ok, specrec, write_data};

const THREADS: usize = 2;
const STEPS: u64 = 8;

#[test]
fn what_is_measured_fits_into_the_time_of_the_steps() {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let compiled = specrec::compile(Path::new("specs/din.yaml"), &[], &mut sources, &mut diags).unwrap();
    let graph = instantiate(&compiled.program.graph, Goal::Train(&compiled.spec.train), None).unwrap();
    let rows = symbolic_rows(&compiled.program, 3);
    let mut weights = Weights::initial(&graph, &rows, &BTreeMap::new(), 1).unwrap();
    let schedule = ["lr", "tables_lr", "step"].map(|name| (name.to_owned(), 1.0)).into();
    let feed = made_up::feed(&graph, 500);
    let batch = Prologue::of(&graph).prepare(&graph, &feed, &rows, Noise::default()).unwrap();
    let mut host = Host::new(graph, THREADS).unwrap();
    let mut profile = Profile::new(THREADS);
    host.record(Some(&profile));
    for step in 1..=STEPS {
        let start = Instant::now();
        host.step(&mut weights, &batch, &schedule, Noise { seed: 1, step }).unwrap();
        let spans = host.recorded();
        profile.add(host.graph(), &batch.rows, spans, start);
    }
    assert!((1..STEPS).contains(&profile.steps()), "the first steps do not count");
    let sum = |of: &dyn Fn(&Task) -> bool| -> u64 {
        profile.totals().iter().filter(|(task, _)| of(task)).map(|(_, total)| total.nanoseconds).sum()
    };
    let (nodes, blocks) = (sum(&|task| matches!(task, Task::Entry(..))), sum(&|task| matches!(task, Task::Block(_))));
    let loops = sum(&|task| matches!(task, Task::Loop(_)));
    let alone = sum(&|task| matches!(task, Task::Whole(_) | Task::Effect(_)));
    assert!(0 < nodes && nodes <= blocks && blocks <= THREADS as u64 * loops, "{nodes} {blocks} {loops}");
    assert!(0 < alone && loops + alone <= sum(&|task| *task == Task::Step), "{loops} {alone}");
    // Every node is measured, and as often as there are blocks, whichever thread ran them.
    let measured = |total: &Total| total.calls >= profile.steps() && total.calls.is_multiple_of(profile.steps());
    assert!(profile.totals().values().all(measured));
    let text = table(&profile, host.graph(), None);
    let shares = text.split("GB/s  node\n").nth(1).unwrap().lines();
    let share = |line: &str| line.split('%').next().unwrap().split_whitespace().last().unwrap().parse::<f64>().unwrap();
    let all: f64 = shares.map(share).sum();
    assert!((95.0..105.0).contains(&all), "{all}\n{text}");
}

#[test]
fn a_profile_of_a_run_that_is_stopped_and_goes_on_changes_no_bit_and_its_trace_nests() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let train = |more: &[&str]| {
        let common = ["train", "spec.yaml", "--threads", "2", "--set", "train.epochs=1"];
        specrec(dir.path(), &[&common[..], more].concat())
    };
    ok(&train(&["--run", "plain"]));
    let stopped = train(&["--run", "profiled", "--profile", "--stop-after", "7"]);
    assert_eq!(stopped.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&stopped.stdout).contains("profile of 2 steps, after 5 to warm up"));
    let file = dir.path().join("profiled/profile.json");
    std::fs::remove_file(&file).unwrap();
    let table = ok(&train(&["--run", "profiled", "--profile", "--resume"]));
    for expected in ["test ", "ms a step", "GFLOP/s in", "GB/s  peak  block loop", "loop 1: ", "GB/s  peak  node"] {
        assert!(table.contains(expected), "no `{expected}` in\n{table}");
    }
    let weights = |run: &str| std::fs::read(dir.path().join(run).join("best.safetensors")).unwrap();
    assert!(weights("plain") == weights("profiled"), "the weights differ");
    nests(&std::fs::read_to_string(file).unwrap());
}

/// Chrome's trace event format: spans of one track contain each other or do not touch, and blocks lie in their loop.
fn nests(text: &str) {
    let trace: Value = serde_json::from_str(text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let mut tracks: BTreeMap<u64, Vec<(f64, f64, &str)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        let (start, time) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
        assert!(start >= 0.0 && time >= 0.0, "{event}");
        let track = tracks.entry(event["tid"].as_u64().unwrap()).or_default();
        track.push((start, start + time, event["name"].as_str().unwrap()));
    }
    let named = events.iter().filter(|event| event["ph"] == "M" && event["name"] == "thread_name");
    assert_eq!(named.count(), tracks.len());
    // A microsecond's thousandth is lost in writing.
    let slack = 0.002;
    for track in tracks.values() {
        let mut open: Vec<f64> = Vec::new();
        for &(start, end, name) in track {
            open.retain(|&open| open > start + slack);
            assert!(open.last().is_none_or(|&open| end <= open + slack), "{name} ends after what it began in");
            open.push(end);
        }
    }
    let blocks = (1..=2).filter_map(|thread| tracks.get(&thread)).flatten();
    let blocks: Vec<_> =
        blocks.filter_map(|&(start, end, name)| Some((start, end, name.strip_prefix("block of ")?))).collect();
    assert!(!blocks.is_empty());
    for (start, end, of) in blocks {
        let mut loops = tracks[&0].iter().filter(|(_, _, name)| *name == of);
        assert!(loops.any(|&(from, to, _)| from <= start + slack && end <= to + slack), "a block outside of {of}");
    }
}

#[test]
fn the_reference_is_measured_node_by_node() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let arguments = ["train", "spec.yaml", "--run", "run", "--no-fuse", "--profile", "--stop-after", "3"];
    let stopped = specrec(dir.path(), &arguments);
    let table = String::from_utf8_lossy(&stopped.stdout);
    assert!(table.contains("profile of 3 steps: ") && table.contains("whole: "), "{table}");
    assert!(!table.contains("block loop"), "{table}");
}
