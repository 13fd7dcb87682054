//! Width to a static axis and back: the heads of an attention, fields side by side.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

use super::{make, moves, rule};

/// `split(x) {axis}`: the width cut into as many equal parts as the static `axis` has elements.
#[derive(Debug)]
pub struct Split;

/// `merge(x) {axis}`: the elements of the static `axis` side by side.
#[derive(Debug)]
pub struct Merge;

const ATTRIBUTES: &[Declared] = &[("axis", AttrKind::Axis)];

impl Op for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, of height 1. (C2) `axis` is static, and not one of the operand. (C3) Its length divides
    /// the width.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let (axis, len) = static_axis(self.name(), site)?;
        if x.space.has(axis) {
            let title = format!("`split` to `{}`, an axis that {} has", site.axes.get(axis).name, site.show(x));
            return Err(Fault::new("E0305", title).of(0));
        }
        if x.width % len != 0 {
            let title = format!("`split` of {} into {len} equal parts", site.show(x));
            return Err(Fault::new("E0301", title).of(0).help("the number of parts divides the width"));
        }
        let space = x.space.unite(&site.axes.close(&[axis]));
        Ok(vec![Type::f32(space, x.width / len)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(axis) = call.attrs.axis("axis") else { candle_core::bail!("split: no axis") };
        let (slots, len) = slots(call.rows, (&call.results[0].space, &call.types[0].space), axis);
        let (rows, width) = call.operands[0].dims2()?;
        let parts = call.operands[0].reshape((rows * len, width / len))?;
        Ok(vec![moves::pick(&parts, &slots)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(axis)) = (at.cotangent(), at.attrs.axis("axis")) else { return Ok(vec![None]) };
        Ok(vec![Some(make::merge(at.to, g, axis)?)])
    }
}

impl Op for Merge {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, of height 1. (C2) `axis` is static, and one of the operand. (C3) The result's width is
    /// a `u32`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let (axis, len) = static_axis(self.name(), site)?;
        let name = &site.axes.get(axis).name;
        if !x.space.has(axis) {
            let title = format!("`merge` of `{name}`, an axis that the value lacks: {}", site.show(x));
            return Err(Fault::new("E0305", title).of(0));
        }
        let under = |_| Fault::new("E0306", format!("`merge` of `{name}`, under which another axis stands")).of(0);
        let space = site.axes.without(&x.space, &[axis]).map_err(under)?;
        let too_wide = || Fault::new("E0301", "`merge` is wider than 4294967295").of(0);
        Ok(vec![Type::f32(space, x.width.checked_mul(len).ok_or_else(too_wide)?)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(axis) = call.attrs.axis("axis") else { candle_core::bail!("merge: no axis") };
        let (places, _) = merged(call.rows, (&call.types[0].space, &call.results[0].space), axis);
        Ok(vec![moves::pick(&call.operands[0], &places)?.reshape(call.shape(0))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(axis)) = (at.cotangent(), at.attrs.axis("axis")) else { return Ok(vec![None]) };
        Ok(vec![Some(make::split(at.to, g, axis)?)])
    }
}

fn static_axis(name: &str, site: &Site) -> Result<(AxisId, u32), Fault> {
    rule::numbers(name, site, 0)?;
    if site.operands[0].height != 1 {
        return Err(Fault::new("E0302", format!("`{name}` of the matrix {}", site.show(site.operands[0]))).of(0));
    }
    let axis = site.attrs.axis("axis").ok_or_else(|| rule::bad_attribute(name, "an axis is needed"))?;
    match site.axes.get(axis).kind {
        AxisKind::Static { len } if len > 0 => Ok((axis, len)),
        _ => Err(rule::bad_attribute(name, format!("axis `{}` is not static", site.axes.get(axis).name))),
    }
}

/// For every row of the space with the axis, its part of the space without it: row times length plus element.
pub(super) fn slots(rows: &Rows, (with, without): (&Space, &Space), axis: AxisId) -> (Vec<u32>, usize) {
    let len = rows.elements(axis).unwrap_or(1);
    let (map, elements) = (rows.map(with, without), rows.element(with, axis));
    (map.iter().zip(elements.iter()).map(|(&row, &own)| row * len as u32 + own).collect(), len)
}

/// For every part of the space without the axis, the row of the space with it.
pub(super) fn merged(rows: &Rows, (with, without): (&Space, &Space), axis: AxisId) -> (Vec<u32>, usize) {
    let (slots, len) = slots(rows, (with, without), axis);
    let mut places = vec![0; slots.len()];
    for (row, &slot) in slots.iter().enumerate() {
        places[slot as usize] = row as u32;
    }
    (places, len)
}

#[cfg(test)]
mod tests {
    use crate::ir::types::Elem;
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    #[test]
    fn a_split_width_merges_to_itself_wherever_its_axis_was_declared() {
        let lines = "
            axis heads: static(2)
            axis h: ragged of B
            input %x: f32[B, h, 4]
            %s: f32[B, heads, h, 2] = split(%x) {axis: heads}
            %m: f32[B, h, 4] = merge(%s) {axis: heads}";
        let batch = Batch::of(1).axis("h", &[0, 2]).with("x", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(value(&graph(lines), &batch, "s"), [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]);
        assert_eq!(value(&graph(lines), &batch, "m"), batch.values["x"]);
        let batch = batch.with("x", &some(8, 0));
        check_derivatives(&graph(lines), &batch, &["s", "m"], &["x"]);
    }

    #[test]
    fn fields_are_stacked_by_concat_and_split() {
        let mut to = crate::ir::build::Builder::new("stack");
        let b = to.axis("B", None, crate::ir::axis::AxisKind::Batch);
        let fields = to.axis("fields", None, crate::ir::axis::AxisKind::Static { len: 2 });
        let space = to.graph().axes().close(&[b]);
        let input = |to: &mut crate::ir::build::Builder, name: &str| {
            to.input(name, crate::ir::types::Type::f32(space.clone(), 3), crate::ir::input::InputSource::plain(name))
        };
        let (x, y) = (input(&mut to, "x"), input(&mut to, "y"));
        let stacked = crate::prim::make::stack(&mut to, &[x, y], fields).unwrap();
        assert_eq!(to.graph().axes().show(to.ty(stacked)), "f32[B, fields, 3]");
        assert_eq!(to.ty(stacked).elem, Elem::F32);
    }

    #[test]
    fn heads_that_do_not_divide_the_width_are_refused() {
        let split =
            |axes: &str, of: &str| refused(&format!("{axes} input %x: {of} %y: f32[B, n, 2] = split(%x) {{axis: n}}"));
        assert_eq!(split("axis n: static(2)", "f32[B, 4]"), "");
        assert_eq!(split("axis n: static(3)", "f32[B, 4]"), "E0301");
        assert_eq!(split("axis n: ragged of B", "f32[B, 4]"), "E0311");
        assert_eq!(split("axis n: static(2)", "f32[B, n, 4]"), "E0305");
    }
}
