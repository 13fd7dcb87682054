//! The reference backend: every node's `eval` on Candle tensors, on any device. It is CUDA, and `--no-fuse` on the CPU.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::ir::graph::{Def, Effect, Graph, Item, Node, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::{Call, Noise};
use crate::ir::types::Type;

use super::error::ExecError;
use super::feed::Column;
use super::matrix::Matrix;
use super::profile::{Recorder, Task};
use super::prologue::{self, Prepared};
use super::weights::Weights;

/// Numbers that the training loop sets before a step, by name: `lr`, `step`.
pub type Schedule = BTreeMap<String, f32>;

/// Values by name of the graph's outputs and losses.
pub type Outputs = BTreeMap<String, Column>;

/// Parameters as tensors on a device, kept there between steps.
#[derive(Debug)]
pub struct Reference {
    device: Device,
    params: BTreeMap<String, Tensor>,
}

impl Reference {
    /// Copies the weights to a device, tables in full.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(weights: &Weights, device: Device) -> Result<Self, ExecError> {
        let mut params = BTreeMap::new();
        for (name, matrix) in weights.iter() {
            let tensor = Tensor::from_slice(&matrix.numbers(), (matrix.rows(), matrix.width()), &device)
                .map_err(|source| ExecError::Candle { node: name.to_owned(), source })?;
            params.insert(name.to_owned(), tensor);
        }
        Ok(Self { device, params })
    }

    /// Copies the parameters back.
    ///
    /// # Errors
    /// The device fails.
    pub fn store(&self, weights: &mut Weights) -> Result<(), ExecError> {
        for (name, tensor) in &self.params {
            let failed = |source| ExecError::Candle { node: name.clone(), source };
            let (rows, width) = tensor.dims2().map_err(failed)?;
            let data = tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(failed)?;
            weights.insert(name, Matrix::new(rows, width, data));
        }
        Ok(())
    }

    /// Computes every node, then every effect, and gives losses and outputs.
    ///
    /// # Errors
    /// A node fails; then no parameter has changed.
    pub fn step(
        &mut self,
        graph: &Graph,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Outputs, ExecError> {
        self.recorded_step(graph, batch, schedule, noise, &mut Recorder::default())
    }

    /// A step that notes the time of each node and effect. A device that works on its own is waited for after each, if the
    /// recorder is on.
    ///
    /// # Errors
    /// As [`Reference::step`].
    pub fn recorded_step(
        &mut self,
        graph: &Graph,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
        recorder: &mut Recorder,
    ) -> Result<Outputs, ExecError> {
        let given = self.given(graph, batch)?;
        let mut before = recorder.now();
        let values = self.values(graph, given, (batch, schedule, noise), &mut |value, _| {
            // The first result stands for its node; the nodes of the prologue were computed with the batch.
            if recorder.is_on()
                && let Def::Node { node, result: 0 } = graph.value(value).def
                && !batch.values.contains_key(&value)
            {
                self.device.synchronize()?;
                before = recorder.note(Task::Whole(node), before);
            }
            Ok(())
        })?;
        let mut outputs = Outputs::new();
        for root in graph.losses().iter().chain(graph.outputs()) {
            let tensor = values.get(&root.value).ok_or_else(|| ExecError::NotKnown(root.name.clone()))?;
            let column = prologue::column(tensor);
            outputs.insert(root.name.clone(), column.map_err(|source| failed(graph, root.value, source))?);
        }
        finite(graph, &outputs)?;
        let mut changed = Vec::new();
        for (at, effect) in graph.effects().iter().enumerate() {
            let start = recorder.now();
            changed.extend(self.effect(graph, effect, &values, batch, noise)?);
            if recorder.is_on() {
                self.device
                    .synchronize()
                    .map_err(|source| ExecError::Candle { node: effect.op.name().into(), source })?;
                recorder.note(Task::Effect(at), start);
            }
        }
        self.params.extend(changed);
        Ok(outputs)
    }

    /// The first value of a step that holds a NaN or an infinity, by name.
    ///
    /// # Errors
    /// As [`Reference::step`].
    pub fn first_not_finite(
        &self,
        graph: &Graph,
        batch: &Prepared,
        schedule: &Schedule,
        noise: Noise,
    ) -> Result<Option<String>, ExecError> {
        let mut first = None;
        self.values(graph, self.given(graph, batch)?, (batch, schedule, noise), &mut |value, tensor| {
            if first.is_none() && graph.ty(value).is_float() {
                let flat: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
                if flat.iter().any(|number| !number.is_finite()) {
                    first = Some(graph.value(value).name.clone());
                }
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// What the batch brings, on the device.
    fn given(&self, graph: &Graph, batch: &Prepared) -> Result<BTreeMap<ValueId, Tensor>, ExecError> {
        let mut values: BTreeMap<ValueId, Tensor> = BTreeMap::new();
        for (&value, column) in &batch.values {
            let tensor = prologue::tensor(column, graph.ty(value), &self.device);
            values.insert(value, tensor.map_err(|source| failed(graph, value, source))?);
        }
        Ok(values)
    }

    fn values(
        &self,
        graph: &Graph,
        given: BTreeMap<ValueId, Tensor>,
        (batch, schedule, noise): (&Prepared, &Schedule, Noise),
        seen: &mut dyn FnMut(ValueId, &Tensor) -> candle_core::Result<()>,
    ) -> Result<BTreeMap<ValueId, Tensor>, ExecError> {
        let mut values = given;
        for &item in graph.order() {
            match item {
                Item::Axis(_) => {}
                Item::Param(id) => {
                    let param = graph.param(id);
                    let tensor = self.params.get(&param.name);
                    let tensor = tensor.ok_or_else(|| ExecError::MissingWeight(param.name.clone()))?;
                    values.insert(param.value, tensor.clone());
                }
                Item::Input(id) => {
                    if let InputSource::Schedule(name) = &graph.input(id).source {
                        let number = *schedule.get(name).ok_or_else(|| ExecError::MissingInput(name.clone()))?;
                        let tensor = Tensor::from_slice(&[number], (1, 1), &self.device);
                        let value = graph.input(id).value;
                        values.insert(value, tensor.map_err(|source| failed(graph, value, source))?);
                    }
                }
                Item::Node(id) => {
                    let node = graph.node(id);
                    if !node.results.iter().all(|result| values.contains_key(result)) {
                        for (result, tensor) in self.node(graph, node, &values, batch, noise)? {
                            values.insert(result, tensor);
                        }
                    }
                    for &result in &node.results {
                        if let Some(tensor) = values.get(&result) {
                            seen(result, tensor).map_err(|source| failed(graph, result, source))?;
                        }
                    }
                }
            }
        }
        Ok(values)
    }

    fn node(
        &self,
        graph: &Graph,
        node: &Node,
        values: &BTreeMap<ValueId, Tensor>,
        batch: &Prepared,
        noise: Noise,
    ) -> Result<Vec<(ValueId, Tensor)>, ExecError> {
        let results: Vec<&Type> = node.results.iter().map(|&result| graph.ty(result)).collect();
        let (types, operands) = operands(graph, &node.operands, values)?;
        let call = Call {
            attrs: &node.attrs,
            types: &types,
            operands: &operands,
            results: &results,
            rows: &batch.rows,
            noise,
            device: &self.device,
        };
        let tensors = node.op.eval(&call).and_then(|tensors| tensors.iter().map(Tensor::contiguous).collect());
        let tensors: Vec<Tensor> = tensors.map_err(|source| failed(graph, node.results[0], source))?;
        Ok(node.results.iter().copied().zip(tensors).collect())
    }

    fn effect(
        &self,
        graph: &Graph,
        effect: &Effect,
        values: &BTreeMap<ValueId, Tensor>,
        batch: &Prepared,
        noise: Noise,
    ) -> Result<Vec<(String, Tensor)>, ExecError> {
        let (types, operands) = operands(graph, &effect.operands, values)?;
        let reads: Vec<ValueId> = effect.targets.iter().map(|&id| graph.param(id).value).collect();
        let (results, targets) = self::operands(graph, &reads, values)?;
        let call = Call {
            attrs: &effect.attrs,
            types: &types,
            operands: &operands,
            results: &results,
            rows: &batch.rows,
            noise,
            device: &self.device,
        };
        let name = |i: usize| graph.param(effect.targets[i]).name.clone();
        let changed = effect.op.apply(&targets, &call).map_err(|source| ExecError::Candle { node: name(0), source })?;
        Ok(changed.into_iter().enumerate().map(|(i, tensor)| (name(i), tensor)).collect())
    }
}

/// A training step with a loss that is not a number must not change a parameter. An evaluation may report one.
pub(super) fn finite(graph: &Graph, outputs: &Outputs) -> Result<(), ExecError> {
    for root in graph.losses().iter().filter(|_| !graph.effects().is_empty()) {
        if let Some(Column::F32(values)) = outputs.get(&root.name)
            && values.iter().any(|value| !value.is_finite())
        {
            return Err(ExecError::NotFinite(root.name.clone()));
        }
    }
    Ok(())
}

fn operands<'g>(
    graph: &'g Graph,
    ids: &[ValueId],
    values: &BTreeMap<ValueId, Tensor>,
) -> Result<(Vec<&'g Type>, Vec<Tensor>), ExecError> {
    let mut tensors = Vec::with_capacity(ids.len());
    for &id in ids {
        tensors.push(values.get(&id).cloned().ok_or_else(|| ExecError::NotKnown(graph.value(id).name.clone()))?);
    }
    Ok((ids.iter().map(|&id| graph.ty(id)).collect(), tensors))
}

fn failed(graph: &Graph, value: ValueId, source: candle_core::Error) -> ExecError {
    let prefix = if matches!(graph.value(value).def, Def::Param(_)) { "@" } else { "%" };
    ExecError::Candle { node: format!("{prefix}{}", graph.value(value).name), source }
}
