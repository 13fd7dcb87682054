//! The host backend gives the reference's value of every operation and every effect, whether by a kernel of its own or by
//! lending its memory to Candle.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{DType, Tensor};
use specrec::exec::feed::Column;
use specrec::exec::host::Host;
use specrec::exec::matrix::Matrix;
use specrec::exec::prologue::{Prepared, Prologue};
use specrec::exec::weights::Weights;
use specrec::ir::copy::Copy;
use specrec::ir::graph::{Def, Graph, ValueId};
use specrec::ir::op::Noise;

use super::batch::{Batch, Values, numbers};
use super::samples::{EFFECT_SAMPLES, SAMPLES};
use super::{assert_close, batches, graph, node};

/// The same graph with the results of an operation as outputs.
fn with_outputs(graph: &Graph, op: &str) -> Graph {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item).unwrap();
    }
    for &result in &node(graph, op).results {
        let value = copy.value(result);
        copy.to.output(&graph.value(result).name, value);
    }
    copy.finish().unwrap()
}

fn column(tensor: &Tensor) -> Column {
    let flat = tensor.flatten_all().unwrap();
    match tensor.dtype() {
        DType::U32 => Column::U32(flat.to_vec1().unwrap()),
        _ => Column::F32(flat.to_vec1().unwrap()),
    }
}

/// What the harness drew, as the weights and the batch of a step.
fn drawn(graph: &Graph, values: Values) -> (Weights, Prepared, BTreeMap<ValueId, Tensor>) {
    let prologue = Prologue::of(graph);
    let mut weights = Weights::default();
    let mut batch = Prepared { rows: values.rows, ..Prepared::default() };
    for (id, value) in graph.values() {
        let tensor = &values.tensors[&id];
        match value.def {
            Def::Param(param) => {
                let (rows, width) = tensor.dims2().unwrap();
                let data = tensor.flatten_all().unwrap().to_vec1().unwrap();
                weights.insert(&graph.param(param).name, Matrix::new(rows, width, data));
            }
            Def::Input(_) => drop(batch.values.insert(id, column(tensor))),
            Def::Node { node, .. } if prologue.has(node) => drop(batch.values.insert(id, column(tensor))),
            Def::Node { .. } => {}
        }
    }
    (weights, batch, values.tensors)
}

fn same_bits(a: &BTreeMap<String, Column>, b: &BTreeMap<String, Column>) -> bool {
    let bits = |column: &Column| match column {
        Column::F32(values) => values.iter().map(|x| x.to_bits()).collect(),
        Column::U32(values) => values.clone(),
    };
    a.iter().map(|(name, a)| (name, bits(a))).eq(b.iter().map(|(name, b)| (name, bits(b))))
}

const NOISE: Noise = Noise { seed: 7, step: 3 };

/// Operations that the host leaves to the reference, in at least one of their samples: composites, which no graph that runs
/// has, and what a step of training does not compute.
const BY_THE_REFERENCE: &[&str] = &["batch_norm", "cloze", "dropout", "hide_last", "top", "twin"];

#[test]
fn what_a_step_computes_has_a_kernel() {
    let mut found = BTreeSet::new();
    for sample in SAMPLES {
        let graph = with_outputs(&graph(sample), sample.0);
        let host = Host::new(graph, 1).unwrap();
        let lacking = host.plan().without_kernel.iter().map(|&id| host.graph().node(id).op.name());
        found.extend(lacking.filter(|name| *name == sample.0));
    }
    assert_eq!(found, BY_THE_REFERENCE.iter().copied().collect());
}

#[test]
fn the_host_gives_the_reference_of_every_operation() {
    // Enough samples for several blocks and chunks.
    let many: Vec<u64> = (0..300).collect();
    for sample in SAMPLES {
        let graph = with_outputs(&graph(sample), sample.0);
        for batch in batches().into_iter().chain([Batch::new(&many, super::Lengths::Mixed)]) {
            let batch = Batch { dtype: DType::F32, ..batch };
            let (mut weights, prepared, tensors) = drawn(&graph, batch.evaluate(&graph));
            let run = |threads: usize, weights: &mut Weights| {
                let mut host = Host::new(graph.clone(), threads).unwrap();
                let outputs = host.step(weights, &prepared, &BTreeMap::new(), NOISE);
                outputs.unwrap_or_else(|error| panic!("`{}`: {error}", sample.0))
            };
            let outputs = run(2, &mut weights);
            assert!(same_bits(&outputs, &run(1, &mut weights)), "`{}` on one thread", sample.0);
            for root in graph.outputs() {
                let found: Vec<f64> = match &outputs[&root.name] {
                    Column::F32(found) => found.iter().map(|&x| f64::from(x)).collect(),
                    Column::U32(found) => found.iter().map(|&x| f64::from(x)).collect(),
                };
                assert_close(sample, &found, &numbers(&tensors[&root.value]), 1e-4);
            }
        }
    }
}

#[test]
fn the_host_gives_the_reference_of_every_effect() {
    for sample in EFFECT_SAMPLES {
        let graph = graph(sample);
        let mut batch = Batch { dtype: DType::F32, ..Batch::new(&[1, 2], super::Lengths::Mixed) };
        // Steps are counted, never drawn.
        for step in
            graph.inputs().map(|(_, input)| input.value).filter(|&id| graph.value(id).name.starts_with("positive"))
        {
            batch.given.insert(step, vec![3.0]);
        }
        let expected = batch.apply(&graph);
        let (mut weights, prepared, _) = drawn(&graph, batch.evaluate(&graph));
        let mut host = Host::new(graph.clone(), 2).unwrap();
        host.step(&mut weights, &prepared, &BTreeMap::new(), NOISE).unwrap();
        for (name, tensor) in expected {
            let found: Vec<f64> = weights.get(&name).unwrap().numbers().iter().map(|&x| f64::from(x)).collect();
            assert_close(sample, &found, &numbers(&tensor), 1e-4);
        }
    }
}
