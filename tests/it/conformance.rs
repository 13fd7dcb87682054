//! What every registered operation must hold to. A new one is tested by being registered, and named in the table of samples.

mod batch;
mod host;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use batch::{Batch, Lengths, Values, numbers, sample_rows};
use candle_core::DType;
use samples::{AXES, EFFECT_SAMPLES, SAMPLES, Sample};
use specrec::diag::FileId;
use specrec::ir::copy::Copy;
use specrec::ir::graph::{Graph, Node, ValueId};
use specrec::ir::input::InputSource;
use specrec::ir::op::{Site, Vjp};
use specrec::ir::read::read;
use specrec::ir::types::{Elem, Type};
use specrec::prim::backward::{backward, dependents};
use specrec::prim::{EFFECTS, REGISTRY, prims};

/// Operations that mix samples in at least one of their samples: batch statistics, sums over the batch, gradients by
/// what all samples share.
const COUPLED: &[&str] = &[
    "count",
    "cross_entropy_grad",
    "layer_norm_scale_grad",
    "moments",
    "outer_sum",
    "scaled_sums",
    "scan_grad",
    "scatter",
    "sum",
    "sum_squares",
    "twin",
];

/// Operations that say that nothing differentiates them: derivatives themselves, and what a pass expands first.
const WITHOUT_DERIVATIVE: &[&str] = &[
    "attention_grad",
    "batch_norm",
    "bce_grad",
    "cross_entropy_grad",
    "dropout",
    "gelu_grad",
    "layer_norm_grad",
    "layer_norm_scale_grad",
    "leaky_relu_grad",
    "linear_scaled",
    "matrix_dot",
    "outer_by",
    "relu_grad",
    "scaled_sums",
    "scan_grad",
    "sigmoid_grad",
    "softmax_grad",
    "softplus_grad",
    "sqrt_grad",
    "sum_squares",
    "tanh_grad",
    "top",
];

/// Results that an operation gives for its derivative alone.
const FOR_THE_DERIVATIVE: &[(&str, usize)] = &[("cross_entropy", 1)];

/// Operations whose derivative is by definition not that of their value.
const CONSTANT_BY_DEFINITION: &[&str] = &["best", "rank", "sinusoid", "stop_gradient"];

#[test]
fn every_registered_operation_has_a_sample() {
    let named: BTreeSet<&str> = SAMPLES.iter().map(|(op, _)| *op).collect();
    assert_eq!(prims().map(|op| op.name()).collect::<BTreeSet<_>>(), named);
    let named: BTreeSet<&str> = EFFECT_SAMPLES.iter().map(|(op, _)| *op).collect();
    assert_eq!(EFFECTS.iter().map(|op| op.name()).collect::<BTreeSet<_>>(), named);
    for sample in SAMPLES {
        node(&graph(sample), sample.0);
    }
}

#[test]
fn operations_are_named_once_and_in_order() {
    let names: Vec<&str> = prims().map(|op| op.name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let effects: Vec<&str> = EFFECTS.iter().map(|op| op.name()).collect();
    assert!(effects.is_sorted(), "{effects:?}");
    for op in prims() {
        let attributes: Vec<&str> = op.attributes().iter().map(|(name, _)| *name).collect();
        assert!(attributes.is_sorted(), "`{}`: {attributes:?}", op.name());
    }
}

/// Histories of 0, 1 and as many events as there can be, all of them empty at once, and a batch without samples.
#[test]
fn values_have_the_shape_of_their_type() {
    for sample in SAMPLES {
        let graph = graph(sample);
        for mut batch in batches() {
            batch.evaluate(&graph);
            batch.dtype = DType::F32;
            batch.evaluate(&graph);
        }
    }
    for sample in EFFECT_SAMPLES {
        let graph = graph(sample);
        for dtype in [DType::F64, DType::F32] {
            Batch { dtype, ..Batch::new(&[1], Lengths::Mixed) }.apply(&graph);
        }
    }
}

#[test]
fn single_precision_gives_the_numbers_of_double_precision() {
    for sample in SAMPLES {
        let graph = graph(sample);
        let wide = Batch::new(&[3, 5, 11, 4], Lengths::Mixed);
        let narrow = Batch { dtype: DType::F32, ..wide.clone() };
        let (wide, narrow) = (wide.evaluate(&graph), narrow.evaluate(&graph));
        for &result in &node(&graph, sample.0).results {
            assert_close(sample, &numbers(&narrow.tensors[&result]), &numbers(&wide.tensors[&result]), 1e-5);
        }
    }
}

#[test]
fn derivatives_are_those_of_differences() {
    for sample in SAMPLES.iter().filter(|(op, _)| !WITHOUT_DERIVATIVE.contains(op)) {
        let graph = graph(sample);
        for batch in batches() {
            check_derivatives(sample, &graph, &batch);
        }
    }
}

#[test]
fn what_has_no_derivative_says_so() {
    for sample in SAMPLES.iter().filter(|(op, _)| WITHOUT_DERIVATIVE.contains(op)) {
        let graph = graph(sample);
        let node = node(&graph, sample.0).clone();
        let mut copy = Copy::new(&graph);
        for &item in graph.order() {
            copy.item(item).unwrap();
        }
        let operands: Vec<ValueId> = node.operands.iter().map(|&id| copy.value(id)).collect();
        let results: Vec<ValueId> = node.results.iter().map(|&id| copy.value(id)).collect();
        let (cotangents, wanted) = (vec![Some(results[0])], vec![true; operands.len()]);
        let fault = node.op.vjp(&mut Vjp {
            to: &mut copy.to,
            operands: &operands,
            results: &results,
            attrs: &node.attrs,
            cotangents: &cotangents,
            wanted: &wanted,
        });
        assert_eq!(fault.unwrap_err().code, "E0399", "`{}`", sample.0);
    }
}

#[test]
fn the_values_of_a_sample_do_not_depend_on_the_samples_beside_it() {
    let mut coupled = BTreeSet::new();
    for sample in SAMPLES {
        let graph = graph(sample);
        let node = node(&graph, sample.0);
        let operands: Vec<&Type> = node.operands.iter().map(|&id| graph.ty(id)).collect();
        if node.op.couples_samples(&Site { axes: graph.axes(), operands: &operands, attrs: &node.attrs }) {
            coupled.insert(sample.0);
            continue;
        }
        let alone = per_sample(&graph, node, &[3, 5, 11]);
        for others in [&[11, 3, 5][..], &[3, 5, 11, 4], &[4, 5, 7, 11, 3]] {
            let beside = per_sample(&graph, node, others);
            for (key, expected) in &alone {
                assert_close(sample, &beside[key], expected, 1e-6);
            }
        }
    }
    assert_eq!(coupled, COUPLED.iter().copied().collect());
}

/// Mixed lengths, only empty histories, one event each, the longest, and no samples at all.
fn batches() -> [Batch; 5] {
    let lengths = [Lengths::Mixed, Lengths::All(0), Lengths::All(1), Lengths::All(4)];
    let [mixed, empty, one, longest] = lengths.map(|lengths| Batch::new(&[3, 5, 11, 4], lengths));
    [mixed, empty, one, longest, Batch::new(&[], Lengths::Mixed)]
}

fn graph((op, lines): &Sample) -> Graph {
    let text = format!("model sample {{ {AXES} {lines} }}");
    read(&text, FileId(0), REGISTRY).unwrap_or_else(|findings| panic!("`{op}`: {findings:#?}"))
}

/// The last node of a sample, which is the one that it is a sample of.
fn node<'g>(graph: &'g Graph, op: &str) -> &'g Node {
    let (_, node) = graph.nodes().last().unwrap();
    assert_eq!(node.op.name(), op);
    node
}

/// The numbers of each result for each sample.
fn per_sample(graph: &Graph, node: &Node, samples: &[u64]) -> BTreeMap<(ValueId, u64), Vec<f64>> {
    let Values { rows, tensors } = Batch::new(samples, Lengths::Mixed).evaluate(graph);
    let mut found = BTreeMap::new();
    for &result in &node.results {
        let (all, ty) = (numbers(&tensors[&result]), graph.ty(result));
        let width = (ty.width * ty.height) as usize;
        for (sample, range) in sample_rows(graph, &ty.space, &rows, samples) {
            let mut own = all[range.start * width..range.end * width].to_vec();
            if let Elem::Index(axis) = ty.elem
                && let Some((_, first)) = own_elements(graph, axis, &rows, samples, sample)
            {
                // A place that is none is 0, which may be before the first.
                own.iter_mut().for_each(|place| *place = (*place - first as f64).max(0.0));
            }
            found.insert((result, sample), own);
        }
    }
    found
}

/// Where the elements of an axis under a sample begin; places are told from there.
fn own_elements(
    graph: &Graph,
    axis: specrec::ir::axis::AxisId,
    rows: &specrec::ir::rows::Rows,
    samples: &[u64],
    sample: u64,
) -> Option<(u64, usize)> {
    let ranges = sample_rows(graph, &graph.axes().close(&[axis]), rows, samples);
    ranges.into_iter().find(|(own, _)| *own == sample).map(|(own, range)| (own, range.start))
}

/// Holds the derivative of the last node by each leaf against a difference in one random direction.
fn check_derivatives(sample: &Sample, graph: &Graph, batch: &Batch) {
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item).unwrap();
    }
    let leaves = leaves(graph);
    let before = batch.evaluate(graph);
    let wanted = dependents(copy.to.graph(), leaves.iter().map(|&leaf| copy.value(leaf)));
    let (mut seeds, mut weights, mut seeded) = (Vec::new(), BTreeMap::new(), batch.clone());
    let counts =
        |i: usize, result: ValueId| graph.ty(result).is_float() && !FOR_THE_DERIVATIVE.contains(&(sample.0, i));
    for (i, &result) in node(graph, sample.0).results.iter().enumerate().filter(|&(i, &result)| counts(i, result)) {
        let (value, like) = (copy.value(result), copy.to.ty(copy.value(result)).clone());
        let seed = copy.to.input("seed", like, InputSource::Weight);
        let own = direction(before.tensors[&result].elem_count(), i + 1);
        seeded.given.insert(seed, own.clone());
        weights.insert(result, own);
        seeds.push((value, seed));
    }
    let found = backward(&mut copy.to, &seeds, &wanted).unwrap_or_else(|fault| panic!("`{}`: {fault:?}", sample.0));
    let new: BTreeMap<ValueId, ValueId> = leaves.iter().map(|&leaf| (leaf, copy.value(leaf))).collect();
    let to = copy.finish().unwrap();
    let derivatives = seeded.evaluate(&to);
    for leaf in leaves {
        let old = numbers(&before.tensors[&leaf]);
        let along = direction(old.len(), 7);
        let by_rule = match found.get(&new[&leaf]) {
            Some(derivative) => dot(&numbers(&derivatives.tensors[derivative]), &along),
            None => 0.0,
        };
        let step = 1e-5;
        let moved = |sign: f64| {
            let mut batch = batch.clone();
            batch.given.insert(leaf, old.iter().zip(&along).map(|(x, by)| x + sign * step * by).collect());
            let values = batch.evaluate(graph);
            weights.iter().map(|(result, weights)| dot(&numbers(&values.tensors[result]), weights)).sum::<f64>()
        };
        let by_difference = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        let (error, scale) = ((by_rule - by_difference).abs(), 1.0 + by_difference.abs());
        let name = &graph.value(leaf).name;
        if CONSTANT_BY_DEFINITION.contains(&sample.0) {
            assert_eq!(by_rule, 0.0, "`{}` by `{name}`", sample.0);
        } else {
            assert!(error <= 1e-6 * scale, "`{}` by `{name}`: {by_rule}, difference {by_difference}\n{to}", sample.0);
        }
    }
}

/// Inputs and parameters that are numbers, not null.
fn leaves(graph: &Graph) -> Vec<ValueId> {
    let inputs = graph.inputs().map(|(_, input)| input.value);
    let params = graph.params().map(|(_, param)| param.value);
    let moves = |id: &ValueId| graph.ty(*id).elem == Elem::F32 && !graph.value(*id).name.starts_with("label");
    inputs.chain(params).filter(moves).collect()
}

/// Numbers of no pattern that a wrong derivative could share.
fn direction(count: usize, which: usize) -> Vec<f64> {
    (0..count).map(|k| ((k * 7 + which * 3 + 1) as f64 * 0.7).sin()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).filter(|(a, _)| !a.is_nan()).map(|(a, b)| a * b).sum()
}

/// Equal to within a share of the larger; infinities and nulls of the same kind are equal.
fn assert_close(sample: &Sample, found: &[f64], expected: &[f64], share: f64) {
    assert_eq!(found.len(), expected.len(), "`{}`", sample.0);
    for (a, b) in found.iter().zip(expected) {
        let same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= share * (1e-3 + a.abs().max(b.abs()));
        assert!(same, "`{}`: {a}, expected {b}", sample.0);
    }
}
