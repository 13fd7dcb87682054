//! Random batches, whose every number depends on its own sample only, and the values of a graph on them.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use specrec::ir::axis::{AxisId, AxisKind};
use specrec::ir::graph::{Def, Graph, Item, ValueId};
use specrec::ir::op::{Call, Noise};
use specrec::ir::rows::Rows;
use specrec::ir::types::{Elem, Type};
use specrec::prim::philox::Stream;

/// Rows of table `t`, and those of them that a batch looks up.
const TABLE: usize = 6;
const LOOKED_UP: [u32; 4] = [0, 1, 3, 4];

/// The elements of each axis under a parent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lengths {
    /// From 0 to 4, different for each sample.
    Mixed,
    /// The same everywhere.
    All(u32),
}

/// A batch.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// The samples, by the number that all their data follows from.
    pub(super) samples: Vec<u64>,
    pub(super) lengths: Lengths,
    /// Double or single precision.
    pub(super) dtype: DType,
    /// Values that are not drawn: they were drawn before and then moved.
    pub(super) given: BTreeMap<ValueId, Vec<f64>>,
}

/// Everything that a graph computes on a batch.
pub(super) struct Values {
    pub(super) rows: Rows,
    pub(super) tensors: BTreeMap<ValueId, Tensor>,
}

impl Batch {
    /// These samples in double precision.
    pub(super) fn new(samples: &[u64], lengths: Lengths) -> Self {
        Self { samples: samples.to_vec(), lengths, dtype: DType::F64, given: BTreeMap::new() }
    }

    /// Evaluates a graph, and holds every value against its type.
    pub(super) fn evaluate(&self, graph: &Graph) -> Values {
        let mut rows = self.rows(graph);
        let mut tensors: BTreeMap<ValueId, Tensor> = BTreeMap::new();
        for &item in graph.order() {
            match item {
                Item::Axis(id) => {
                    if let AxisKind::Sub { condition, .. } = graph.axis(id).kind {
                        let keep: Vec<f32> = numbers(&tensors[&condition]).iter().map(|&keep| keep as f32).collect();
                        rows.bind_sub(id, &keep).unwrap();
                    }
                }
                Item::Param(id) => {
                    let value = graph.param(id).value;
                    tensors.insert(value, self.leaf(graph, value, &rows));
                }
                Item::Input(id) => {
                    let value = graph.input(id).value;
                    tensors.insert(value, self.leaf(graph, value, &rows));
                }
                Item::Node(id) => {
                    let node = graph.node(id);
                    let operands: Vec<Tensor> = node.operands.iter().map(|id| tensors[id].clone()).collect();
                    let types: Vec<&Type> = node.operands.iter().map(|&id| graph.ty(id)).collect();
                    let results: Vec<&Type> = node.results.iter().map(|&id| graph.ty(id)).collect();
                    let call = self.call(&node.attrs, &types, &operands, &results, &rows);
                    let found = node.op.eval(&call).unwrap_or_else(|error| panic!("`{}`: {error}", node.op.name()));
                    assert_eq!(found.len(), results.len(), "results of `{}`", node.op.name());
                    for (i, (&result, tensor)) in node.results.iter().zip(found).enumerate() {
                        self.check(node.op.name(), &call, i, &tensor);
                        // Noise and constants come in single precision.
                        let tensor = if results[i].is_float() { tensor.to_dtype(self.dtype).unwrap() } else { tensor };
                        tensors.insert(result, tensor);
                    }
                }
            }
        }
        Values { rows, tensors }
    }

    /// Applies the effects of a graph, and holds new values against the types of their targets; gives them by name.
    pub(super) fn apply(&self, graph: &Graph) -> BTreeMap<String, Tensor> {
        let values = self.evaluate(graph);
        let mut changed = BTreeMap::new();
        for effect in graph.effects() {
            let targets: Vec<ValueId> = effect.targets.iter().map(|&id| graph.param(id).value).collect();
            let old: Vec<Tensor> = targets.iter().map(|id| values.tensors[id].clone()).collect();
            let operands: Vec<Tensor> = effect.operands.iter().map(|id| values.tensors[id].clone()).collect();
            let types: Vec<&Type> = effect.operands.iter().map(|&id| graph.ty(id)).collect();
            let results: Vec<&Type> = targets.iter().map(|&id| graph.ty(id)).collect();
            let call = self.call(&effect.attrs, &types, &operands, &results, &values.rows);
            let new = effect.op.apply(&old, &call).unwrap_or_else(|error| panic!("`{}`: {error}", effect.op.name()));
            assert_eq!(new.len(), targets.len(), "targets of `{}`", effect.op.name());
            for (i, tensor) in new.iter().enumerate() {
                self.check(effect.op.name(), &call, i, tensor);
                assert_eq!(tensor.dtype(), self.dtype, "`{}`", effect.op.name());
                changed.insert(graph.param(effect.targets[i]).name.clone(), tensor.clone());
            }
        }
        changed
    }

    fn call<'a>(
        &self,
        attrs: &'a specrec::ir::attr::Attrs,
        types: &'a [&'a Type],
        operands: &'a [Tensor],
        results: &'a [&'a Type],
        rows: &'a Rows,
    ) -> Call<'a> {
        Call { attrs, types, operands, results, rows, noise: Noise { seed: 7, step: 3 }, device: &Device::Cpu }
    }

    /// Shape and element of a result; without operands nothing says in which precision it is wanted.
    fn check(&self, op: &str, call: &Call, i: usize, tensor: &Tensor) {
        assert_eq!(tensor.dims2().unwrap(), call.shape(i), "result {i} of `{op}` on {self:?}");
        assert!(tensor.is_contiguous(), "result {i} of `{op}` on {self:?}");
        let fits = match tensor.dtype() {
            DType::U32 => !call.results[i].is_float(),
            dtype => {
                let source = !call.operands.iter().any(|operand| operand.dtype() == self.dtype);
                call.results[i].is_float() && (dtype == self.dtype || source && dtype == DType::F32)
            }
        };
        assert!(fits, "result {i} of `{op}` is {:?}", tensor.dtype());
    }

    fn rows(&self, graph: &Graph) -> Rows {
        let mut offsets: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        // The sample that each element of an axis stands under.
        let mut samples: BTreeMap<AxisId, Vec<u64>> = BTreeMap::new();
        for id in graph.axes().ids() {
            let axis = graph.axis(id);
            match (&axis.kind, axis.parent) {
                (AxisKind::Batch, _) => {
                    samples.insert(id, self.samples.clone());
                }
                (AxisKind::Ragged { .. }, Some(parent)) => {
                    let (mut own, mut ends, mut place) = (Vec::new(), vec![0], 0);
                    let mut before = None;
                    for &sample in &samples[&parent] {
                        place = if before == Some(sample) { place + 1 } else { 0 };
                        before = Some(sample);
                        let length = match self.lengths {
                            Lengths::All(length) => length,
                            Lengths::Mixed => {
                                Stream::new(sample, &axis.name).words([place, 0, 0, 0])[0]
                                    % if place == 0 { 5 } else { 3 }
                            }
                        };
                        own.extend(std::iter::repeat_n(sample, length as usize));
                        ends.push(own.len() as u32);
                    }
                    samples.insert(id, own);
                    offsets.insert(axis.name.clone(), ends);
                }
                _ => {}
            }
        }
        let mut rows = Rows::new(graph.axes(), &self.samples, &offsets).unwrap();
        for id in graph.axes().ids() {
            match graph.axis(id).kind {
                AxisKind::Rows { .. } => rows.bind_root(id, TABLE).unwrap(),
                AxisKind::Unique { .. } => rows.bind_unique(id, LOOKED_UP.to_vec()).unwrap(),
                _ => {}
            }
        }
        rows
    }

    fn leaf(&self, graph: &Graph, value: ValueId, rows: &Rows) -> Tensor {
        let ty = graph.ty(value);
        let shape = (rows.count(&ty.space) * ty.height as usize, ty.width as usize);
        if let Some(given) = self.given.get(&value) {
            return Tensor::from_vec(given.clone(), shape, &Device::Cpu).unwrap().to_dtype(self.dtype).unwrap();
        }
        let name = &graph.value(value).name;
        let positive = name.starts_with("positive") || matches!(graph.value(value).def, Def::Param(_)) && name == "v";
        let one = |word: u32| {
            let share = f64::from(word) / f64::from(u32::MAX);
            match &ty.elem {
                Elem::Bool => f64::from(word % 2),
                _ if name.starts_with("label") => [0.0, 1.0, f64::NAN][word as usize % 3],
                _ if positive => 0.3 + share,
                _ if word.is_multiple_of(2) => 0.1 + share,
                _ => -0.1 - share,
            }
        };
        let (mut found, mut places) = (Vec::new(), Vec::new());
        for (sample, range) in sample_rows(graph, &ty.space, rows, &self.samples) {
            let stream = Stream::new(sample, name);
            for place in 0..range.len() * ty.height as usize * ty.width as usize {
                let word = stream.words([place as u32, 0, 0, 0])[0];
                found.push(one(word));
                places.push(match &ty.elem {
                    Elem::Index(axis) => self.place(graph, *axis, rows, sample, word),
                    _ => LOOKED_UP[word as usize % LOOKED_UP.len()],
                });
            }
        }
        if ty.is_float() {
            Tensor::from_vec(found, shape, &Device::Cpu).unwrap().to_dtype(self.dtype).unwrap()
        } else {
            Tensor::from_vec(places, shape, &Device::Cpu).unwrap()
        }
    }

    /// Some element of an axis, under the same sample if it stands under samples.
    fn place(&self, graph: &Graph, axis: AxisId, rows: &Rows, sample: u64, word: u32) -> u32 {
        let space = graph.axes().close(&[axis]);
        let ranges = sample_rows(graph, &space, rows, &self.samples);
        let own = ranges.iter().find(|(own, _)| *own == sample).or(ranges.first());
        let range = own.map(|(_, range)| range.clone()).unwrap_or_default();
        range.start as u32 + word % (range.len().max(1) as u32)
    }
}

/// The rows of each sample in a space; all of them as sample 0 where it has none.
pub(super) fn sample_rows(
    graph: &Graph,
    space: &specrec::ir::types::Space,
    rows: &Rows,
    samples: &[u64],
) -> Vec<(u64, std::ops::Range<usize>)> {
    if graph.axes().batch_of(space).is_none() {
        return vec![(0, 0..rows.count(space))];
    }
    let starts = rows.sample_starts(space);
    samples.iter().zip(starts.windows(2)).map(|(&s, ends)| (s, ends[0] as usize..ends[1] as usize)).collect()
}

/// The numbers of a tensor, row by row.
pub(super) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}
