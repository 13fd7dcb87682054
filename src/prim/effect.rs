//! Checks and steps that the optimisers share.

use std::sync::Arc;

use candle_core::{DType, Tensor};

use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Fault, Site};
use crate::ir::types::Type;

use super::fetch::unique_rows;

/// `targets` targets of one type; a gradient of that type; then `scalars` numbers `f32[1]`.
pub(super) fn dense(name: &str, targets: &[&Type], site: &Site, expected: usize, scalars: usize) -> Result<(), Fault> {
    let (w, g) = counted(name, targets, site, expected, scalars)?;
    if g.space != w.space || g.height != w.height || g.width != w.width || !g.is_float() {
        let title = format!("`{name}` of {} got a gradient {}", site.show(w), site.show(g));
        return Err(Fault::new("E0301", title).of(0));
    }
    Ok(())
}

/// `targets` tables of one type; a gradient on the distinct rows of that table, as wide; then `scalars` numbers `f32[1]`.
pub(super) fn by_row(name: &str, targets: &[&Type], site: &Site, expected: usize, scalars: usize) -> Result<(), Fault> {
    let (w, g) = counted(name, targets, site, expected, scalars)?;
    let one_table = match (w.space.axes(), g.space.axes()) {
        ([whole], [distinct]) => match (&site.axes.get(*whole).kind, &site.axes.get(*distinct).kind) {
            (AxisKind::Rows { table }, AxisKind::Unique { table: other }) => table == other,
            _ => false,
        },
        _ => false,
    };
    if !one_table || g.width != w.width || g.height != 1 || !g.is_float() {
        let title = format!("`{name}` of {} got a gradient {}", site.show(w), site.show(g));
        return Err(Fault::new("E0301", title).of(0).help("it changes the rows of a table that the batch looks up"));
    }
    Ok(())
}

/// The first target and the gradient, once their number and the numbers after it are checked.
fn counted<'a>(
    name: &str,
    targets: &[&'a Type],
    site: &Site<'a>,
    expected: usize,
    scalars: usize,
) -> Result<(&'a Type, &'a Type), Fault> {
    let ([w, states @ ..], [g, numbers @ ..]) = (targets, site.operands) else {
        return Err(Fault::new("E0310", format!("`{name}` takes a target and a gradient")));
    };
    if targets.len() != expected || numbers.len() != scalars {
        let title = format!("`{name}` takes {expected} targets and {} operands", scalars + 1);
        return Err(Fault::new("E0310", title));
    }
    if let Some(state) = states.iter().find(|state| **state != *w) {
        let title = format!("`{name}` of {} keeps a state {}", site.show(w), site.show(state));
        return Err(Fault::new("E0301", title));
    }
    for (i, number) in numbers.iter().enumerate() {
        if !number.space.is_unit() || number.height != 1 || number.width != 1 || !number.is_float() {
            let title = format!("`{name}` takes a single number, found {}", site.show(number));
            return Err(Fault::new("E0301", title).of(i + 1));
        }
    }
    Ok((w, g))
}

/// The number of a one-by-one tensor.
pub(super) fn scalar(call: &Call, i: usize) -> candle_core::Result<f64> {
    let Some(tensor) = call.operands.get(i) else { candle_core::bail!("no operand {i}") };
    tensor.to_dtype(DType::F64)?.flatten_all()?.get(0)?.to_scalar()
}

/// The gradient with the decay of the weights added: an L2 term in the loss, half of `decay` times the square.
pub(super) fn with_decay(g: &Tensor, w: &Tensor, decay: f64) -> candle_core::Result<Tensor> {
    if decay == 0.0 { Ok(g.clone()) } else { g + (w * decay)? }
}

/// The rows of its table that a gradient stands for.
pub(super) fn rows(call: &Call) -> Arc<[u32]> {
    unique_rows(call, &call.types[0].space)
}
