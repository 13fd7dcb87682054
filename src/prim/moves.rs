//! The row that each row comes from, where an axis is exchanged for a relative of it.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Fault, Site};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

use super::arrangement::NOWHERE;
use super::tensor;

/// For every row of `to` the row of `from` that stands at the same elements; where `from` has the axis `of` and `to` has
/// `as_`, at the element of `of` that `element` gives for that of `as_`.
pub(super) fn source_rows(
    rows: &Rows,
    to: &Space,
    from: &Space,
    (of, as_): (AxisId, AxisId),
    element: impl Fn(u32) -> u32,
) -> Arc<[u32]> {
    let column = |axis: &AxisId| match *axis == of {
        true => rows.element(to, as_).iter().map(|&own| element(own)).collect(),
        false => rows.element(to, *axis),
    };
    let columns: Vec<Arc<[u32]>> = from.axes().iter().map(column).collect();
    rows.find(from, &columns)
}

/// For every row of `space`, the parent of the element of `axis` that it stands at; 0 where `axis` is a root.
pub(super) fn parents(rows: &Rows, space: &Space, axis: AxisId) -> Arc<[u32]> {
    match rows.axes().get(axis).parent {
        Some(parent) => rows.element(space, parent),
        None => vec![0; rows.count(space)].into(),
    }
}

/// The rows of a tensor at given places.
pub(super) fn pick(x: &Tensor, places: &[u32]) -> Result<Tensor> {
    x.index_select(&tensor::places(places, x)?, 0)
}

/// The rows of a tensor at given places; zeros where there is none.
pub(super) fn pick_or_zero(x: &Tensor, places: &[u32]) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let nothing = Tensor::zeros((1, width), x.dtype(), x.device())?;
    let places: Vec<u32> = places.iter().map(|&place| place.min(rows as u32)).collect();
    pick(&Tensor::cat(&[x, &nothing], 0)?, &places)
}

/// The rows of a tensor at given places; where there is none, the row of `other`, which has one for each place.
pub(super) fn pick_or_other(x: &Tensor, places: &[u32], other: &Tensor) -> Result<Tensor> {
    let rows = x.dim(0)? as u32;
    let both = places.iter().zip(rows..).map(|(&place, other)| if place == NOWHERE { other } else { place });
    pick(&Tensor::cat(&[x, other], 0)?, &both.collect::<Vec<u32>>())
}

/// The axes `of` and `as` of a node, where `as` is made of `of` as `made` says.
pub(super) fn pair(
    name: &str,
    site: &Site,
    made: impl Fn(&AxisKind, AxisId) -> bool,
) -> std::result::Result<(AxisId, AxisId), Fault> {
    match (site.attrs.axis("of"), site.attrs.axis("as")) {
        (Some(of), Some(as_)) if made(&site.axes.get(as_).kind, of) => Ok((of, as_)),
        (Some(of), Some(as_)) => {
            let (of, as_) = (&site.axes.get(of).name, &site.axes.get(as_).name);
            Err(Fault::new("E0311", format!("`{name}`: axis `{as_}` is not made of `{of}` like that")))
        }
        _ => Err(Fault::new("E0311", format!("`{name}` needs the axes `of` and `as`"))),
    }
}

/// The space of operand 0 with `from` exchanged for `to`. It has `from`, not yet `to`, and nothing under `from`.
pub(super) fn exchanged(
    name: &str,
    site: &Site,
    x: &Type,
    from: AxisId,
    to: AxisId,
) -> std::result::Result<Space, Fault> {
    let (from_name, to_name) = (&site.axes.get(from).name, &site.axes.get(to).name);
    if !x.space.has(from) {
        let title = format!("`{name}` of `{from_name}`, an axis that the value lacks: {}", site.show(x));
        return Err(Fault::new("E0305", title).of(0));
    }
    if x.space.has(to) {
        let title = format!("`{name}` to `{to_name}`, an axis that the value has already: {}", site.show(x));
        return Err(Fault::new("E0305", title).of(0));
    }
    let child = |fact: String| Fault::new("E0306", fact).of(0).help("reduce over the inner axis first");
    site.axes
        .replace(&x.space, from, to)
        .ok_or_else(|| child(format!("`{name}` of `{from_name}` under which another axis stands: {}", site.show(x))))
}
