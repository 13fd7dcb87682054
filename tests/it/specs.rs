//! The shipped specs: each lowers without a finding, and its model graph is a snapshot.

use std::path::Path;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::ir::graph::Graph;
use specrec::ir::verify::{Stage, verify};
use specrec::lower::{Program, lower};

/// A spec's program, and everything that was found on the way, rendered.
pub(crate) fn lowered(path: &str) -> (Option<Program>, String) {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load(Path::new(path), &[], &mut sources, &mut diags);
    let program = spec.and_then(|spec| lower(&spec, &mut sources, &mut diags));
    (program, render_all(diags.list(), &sources, false))
}

fn graph(path: &str) -> Graph {
    let (program, found) = lowered(path);
    assert_eq!(found, "", "{path}");
    let graph = program.unwrap().graph;
    if let Err(broken) = verify(&graph, Stage::Model) {
        panic!("{path}: {broken:?}\n{graph}");
    }
    graph
}

#[test]
fn shipped_specs_lower_to_these_graphs() {
    for (name, path) in [
        ("base", "specs/base.yaml"),
        ("custom_attention", "examples/custom_attention.yaml"),
        ("deepfm", "specs/deepfm.yaml"),
        ("din", "specs/din.yaml"),
        ("w1", "benches/peers/w1.yaml"),
    ] {
        insta::assert_snapshot!(format!("lowered_{name}"), graph(path).to_string());
    }
}
