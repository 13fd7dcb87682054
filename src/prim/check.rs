//! For tests: graphs written as text are evaluated in double precision, and their derivatives held against differences.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use crate::diag::FileId;
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, ValueId};
use crate::ir::op::{Call, Noise};
use crate::ir::read::read;
use crate::ir::rows::Rows;
use crate::ir::types::Type;
use crate::ir::verify::{Stage, verify};

use super::backward::{backward, dependents};
use super::{REGISTRY, make};

/// A batch of a test: what data, vocabularies and training would bring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// Samples in the batch.
    pub(crate) samples: usize,
    /// Offsets of ragged axes.
    pub(crate) offsets: BTreeMap<String, Vec<u32>>,
    /// Rows of table axes, and the distinct rows of their batch axes, by name of the axis.
    pub(crate) tables: BTreeMap<String, Vec<u32>>,
    /// Inputs `x` and parameters `@w`, row-major.
    pub(crate) values: BTreeMap<String, Vec<f64>>,
}

impl Batch {
    /// Samples without anything.
    pub(crate) fn of(samples: usize) -> Self {
        Self { samples, ..Self::default() }
    }

    /// With a ragged axis.
    pub(crate) fn axis(mut self, name: &str, offsets: &[u32]) -> Self {
        self.offsets.insert(name.to_owned(), offsets.to_vec());
        self
    }

    /// With a table axis.
    pub(crate) fn rows(mut self, axis: &str, rows: &[u32]) -> Self {
        self.tables.insert(axis.to_owned(), rows.to_vec());
        self
    }

    /// With an input or a parameter.
    pub(crate) fn with(mut self, name: &str, values: &[f64]) -> Self {
        self.values.insert(name.to_owned(), values.to_vec());
        self
    }
}

/// The graph of a text, `axis B: batch` added; it breaks no invariant.
pub(crate) fn graph(lines: &str) -> Graph {
    let text = format!("model test {{\n  axis B: batch\n{lines}\n}}\n");
    let graph = read(&text, FileId(0), REGISTRY).unwrap_or_else(|findings| panic!("{findings:#?}"));
    verify(&graph, Stage::Model).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(graph, read(&graph.to_string(), FileId(0), REGISTRY).unwrap(), "{graph}");
    graph
}

/// The code of the only error of a text.
pub(crate) fn refused(lines: &str) -> String {
    let text = format!("model test {{\n  axis B: batch\n{lines}\n}}\n");
    let findings = read(&text, FileId(0), REGISTRY).err().unwrap_or_default();
    findings.iter().map(|finding| finding.code).collect::<Vec<_>>().join(" ")
}

/// One value of a graph.
pub(crate) fn value(graph: &Graph, batch: &Batch, name: &str) -> Vec<f64> {
    let tensors = evaluate(graph, batch);
    numbers(&tensors[&graph.find(name).unwrap()])
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Every value of a graph.
pub(crate) fn evaluate(graph: &Graph, batch: &Batch) -> BTreeMap<ValueId, Tensor> {
    let mut rows = rows(graph, batch);
    let mut values: BTreeMap<ValueId, Tensor> = BTreeMap::new();
    for &item in graph.order() {
        match item {
            Item::Axis(id) => {
                if let AxisKind::Sub { condition, .. } = graph.axis(id).kind {
                    let keep: Vec<f32> = numbers(&values[&condition]).iter().map(|&keep| keep as f32).collect();
                    rows.bind_sub(id, &keep).unwrap();
                }
            }
            Item::Param(id) => {
                let param = graph.param(id);
                let value = given(graph, param.value, &format!("@{}", param.name), batch, &rows);
                values.insert(param.value, value);
            }
            Item::Input(id) => {
                let value = graph.input(id).value;
                values.insert(value, given(graph, value, &graph.value(value).name, batch, &rows));
            }
            Item::Node(id) => {
                let node = graph.node(id);
                let operands: Vec<Tensor> = node.operands.iter().map(|operand| values[operand].clone()).collect();
                let types: Vec<&Type> = node.operands.iter().map(|&operand| graph.ty(operand)).collect();
                let results: Vec<&Type> = node.results.iter().map(|&result| graph.ty(result)).collect();
                let call = Call {
                    attrs: &node.attrs,
                    types: &types,
                    operands: &operands,
                    results: &results,
                    rows: &rows,
                    noise: Noise { seed: 7, step: 3 },
                    device: &Device::Cpu,
                };
                let tensors = node.op.eval(&call).unwrap();
                for (i, (&result, tensor)) in node.results.iter().zip(tensors).enumerate() {
                    assert_eq!(tensor.dims2().unwrap(), call.shape(i), "{}", graph.value(result).name);
                    assert_eq!(tensor.dtype() == DType::U32, !results[i].is_float(), "{}", graph.value(result).name);
                    let double = if results[i].is_float() { tensor.to_dtype(DType::F64).unwrap() } else { tensor };
                    values.insert(result, double);
                }
            }
        }
    }
    values
}

fn rows(graph: &Graph, batch: &Batch) -> Rows {
    let samples: Vec<u64> = (0..batch.samples as u64).map(|sample| 100 + sample).collect();
    let mut rows = Rows::new(graph.axes(), &samples, &batch.offsets).unwrap();
    let tables: Vec<AxisId> =
        graph.axes().ids().filter(|&id| batch.tables.contains_key(&graph.axis(id).name)).collect();
    for axis in tables {
        let own = batch.tables[&graph.axis(axis).name].clone();
        match graph.axis(axis).kind {
            AxisKind::Unique { .. } => rows.bind_unique(axis, own).unwrap(),
            _ => rows.bind_root(axis, own.len()).unwrap(),
        }
    }
    rows
}

fn given(graph: &Graph, value: ValueId, name: &str, batch: &Batch, rows: &Rows) -> Tensor {
    let ty = graph.ty(value);
    let shape = (rows.count(&ty.space) * ty.height as usize, ty.width as usize);
    let numbers = batch.values.get(name).unwrap_or_else(|| panic!("no value for `{name}`")).clone();
    assert_eq!(numbers.len(), shape.0 * shape.1, "`{name}`");
    let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
    if ty.is_float() { tensor } else { tensor.to_dtype(DType::U32).unwrap() }
}

/// Holds the derivative of `result` by each of `leaves` (`x`, `@w`) against differences, with arbitrary cotangents.
pub(crate) fn check_derivatives(graph: &Graph, batch: &Batch, results: &[&str], leaves: &[&str]) {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item).unwrap();
    }
    let find = |name: &str| match name.strip_prefix('@') {
        Some(param) => graph.param(graph.find_param(param).unwrap()).value,
        None => graph.find(name).unwrap(),
    };
    let leaf_values: Vec<ValueId> = leaves.iter().map(|name| copy.value(find(name))).collect();
    let wanted = dependents(copy.to.graph(), leaf_values.iter().copied());
    let (mut seeds, mut batch) = (Vec::new(), batch.clone());
    let before = evaluate(graph, &batch);
    for (i, name) in results.iter().enumerate() {
        let own = find(name);
        let (value, like) = (copy.value(own), copy.to.ty(copy.value(own)).clone());
        let seed = copy.to.input(&format!("seed.{i}"), like, crate::ir::input::InputSource::plain("seed"));
        // Weights of no pattern that a wrong derivative could share.
        let weights = (0..before[&own].elem_count()).map(|k| ((k * 7 + i * 3 + 1) as f64 * 0.7).sin()).collect();
        batch.values.insert(format!("seed.{i}"), weights);
        let seed = make::stop_gradient(&mut copy.to, seed).unwrap();
        seeds.push((value, seed));
    }
    let found = backward(&mut copy.to, &seeds, &wanted).unwrap();
    let to = copy.finish().unwrap();
    verify(&to, Stage::Model).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let derivatives = evaluate(&to, &batch);
    let total = |batch: &Batch| {
        let values = evaluate(graph, batch);
        let weigh = |(i, name): (usize, &&str)| {
            let result = numbers(&values[&find(name)]);
            result.iter().zip(&batch.values[&format!("seed.{i}")]).map(|(x, weight)| x * weight).sum::<f64>()
        };
        results.iter().enumerate().map(weigh).sum::<f64>()
    };
    for (name, leaf) in leaves.iter().zip(leaf_values) {
        let by_rule = match found.get(&leaf) {
            Some(derivative) => numbers(&derivatives[derivative]),
            None => vec![0.0; batch.values[*name].len()],
        };
        for at in 0..batch.values[*name].len() {
            let shifted = |by: f64| {
                let mut moved = batch.clone();
                moved.values.get_mut(*name).unwrap()[at] += by;
                total(&moved)
            };
            let step = 1e-5;
            let by_difference = (shifted(step) - shifted(-step)) / (2.0 * step);
            let error = (by_rule[at] - by_difference).abs();
            let allowed = 1e-6 * by_difference.abs().max(1.0);
            assert!(error <= allowed, "`{name}` at {at}: rule {}, difference {by_difference}\n{to}", by_rule[at]);
        }
    }
}

/// Numbers of no pattern between -1 and 1, none near 0.
pub(crate) fn some(count: usize, from: usize) -> Vec<f64> {
    let one = |k: usize| {
        let x = ((k as f64 + 1.0) * 12.9898).sin();
        if x.abs() < 0.05 { 0.3 } else { x }
    };
    (from..from + count).map(one).collect()
}
