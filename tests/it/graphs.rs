//! Graphs written by hand in the text form of the IR (`tests/graphs`): what the IR must be able to say. Each reads,
//! verifies, prints as it reads, has gradients, and computes the same on both backends.

use std::path::{Path, PathBuf};

use specrec::diag::FileId;
use specrec::diag::render::line_and_column;
use specrec::exec::candle::Schedule;
use specrec::ir::graph::{Graph, Role};
use specrec::ir::read::read;
use specrec::ir::verify::{Stage, verify};
use specrec::pass::{Goal, instantiate};
use specrec::prim::REGISTRY;

use crate::both;

fn texts(folder: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "ir"))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn graph(name: &str, text: &str) -> Graph {
    let graph = read(text, FileId(0), REGISTRY).unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
    if let Err(broken) = verify(&graph, Stage::Model) {
        panic!("{name}: {broken:#?}");
    }
    graph
}

#[test]
fn ten_graphs_are_there() {
    let names: Vec<String> = texts("tests/graphs").into_iter().map(|(name, _)| name).collect();
    let expected =
        ["bert4rec", "bst", "cin", "dien", "din", "din_serving", "in_batch", "prm", "self_attention", "sessions"];
    assert_eq!(names, expected);
}

#[test]
fn graphs_print_as_they_are_written() {
    for (name, text) in texts("tests/graphs") {
        let graph = graph(&name, &text);
        let written: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
        let printed = graph.to_string();
        for (printed, written) in printed.lines().zip(&written) {
            assert_eq!(printed, *written, "{name}");
        }
        assert_eq!(printed.lines().count(), written.len(), "{name}");
        let again = read(&graph.to_string(), FileId(0), REGISTRY).unwrap();
        assert!(again == graph, "{name} reads back as another graph");
    }
}

#[test]
fn graphs_compute_the_same_on_both_backends() {
    for (name, text) in texts("tests/graphs") {
        let model = graph(&name, &text);
        let predicted = instantiate(&model, Goal::Predict, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        for samples in [0, 1, 6, 40] {
            let weights = both::weights(&model);
            let (theirs, ours) = both::step(&predicted, &weights, &both::feed(&predicted, samples), &Schedule::new());
            let difference = both::difference(&theirs, &ours, 1e-3, 1e-4);
            assert_eq!(difference, None, "{name} of {samples} samples, for prediction");
        }
    }
}

#[test]
fn gradients_of_graphs_are_the_same_on_both_backends() {
    let mut losses = 0;
    for (name, text) in texts("tests/graphs") {
        let model = graph(&name, &text);
        if model.losses().is_empty() {
            continue;
        }
        losses += 1;
        let trained = instantiate(&model, Goal::Gradients, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let weights = both::weights(&model);
        for samples in [0, 1, 6, 40] {
            let (theirs, ours) = both::step(&trained, &weights, &both::feed(&trained, samples), &Schedule::new());
            let difference = both::difference(&theirs, &ours, 1e-3, 3e-4);
            assert_eq!(difference, None, "{name} of {samples} samples, for training");
        }
        for (_, param) in model.params().filter(|(_, param)| matches!(param.role, Role::Weight | Role::Table)) {
            let gradient = format!("d.{}", param.name);
            assert!(trained.outputs().iter().any(|root| root.name == gradient), "{name} has no {gradient}");
        }
    }
    assert_eq!(losses, 9, "all but the graph for serving have a loss");
}

/// The comment `; error: CODE` stands on the line that has it; one of two codes are separated by a comma.
#[test]
fn broken_graphs_have_their_errors_on_the_marked_lines() {
    let mut wrong = Vec::new();
    for (name, text) in texts("tests/graphs/errors") {
        let mut expected = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let codes = line.split_once("; error: ").map_or("", |(_, codes)| codes);
            expected
                .extend(codes.split(',').filter(|code| !code.is_empty()).map(|code| (at + 1, code.trim().to_owned())));
        }
        let findings = match read(&text, FileId(0), REGISTRY) {
            Ok(graph) => verify(&graph, Stage::Model).err().unwrap_or_default(),
            Err(findings) => findings,
        };
        let mut found: Vec<(usize, String)> = Vec::new();
        for finding in &findings {
            let span = finding.labels.first().map(|label| label.span).unwrap_or_default();
            found.push((line_and_column(&text, span.start as usize).0, finding.code.to_owned()));
        }
        found.sort();
        assert!(expected.iter().all(|(_, code)| name.starts_with(code.as_str())), "{name} is named after its code");
        if expected.is_empty() || found != expected {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}\n{findings:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
