//! The elements of an axis for which a condition holds, packed: work on them costs only them.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Elem, Space, Type};

use super::arrangement::NOWHERE;
use super::{make, moves, rule};

/// `select(x) {of, as}`: from an axis to a sub-axis of it. The condition belongs to the sub-axis.
#[derive(Debug)]
pub struct Select;

/// `unselect(x) {of, as}`: from a sub-axis `as` to the whole axis `of`, zeros for elements that are not kept.
#[derive(Debug)]
pub struct Unselect;

const ATTRIBUTES: &[Declared] = &[("as", AttrKind::Axis), ("of", AttrKind::Axis)];

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand. (C2) `as` is a sub-axis of `of`. (C3) The operand has `of` and not `as`. (C4) No axis of it
    /// stands under `of`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let (of, as_) = moves::pair(self.name(), site, is_sub)?;
        Ok(vec![x.with_space(moves::exchanged(self.name(), site, x, of, as_)?)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (Some(of), Some(as_)) = (call.attrs.axis("of"), call.attrs.axis("as")) else {
            candle_core::bail!("select: no axes")
        };
        let spaces = (&call.types[0].space, &call.results[0].space);
        Ok(vec![moves::pick(&call.operands[0], &selected(call.rows, spaces, (of, as_)))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(of), Some(as_)) = (at.cotangent(), at.attrs.axis("of"), at.attrs.axis("as")) else {
            return Ok(vec![None]);
        };
        Ok(vec![Some(make::unselect(at.to, g, of, as_)?)])
    }
}

impl Op for Unselect {
    fn name(&self) -> &'static str {
        "unselect"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers. (C2) `as` is a sub-axis of `of`. (C3) The operand has `as` and not `of`. (C4) No axis
    /// of it stands under `as`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (of, as_) = moves::pair(self.name(), site, is_sub)?;
        let space = moves::exchanged(self.name(), site, x, as_, of)?;
        Ok(vec![Type { elem: Elem::F32, ..x.with_space(space) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (Some(of), Some(as_)) = (call.attrs.axis("of"), call.attrs.axis("as")) else {
            candle_core::bail!("unselect: no axes")
        };
        let spaces = (&call.types[0].space, &call.results[0].space);
        Ok(vec![moves::pick_or_zero(&call.operands[0], &unselected(call.rows, spaces, (of, as_)))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(of), Some(as_)) = (at.cotangent(), at.attrs.axis("of"), at.attrs.axis("as")) else {
            return Ok(vec![None]);
        };
        Ok(vec![Some(make::select(at.to, g, of, as_)?)])
    }
}

/// For every row of the result of `select`, the row of the operand.
pub(super) fn selected(rows: &Rows, (from, to): (&Space, &Space), (of, as_): (AxisId, AxisId)) -> Vec<u32> {
    let kept = rows.kept(as_);
    moves::source_rows(rows, to, from, (of, as_), |own| kept[own as usize]).to_vec()
}

/// For every row of the result of `unselect`, the row of the operand; none for elements that are not kept.
pub(super) fn unselected(rows: &Rows, (packed, whole): (&Space, &Space), axes: (AxisId, AxisId)) -> Vec<u32> {
    let mut places = vec![NOWHERE; rows.count(whole)];
    for (packed, &whole) in selected(rows, (whole, packed), axes).iter().enumerate() {
        places[whole as usize] = packed as u32;
    }
    places
}

fn is_sub(kind: &AxisKind, of: AxisId) -> bool {
    matches!(kind, AxisKind::Sub { of: whole, .. } if *whole == of)
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const SELECT: &str = "
        axis h: ragged of B
        input %keep: bool[B, h] = feature(keep) along h
        input %x: f32[B, h, 2]
        axis k: sub of h where %keep
        %y: f32[B, k, 2] = select(%x) {as: k, of: h}
        %z: f32[B, h, 2] = unselect(%y) {as: k, of: h}";

    fn batch() -> Batch {
        Batch::of(3).axis("h", &[0, 3, 3, 5]).with("keep", &[1.0, 0.0, 1.0, 0.0, 1.0]).with("x", &some(10, 0))
    }

    #[test]
    fn kept_elements_are_packed_and_unpacked_with_zeros() {
        let x = some(10, 0);
        assert_eq!(value(&graph(SELECT), &batch(), "y"), [x[0], x[1], x[4], x[5], x[8], x[9]]);
        assert_eq!(value(&graph(SELECT), &batch(), "z"), [x[0], x[1], 0.0, 0.0, x[4], x[5], 0.0, 0.0, x[8], x[9]]);
        check_derivatives(&graph(SELECT), &batch(), &["y", "z"], &["x"]);
    }

    #[test]
    fn only_a_sub_axis_of_the_axis_is_selected() {
        let axes = "axis h: ragged of B axis p: twin of h";
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, h, 1] %y: f32[B, p, 1] = select(%x) {{as: p, of: h}}")),
            "E0311"
        );
        let sub = "axis h: ragged of B input %c: bool[B, h] = feature(c) along h axis k: sub of h where %c";
        assert_eq!(
            refused(&format!("{sub} input %x: f32[B, 1] %y: f32[B, k, 1] = select(%x) {{as: k, of: h}}")),
            "E0305"
        );
        assert_eq!(
            refused(&format!("{sub} input %x: f32[B, h, 1] %y: f32[B, h, 1] = unselect(%x) {{as: k, of: h}}")),
            "E0305"
        );
    }
}
