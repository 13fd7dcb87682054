//! What holds of every graph, tried on graphs that chance wires: passes keep values and gradients, both backends agree,
//! what is printed reads back.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use specrec::diag::{Diags, FileId, Sources};
use specrec::exec::candle::{Outputs, Schedule};
use specrec::exec::feed::Column;
use specrec::ir::graph::Graph;
use specrec::ir::read::read;
use specrec::ir::verify::{Stage, verify};
use specrec::pass::differentiate::{GRADIENT, differentiate};
use specrec::pass::{Goal, instantiate, pipeline};
use specrec::prim::REGISTRY;
use specrec::syntax::spec::TrainSpec;
use specrec::train::schedule::{Length, numbers};

use crate::{both, random_graph};

fn lengths() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..=5u8, 0..6)
}

/// Losses and outputs of a step on both backends, which agree; parameters are left out.
fn values(graph: &Graph, weights: &specrec::exec::weights::Weights, lengths: &[u8]) -> Result<Outputs, TestCaseError> {
    let feed = random_graph::feed(graph, lengths);
    let (theirs, ours) = both::step(graph, weights, &feed, &Schedule::new());
    let difference = both::difference(&theirs, &ours, 1e-2, 1e-3);
    prop_assert!(difference.is_none(), "the backends differ in {}\n{graph}", difference.unwrap_or_default());
    Ok(theirs.into_iter().filter(|(name, _)| !name.starts_with('@')).collect())
}

/// The graph after each pass of a pipeline, with the name of the pass.
fn after_each_pass(graph: &Graph, goal: Goal) -> Result<Vec<(&'static str, Graph)>, TestCaseError> {
    let mut graphs = vec![("lowering", graph.clone())];
    for pass in pipeline(goal) {
        let before = &graphs.last().unwrap().1;
        let after = (pass.run)(before, goal)
            .map_err(|fault| TestCaseError::fail(format!("{}: {}\n{before}", pass.name, fault.title)))?;
        let broken = verify(&after, Stage::Model).err();
        prop_assert!(broken.is_none(), "{}: {broken:?}\n{before}\n{after}", pass.name);
        graphs.push((pass.name, after));
    }
    Ok(graphs)
}

/// Gradients by parameter, those of a table's distinct rows as they stand in the order of its rows. Absent is 0.
fn gradients(outputs: &Outputs) -> BTreeMap<&str, &[f32]> {
    fn numbers(column: &Column) -> &[f32] {
        match column {
            Column::F32(values) => values,
            Column::U32(_) => &[],
        }
    }
    outputs.iter().filter_map(|(name, column)| Some((name.strip_prefix(GRADIENT)?, numbers(column)))).collect()
}

fn alike(expected: &Outputs, found: &Outputs) -> Result<(), String> {
    let (expected, found) = (gradients(expected), gradients(found));
    let largest = expected.values().flat_map(|g| g.iter()).fold(0.1f32, |largest, g| largest.max(g.abs()));
    for name in expected.keys().chain(found.keys()) {
        let of = |side: &BTreeMap<&str, &[f32]>| side.get(name).copied().unwrap_or_default().to_vec();
        let (mut a, mut b) = (of(&expected), of(&found));
        let len = a.len().max(b.len());
        if a.len() != len && !a.is_empty() || b.len() != len && !b.is_empty() {
            return Err(format!("the gradient of {name} has {} numbers, expected {}", b.len(), a.len()));
        }
        a.resize(len, 0.0);
        b.resize(len, 0.0);
        if let Some(at) = (0..len).find(|&at| (a[at] - b[at]).abs() > 2e-3 * largest) {
            return Err(format!("the gradient of {name}[{at}] is {}, expected {} (of {largest})", b[at], a[at]));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn passes_keep_the_values_of_outputs(choices in random_graph::choices(24), lengths in lengths()) {
        let model = random_graph::graph(&choices, false);
        let weights = both::weights(&model);
        let graphs = after_each_pass(&model, Goal::Predict)?;
        let expected = values(&model, &weights, &lengths)?;
        for (pass, graph) in &graphs[1..] {
            let found = values(graph, &weights, &lengths)?;
            let difference = both::difference(&expected, &found, 1e-2, 1e-3);
            prop_assert!(difference.is_none(), "{pass} changed {}\n{model}\n{graph}", difference.unwrap_or_default());
        }
    }

    #[test]
    fn a_training_step_leaves_the_same_parameters(choices in random_graph::choices(16), lengths in lengths()) {
        let model = random_graph::graph(&choices, true);
        let train = training();
        let graph = instantiate(&model, Goal::Train(&train), None);
        prop_assert!(graph.is_ok(), "{:?}\n{model}", graph.err());
        let graph = graph.unwrap();
        let mut weights = both::weights(&model);
        weights.complete(&graph, &both::table_rows(&graph), &BTreeMap::new(), 7).unwrap();
        let feed = random_graph::feed(&graph, &lengths);
        let schedule = numbers(&train, Length { epoch: 1, epochs: 1 }, 1);
        let (theirs, ours) = both::step(&graph, &weights, &feed, &schedule);
        let difference = both::difference(&theirs, &ours, 1e-2, 1e-3);
        prop_assert!(difference.is_none(), "the backends differ in {}\n{graph}", difference.unwrap_or_default());
    }

    #[test]
    fn passes_keep_gradients(choices in random_graph::choices(16), lengths in lengths()) {
        let model = random_graph::graph(&choices, true);
        let weights = both::weights(&model);
        let graphs = after_each_pass(&model, Goal::Gradients)?;
        // What nothing reads is gone: a lookup without a reader would make the rows of its table more.
        let plain = differentiate(&graphs[2].1).map_err(|fault| TestCaseError::fail(format!("{}\n{model}", fault.title)))?;
        let expected = values(&plain, &weights, &lengths)?;
        let (_, last) = &graphs[graphs.len() - 1];
        let found = values(last, &weights, &lengths)?;
        let alike = alike(&expected, &found);
        prop_assert!(alike.is_ok(), "{}\n{model}\n{last}", alike.unwrap_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(choices in random_graph::choices(40)) {
        let model = random_graph::graph(&choices, true);
        for goal in [Goal::Gradients, Goal::Predict] {
            for (pass, graph) in after_each_pass(&model, goal)? {
                let text = graph.to_string();
                let again = read(&text, FileId(0), REGISTRY);
                prop_assert!(again.is_ok(), "{pass}: {:?}\n{text}", again.err());
                prop_assert!(again.as_ref() == Ok(&graph), "{pass}: another graph than\n{text}");
            }
        }
    }
}

/// Settings whose first step does not blow up a rounding error, as those do that divide a gradient by its size.
fn training() -> TrainSpec {
    let text = "specrec: 1
samples: {from: a}
train: {clip: 0.5, optimizer: {dense: sgd, momentum: 0.9, tables: sgd, lr: 0.5, weight_decay: 0.1}}
";
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load_text("train.yaml", text, Path::new("."), &[], &mut sources, &mut diags);
    spec.unwrap().train
}

/// Chance must not leave the test with trivial graphs.
#[test]
fn random_graphs_hold_many_kinds_of_node() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let choices = random_graph::choices(40).new_tree(&mut runner).unwrap().current();
        seen.extend(random_graph::graph(&choices, false).nodes().map(|(_, node)| node.op.name()));
    }
    for op in
        ["twin", "select", "append", "following", "split", "merge", "contract", "scan", "softmax", "gather", "flatten"]
    {
        assert!(seen.contains(op), "no `{op}` among {seen:?}");
    }
}
