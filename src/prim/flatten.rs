//! The elements of an axis side by side in one row, for what reads all of them at once.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

use super::arrangement::NOWHERE;
use super::sum::reduced_space;
use super::{make, moves, rule};

/// `flatten(x) {over}`: a width of as many parts as the axis can have elements; the last element fills the last part, and
/// parts that nothing fills are 0.
#[derive(Debug)]
pub struct Flatten;

/// `unflatten(x) {over}`: each element gets its part again.
#[derive(Debug)]
pub struct Unflatten;

const ATTRIBUTES: &[Declared] = &[("over", AttrKind::Axis)];

impl Op for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, of height 1. (C2) It has `over`, and no axis under it. (C3) `over` has a bound. (C4)
    /// The result's width is a `u32`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let space = reduced_space(self.name(), site)?;
        let (_, bound) = bounded(self.name(), site)?;
        let too_wide = || Fault::new("E0301", "`flatten` is wider than 4294967295").of(0);
        Ok(vec![Type::f32(space, x.width.checked_mul(bound).ok_or_else(too_wide)?)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (places, _) = flattened(call.rows, (&call.types[0].space, &call.results[0].space), over(call)?)
            .ok_or_else(|| too_long(call))?;
        Ok(vec![moves::pick_or_zero(&call.operands[0], &places)?.reshape(call.shape(0))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(over)) = (at.cotangent(), at.attrs.axis("over")) else { return Ok(vec![None]) };
        Ok(vec![Some(make::unflatten(at.to, g, over)?)])
    }
}

impl Op for Unflatten {
    fn name(&self) -> &'static str {
        "unflatten"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, of height 1. (C2) It has the parent of `over`, not `over`. (C3) `over` has a bound,
    /// which divides the width.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (over, bound) = bounded(self.name(), site)?;
        let space = x.space.unite(&site.axes.close(&[over]));
        if x.space.has(over) || space.axes().len() != x.space.axes().len() + 1 {
            let title = format!("`unflatten` over `{}` of {}", site.axes.get(over).name, site.show(x));
            return Err(Fault::new("E0305", title).of(0));
        }
        if bound == 0 || x.width % bound != 0 {
            let title = format!("`unflatten` of {} into {bound} equal parts", site.show(x));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type::f32(space, x.width / bound)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (slots, bound) = slots(call.rows, (&call.results[0].space, &call.types[0].space), over(call)?)
            .ok_or_else(|| too_long(call))?;
        let (rows, width) = call.operands[0].dims2()?;
        let parts = call.operands[0].reshape((rows * bound, width / bound.max(1)))?;
        Ok(vec![moves::pick(&parts, &slots)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(over)) = (at.cotangent(), at.attrs.axis("over")) else { return Ok(vec![None]) };
        Ok(vec![Some(make::flatten(at.to, g, over)?)])
    }
}

fn bounded(name: &str, site: &Site) -> Result<(AxisId, u32), Fault> {
    if site.operands[0].height != 1 {
        return Err(Fault::new("E0302", format!("`{name}` of the matrix {}", site.show(site.operands[0]))).of(0));
    }
    let over = site.attrs.axis("over").ok_or_else(|| rule::bad_attribute(name, "an axis is needed"))?;
    let no_bound = || {
        let fault = rule::bad_attribute(name, format!("axis `{}` has no bound", site.axes.get(over).name));
        fault.help("`last` or `max` bounds an axis")
    };
    Ok((over, site.axes.bound(over).ok_or_else(no_bound)?))
}

/// For every row of the space with the axis, its part: row of the other space times bound, plus the place that ends at the
/// bound. None where the axis is longer than its bound.
pub(super) fn slots(rows: &Rows, (with, without): (&Space, &Space), over: AxisId) -> Option<(Vec<u32>, usize)> {
    let bound = rows.axes().bound(over).unwrap_or(0);
    let offsets = rows.offsets(over);
    if offsets.windows(2).any(|pair| pair[1] - pair[0] > bound) {
        return None;
    }
    let (map, elements) = (rows.map(with, without), rows.element(with, over));
    let parents = moves::parents(rows, with, over);
    let slot =
        |((&row, &own), &parent): ((&u32, &u32), &u32)| row * bound + bound - (offsets[parent as usize + 1] - own);
    Some((map.iter().zip(elements.iter()).zip(parents.iter()).map(slot).collect(), bound as usize))
}

/// For every part of the space without the axis, the row of the space with it; none where no element is.
pub(super) fn flattened(rows: &Rows, (with, without): (&Space, &Space), over: AxisId) -> Option<(Vec<u32>, usize)> {
    let (slots, bound) = slots(rows, (with, without), over)?;
    let mut places = vec![NOWHERE; rows.count(without) * bound];
    for (row, &slot) in slots.iter().enumerate() {
        places[slot as usize] = row as u32;
    }
    Some((places, bound))
}

fn over(call: &Call) -> candle_core::Result<AxisId> {
    match call.attrs.axis("over") {
        Some(over) => Ok(over),
        None => candle_core::bail!("no axis"),
    }
}

fn too_long(call: &Call) -> candle_core::Error {
    let name = call.attrs.axis("over").map(|over| call.rows.axes().get(over).name.clone()).unwrap_or_default();
    candle_core::Error::Msg(format!("axis `{name}` has more elements than it can have"))
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const FLATTEN: &str = "
        axis h: ragged(3) of B
        input %x: f32[B, h, 1]
        %y: f32[B, 3] = flatten(%x) {over: h}
        %z: f32[B, h, 1] = unflatten(%y) {over: h}";

    #[test]
    fn the_newest_event_is_always_at_the_end() {
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 5]).with("x", &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(value(&graph(FLATTEN), &batch, "y"), [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 5.0]);
        assert_eq!(value(&graph(FLATTEN), &batch, "z"), batch.values["x"]);
        let batch = batch.with("x", &some(5, 0));
        check_derivatives(&graph(FLATTEN), &batch, &["y", "z"], &["x"]);
    }

    #[test]
    fn an_axis_without_a_bound_is_refused() {
        let flatten = |axis: &str, x: &str| {
            refused(&format!("axis h: {axis} input %x: {x} %y: f32[B, 3] = flatten(%x) {{over: h}}"))
        };
        assert_eq!(flatten("ragged(3) of B", "f32[B, h, 1]"), "");
        assert_eq!(flatten("ragged of B", "f32[B, h, 1]"), "E0311");
        assert_eq!(flatten("ragged(3) of B", "f32[B, 1]"), "E0305");
    }
}
