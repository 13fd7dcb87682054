//! Each element gets the one beside it: the next click, the item before.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Elem, Space, Type};

use super::arrangement::NOWHERE;
use super::{make, moves, rule};

/// `following(x, y) {over}` and `preceding`, the second operand optional: the row of the element after (before) each one;
/// the last (first) gets `y`, or zeros.
#[derive(Debug)]
pub struct Neighbour(pub Side);

/// Where the neighbour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Behind.
    Following,
    /// Before.
    Preceding,
}

impl Op for Neighbour {
    fn name(&self) -> &'static str {
        match self.0 {
            Side::Following => "following",
            Side::Preceding => "preceding",
        }
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("over", AttrKind::Axis)]
    }

    /// (C1) One or two operands. (C2) The first has `over`, and no axis under it; the second has not. (C3) Both are
    /// numbers, or ids of one vocabulary, or places of one axis. (C4) Equal widths; heights of 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, y) = match site.operands {
            [x] => (*x, None),
            [x, y] => (*x, Some(*y)),
            other => {
                let title = format!("`{}` takes 1 or 2 operands, found {}", self.name(), other.len());
                return Err(Fault::new("E0310", title));
            }
        };
        rule::alike(self.name(), site)?;
        rule::space_without(self.name(), site, x)?;
        let Some(y) = y else { return Ok(vec![x.clone()]) };
        if site.attrs.axes("over").iter().any(|&axis| y.space.has(axis)) {
            let title = format!("`{}` ends in {}, which has the axis itself", self.name(), site.show(y));
            return Err(Fault::new("E0305", title).of(1));
        }
        let elem = if x.elem == y.elem { x.elem.clone() } else { Elem::F32 };
        Ok(vec![Type { elem, ..x.with_space(site.united()) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(over) = call.attrs.axis("over") else { candle_core::bail!("{}: no axis", self.name()) };
        let space = &call.results[0].space;
        let places = beside(self.0, call.rows, (&call.types[0].space, space), over);
        Ok(vec![match call.operands {
            [x] => moves::pick_or_zero(x, &places)?,
            _ => moves::pick_or_other(&call.operands[0], &places, &call.spread(1, space)?)?,
        }])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let (Some(g), Some(over)) = (at.cotangent(), at.attrs.axis("over")) else { return Ok(results) };
        if at.wanted[0] {
            let own = at.sum_to_operand(0, g)?;
            results[0] = Some(match self.0 {
                Side::Following => make::preceding(at.to, own, None, over)?,
                Side::Preceding => make::following(at.to, own, None, over)?,
            });
        }
        if at.wanted.get(1) == Some(&true) {
            let end = match self.0 {
                Side::Following => make::last(at.to, g, vec![over], None)?,
                Side::Preceding => make::first(at.to, g, vec![over], None)?,
            };
            results[1] = Some(at.sum_to_operand(1, end)?);
        }
        Ok(results)
    }
}

/// For every row of `to`, the row of `from` that stands at the neighbour; none at the end.
pub(super) fn beside(side: Side, rows: &Rows, (from, to): (&Space, &Space), over: AxisId) -> Vec<u32> {
    let (elements, offsets) = (rows.element(to, over), rows.offsets(over));
    let parents = moves::parents(rows, to, over);
    let neighbour = |(&own, &parent): (&u32, &u32)| {
        let (first, end) = (offsets[parent as usize], offsets[parent as usize + 1]);
        match side {
            Side::Following => (own + 1 < end).then_some(own + 1),
            Side::Preceding => (own > first).then(|| own - 1),
        }
    };
    let neighbours: Vec<Option<u32>> = elements.iter().zip(parents.iter()).map(neighbour).collect();
    let columns = from.axes().iter().map(|&axis| match axis == over {
        true => neighbours.iter().zip(elements.iter()).map(|(beside, &own)| beside.unwrap_or(own)).collect(),
        false => rows.element(to, axis),
    });
    let found = rows.find(from, &columns.collect::<Vec<_>>());
    neighbours.iter().zip(found.iter()).map(|(beside, &row)| beside.map_or(NOWHERE, |_| row)).collect()
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const NEXT: &str = "
        axis h: ragged of B
        input %x: f32[B, h, 1]
        input %y: f32[B, 1]
        %next: f32[B, h, 1] = following(%x, %y) {over: h}
        %next.or.nothing: f32[B, h, 1] = following(%x) {over: h}
        %before: f32[B, h, 1] = preceding(%x, %y) {over: h}
        input %i: id<movie>[B, h] = feature(i) along h
        %j: id<movie>[B, h] = following(%i) {over: h}";

    #[test]
    fn each_event_gets_the_one_beside_it_and_never_one_of_another_sample() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let batch = Batch::of(3).axis("h", &[0, 3, 3, 4]).with("x", &x).with("i", &x).with("y", &[7.0, 8.0, 9.0]);
        assert_eq!(value(&graph(NEXT), &batch, "next"), [2.0, 3.0, 7.0, 9.0]);
        assert_eq!(value(&graph(NEXT), &batch, "next.or.nothing"), [2.0, 3.0, 0.0, 0.0]);
        assert_eq!(value(&graph(NEXT), &batch, "before"), [7.0, 1.0, 2.0, 9.0]);
        assert_eq!(value(&graph(NEXT), &batch, "j"), [2.0, 3.0, 0.0, 0.0]);
        check_derivatives(&graph(NEXT), &batch, &["next", "next.or.nothing", "before"], &["x", "y"]);
    }

    #[test]
    fn a_continuation_may_have_axes_that_the_history_lacks() {
        let lines = "
            axis c: ragged of B
            axis h: ragged of B
            input %x: f32[B, h, 1]
            input %y: f32[B, c, 1]
            %next: f32[B, c, h, 1] = following(%x, %y) {over: h}";
        let batch = Batch::of(1).axis("h", &[0, 2]).axis("c", &[0, 2]).with("x", &some(2, 0)).with("y", &[7.0, 8.0]);
        assert_eq!(value(&graph(lines), &batch, "next"), [some(2, 0)[1], 7.0, some(2, 0)[1], 8.0]);
        check_derivatives(&graph(lines), &batch, &["next"], &["x", "y"]);
    }

    #[test]
    fn a_neighbour_needs_the_axis_and_nothing_under_it() {
        let axes = "axis h: ragged of B axis g: ragged of h input %x: f32[B, h, 1] input %z: f32[B, h, g, 1] input %y: f32[B, 2]";
        assert_eq!(refused(&format!("{axes} %n: f32[B, 2] = following(%y) {{over: h}}")), "E0305");
        assert_eq!(refused(&format!("{axes} %n: f32[B, h, g, 1] = following(%z) {{over: h}}")), "E0306");
        assert_eq!(refused(&format!("{axes} %n: f32[B, h, 1] = following(%x, %x) {{over: h}}")), "E0305");
        assert_eq!(refused(&format!("{axes} %n: f32[B, h, 1] = preceding(%x, %y) {{over: h}}")), "E0301");
    }
}
