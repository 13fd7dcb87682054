//! Changes of parameters, in place, on all threads: every chunk of rows is changed by one thread.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::ir::graph::{Effect, ValueId};
use crate::ir::op::{Call, Noise};
use crate::ir::types::Type;

use super::super::error::ExecError;
use super::super::feed::Column;
use super::super::matrix::Matrix;
use super::super::prologue::{Prepared, column};
use super::super::weights::Weights;
use super::block::Data;
use super::{Host, Sources, exchange};

/// Runs effect `at` of the graph.
pub(super) fn run(
    host: &Host,
    at: usize,
    weights: &mut Weights,
    batch: &Prepared,
    numbers: &BTreeMap<ValueId, [f32; 1]>,
    noise: Noise,
) -> Result<(), ExecError> {
    let effect = &host.graph.effects()[at];
    let names: Vec<&str> = effect.targets.iter().map(|&id| host.graph.param(id).name.as_str()).collect();
    let mut targets: Vec<Matrix> = Vec::with_capacity(names.len());
    for name in &names {
        targets.push(weights.remove(name).ok_or_else(|| ExecError::MissingWeight((*name).to_owned()))?);
    }
    let done = {
        let sources = Sources { weights, batch, schedule: numbers.clone() };
        let reads = effect.operands.iter().map(|&value| host.read(value, &sources)).collect::<Result<Vec<_>, _>>();
        reads.and_then(|reads| match super::update::find(effect.op.name()) {
            Some(kernel) => {
                kernel(
                    &super::update::Update { effect, reads: &reads, graph: &host.graph, batch, pool: &host.pool },
                    &mut targets,
                );
                Ok(())
            }
            None => by_candle(host, effect, &reads, &mut targets, batch, noise),
        })
    };
    for (name, matrix) in names.iter().zip(targets) {
        weights.insert(name, matrix);
    }
    done
}

/// The reference, for effects without a kernel of ours.
fn by_candle(
    host: &Host,
    effect: &Effect,
    reads: &[Data],
    targets: &mut [Matrix],
    batch: &Prepared,
    noise: Noise,
) -> Result<(), ExecError> {
    let failed = |source| ExecError::Candle { node: effect.op.name().to_owned(), source };
    let types: Vec<&Type> = effect.operands.iter().map(|&value| host.graph.ty(value)).collect();
    let results: Vec<&Type> = effect.targets.iter().map(|&id| host.graph.ty(host.graph.param(id).value)).collect();
    let mut operands = Vec::with_capacity(reads.len());
    for (read, ty) in reads.iter().zip(&types) {
        let column = match read {
            Data::F32(values) => Column::F32(values.to_vec()),
            Data::U32(values) => Column::U32(values.to_vec()),
        };
        operands.push(exchange::lend(column, ty.width as usize).map_err(failed)?);
    }
    let lent: candle_core::Result<Vec<Tensor>> = targets
        .iter_mut()
        .map(|target| Tensor::from_slice(&target.numbers(), (target.rows(), target.width()), &Device::Cpu))
        .collect();
    let call = Call {
        attrs: &effect.attrs,
        types: &types,
        operands: &operands,
        results: &results,
        rows: &batch.rows,
        noise,
        device: &Device::Cpu,
    };
    let changed = effect.op.apply(&lent.map_err(failed)?, &call).map_err(failed)?;
    for (target, tensor) in targets.iter_mut().zip(changed) {
        if let Column::F32(data) = column(&tensor).map_err(failed)? {
            *target = Matrix::new(target.rows(), target.width(), data);
        }
    }
    Ok(())
}
