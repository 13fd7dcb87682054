//! For unit tests: one batch on a few axes, and the values and derivatives of single operations on it.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use crate::ir::attr::Attrs;
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::input::InputSource;
use crate::ir::op::{Call, EffectOp, Noise, Site};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

/// A graph under construction with a value for everything in it.
pub(super) struct Kit {
    pub to: Builder,
    /// The samples.
    pub b: AxisId,
    /// Every row of a table of five.
    pub whole: AxisId,
    /// The rows 1 and 3 of it.
    pub distinct: AxisId,
    pub noise: Noise,
    lengths: Vec<u32>,
    values: BTreeMap<ValueId, Tensor>,
}

impl Kit {
    /// A sample for each length of a history.
    pub(super) fn new(lengths: &[u32]) -> Self {
        let mut to = Builder::new("kit");
        let b = to.axis("B", None, AxisKind::Batch);
        to.axis("history", Some(b), AxisKind::Ragged { max: None });
        let whole = to.table_axis("t", false);
        let distinct = to.table_axis("t", true);
        let noise = Noise { seed: 7, step: 0 };
        Self { to, b, whole, distinct, noise, lengths: lengths.to_vec(), values: BTreeMap::new() }
    }

    /// The space of some axes.
    pub(super) fn space(&self, axes: &[AxisId]) -> Space {
        self.to.graph().axes().close(axes)
    }

    /// Numbers on the space of some axes.
    pub(super) fn f32(&mut self, axes: &[AxisId], width: u32, values: &[f32]) -> ValueId {
        let ty = Type::f32(self.space(axes), width);
        self.input(ty, values)
    }

    /// A value of any type that is stored as floats.
    pub(super) fn input(&mut self, ty: Type, values: &[f32]) -> ValueId {
        let width = ty.width as usize;
        let tensor = Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu).unwrap();
        let id = self.to.input("x", ty, InputSource::Weight);
        self.values.insert(id, tensor);
        id
    }

    /// The rows of the batch.
    pub(super) fn rows(&self) -> Rows {
        let mut offsets = vec![0];
        for length in &self.lengths {
            offsets.push(offsets[offsets.len() - 1] + length);
        }
        let samples: Vec<u64> = (0..self.lengths.len() as u64).collect();
        let ragged = BTreeMap::from([("history".to_owned(), offsets)]);
        let mut rows = Rows::new(self.to.graph().axes(), &samples, &ragged).unwrap();
        rows.bind_root(self.whole, 5).unwrap();
        rows.bind_unique(self.distinct, vec![1, 3]).unwrap();
        rows
    }

    /// New values of an effect's targets.
    pub(super) fn apply(
        &mut self,
        op: &dyn EffectOp,
        targets: &[ValueId],
        operands: &[ValueId],
        attrs: Attrs,
    ) -> Vec<Vec<f32>> {
        let (rows, graph) = (self.rows(), self.to.graph());
        let types: Vec<&Type> = operands.iter().map(|&id| graph.ty(id)).collect();
        let results: Vec<&Type> = targets.iter().map(|&id| graph.ty(id)).collect();
        attrs.check(op.name(), op.attributes()).unwrap();
        op.check(&results, &Site { axes: graph.axes(), operands: &types, attrs: &attrs }).unwrap();
        let old: Vec<Tensor> = targets.iter().map(|id| self.values[id].clone()).collect();
        let operands: Vec<Tensor> = operands.iter().map(|id| self.values[id].clone()).collect();
        let (attrs, device) = (&attrs, &Device::Cpu);
        let call = Call {
            attrs,
            types: &types,
            operands: &operands,
            results: &results,
            rows: &rows,
            noise: self.noise,
            device,
        };
        op.apply(&old, &call).unwrap().iter().map(flat).collect()
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

/// Equal to within single precision.
#[track_caller]
pub(super) fn close(found: &[f32], expected: &[f32]) {
    let fits = |(a, b): (&f32, &f32)| (a - b).abs() <= 2e-6 * (1.0 + b.abs()) || a == b;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(fits), "{found:?}, expected {expected:?}");
}
