//! An axis with one more element at its end: a history and, behind it, the target.

use std::sync::Arc;

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::rows::Rows;
use crate::ir::types::{Elem, Space, Type};

use super::arrangement::NOWHERE;
use super::{make, moves, rule};

/// `append(x, y) {of, as}`: `x` along `as` in place of `of`, and `y` at the end of each.
#[derive(Debug)]
pub struct Append;

/// `without_last(x) {of, as}`: from `as` back to `of`, the last element of each left out.
#[derive(Debug)]
pub struct WithoutLast;

const ATTRIBUTES: &[Declared] = &[("as", AttrKind::Axis), ("of", AttrKind::Axis)];

impl Op for Append {
    fn name(&self) -> &'static str {
        "append"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Two operands. (C2) `as` is the appended axis of `of`. (C3) The first operand has `of` and not `as`, the second
    /// neither. (C4) No axis of the first stands under `of`. (C5) Both are numbers, or ids of one vocabulary, or places of
    /// one axis. (C6) Equal widths; heights of 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, y] = rule::operands(self.name(), site)?;
        let (of, as_) = moves::pair(self.name(), site, is_appended)?;
        let space = moves::exchanged(self.name(), site, x, of, as_)?;
        rule::alike(self.name(), site)?;
        if y.space.has(of) || y.space.has(as_) {
            let title = format!("`append` of {}, which has the axis already", site.show(y));
            return Err(Fault::new("E0305", title).of(1));
        }
        let elem = if x.elem == y.elem { x.elem.clone() } else { Elem::F32 };
        Ok(vec![Type { elem, ..x.with_space(space.unite(&y.space)) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let to = &call.results[0].space;
        let places = appended(call.rows, (&call.types[0].space, to), axes(call)?);
        Ok(vec![moves::pick_or_other(&call.operands[0], &places, &call.spread(1, to)?)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None];
        let (Some(g), Some(of), Some(as_)) = (at.cotangent(), at.attrs.axis("of"), at.attrs.axis("as")) else {
            return Ok(results);
        };
        if at.wanted[0] {
            let rest = make::without_last(at.to, g, of, as_)?;
            results[0] = Some(at.sum_to_operand(0, rest)?);
        }
        if at.wanted[1] {
            let last = make::last(at.to, g, vec![as_], None)?;
            results[1] = Some(at.sum_to_operand(1, last)?);
        }
        Ok(results)
    }
}

impl Op for WithoutLast {
    fn name(&self) -> &'static str {
        "without_last"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand. (C2) `as` is the appended axis of `of`. (C3) The operand has `as` and not `of`. (C4) No axis of it
    /// stands under `as`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let (of, as_) = moves::pair(self.name(), site, is_appended)?;
        Ok(vec![x.with_space(moves::exchanged(self.name(), site, x, as_, of)?)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let spaces = (&call.types[0].space, &call.results[0].space);
        Ok(vec![moves::pick(&call.operands[0], &without_last(call.rows, spaces, axes(call)?))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(of), Some(as_)) = (at.cotangent(), at.attrs.axis("of"), at.attrs.axis("as")) else {
            return Ok(vec![None]);
        };
        let nothing = make::constant(at.to, 0.0, at.to.ty(g).width)?;
        Ok(vec![Some(make::append(at.to, g, nothing, of, as_)?)])
    }
}

fn is_appended(kind: &AxisKind, of: AxisId) -> bool {
    matches!(kind, AxisKind::Appended { of: shorter } if *shorter == of)
}

fn axes(call: &Call) -> candle_core::Result<(AxisId, AxisId)> {
    match (call.attrs.axis("of"), call.attrs.axis("as")) {
        (Some(of), Some(as_)) => Ok((of, as_)),
        _ => candle_core::bail!("append: no axes"),
    }
}

/// For every row of the result of `append`, the row of the first operand; none at the ends.
pub(super) fn appended(rows: &Rows, (from, to): (&Space, &Space), (of, as_): (AxisId, AxisId)) -> Vec<u32> {
    let shorter = shorter(rows, of);
    let found = moves::source_rows(rows, to, from, (of, as_), |own| shorter[own as usize].unwrap_or(0));
    let elements = rows.element(to, as_);
    let at_end = |own: u32| shorter[own as usize].is_none();
    found.iter().zip(elements.iter()).map(|(&row, &own)| if at_end(own) { NOWHERE } else { row }).collect()
}

/// For every row of the result of `without_last`, the row of the operand.
pub(super) fn without_last(rows: &Rows, (from, to): (&Space, &Space), (of, as_): (AxisId, AxisId)) -> Vec<u32> {
    let mut longer = vec![0; rows.elements(of).unwrap_or(0)];
    for (own, element) in shorter(rows, of).iter().enumerate() {
        if let Some(element) = element {
            longer[*element as usize] = own as u32;
        }
    }
    moves::source_rows(rows, to, from, (as_, of), |own| longer[own as usize]).to_vec()
}

/// For every element of the appended axis of `of`, the element of `of` that it is; none for the last of each parent.
fn shorter(rows: &Rows, of: AxisId) -> Arc<[Option<u32>]> {
    let offsets = rows.offsets(of);
    let under = |ends: &[u32]| (ends[0]..ends[1]).map(Some).chain([None]).collect::<Vec<_>>();
    offsets.windows(2).flat_map(under).collect()
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const APPEND: &str = "
        axis h: ragged of B
        axis s: append of h
        input %x: f32[B, h, 2]
        input %y: f32[B, 2]
        %z: f32[B, s, 2] = append(%x, %y) {as: s, of: h}
        %back: f32[B, h, 2] = without_last(%z) {as: s, of: h}";

    #[test]
    fn the_target_stands_behind_each_history_also_an_empty_one() {
        let (x, y) = (some(6, 0), some(6, 10));
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 3]).with("x", &x).with("y", &y);
        let steps = [&x[0..4], &y[0..2], &y[2..4], &x[4..6], &y[4..6]].concat();
        assert_eq!(value(&graph(APPEND), &batch, "z"), steps);
        assert_eq!(value(&graph(APPEND), &batch, "back"), x);
        check_derivatives(&graph(APPEND), &batch, &["z", "back"], &["x", "y"]);
    }

    #[test]
    fn one_history_is_followed_by_each_of_several_candidates() {
        let lines = "
            axis c: ragged of B
            axis h: ragged of B
            axis s: append of h
            input %x: f32[B, h, 1]
            input %y: f32[B, c, 1]
            %z: f32[B, c, s, 1] = append(%x, %y) {as: s, of: h}
            input %i: id<movie>[B, h] = feature(i) along h
            input %j: id<movie>[B, c] = feature(j) along c
            %k: id<movie>[B, c, s] = append(%i, %j) {as: s, of: h}";
        let batch = Batch::of(2).axis("h", &[0, 2, 2]).axis("c", &[0, 2, 3]);
        let batch =
            batch.with("x", &[1.0, 2.0]).with("y", &[7.0, 8.0, 9.0]).with("i", &[1.0, 2.0]).with("j", &[7.0, 8.0, 9.0]);
        let expected = [1.0, 2.0, 7.0, 1.0, 2.0, 8.0, 9.0];
        assert_eq!(value(&graph(lines), &batch, "z"), expected);
        assert_eq!(value(&graph(lines), &batch, "k"), expected);
        check_derivatives(&graph(lines), &batch, &["z"], &["x", "y"]);
    }

    #[test]
    fn what_does_not_continue_the_axis_is_refused() {
        let lines = |y: &str| {
            format!(
                "axis h: ragged of B axis s: append of h input %x: f32[B, h, 2] input %y: {y} = feature(y)
                %z: f32[B, s, 2] = append(%x, %y) {{as: s, of: h}}"
            )
        };
        assert_eq!(refused(&lines("f32[B, 2]")), "");
        assert_eq!(refused(&lines("f32[B, 1]")), "E0301");
        assert_eq!(refused(&lines("id<movie>[B]")), "E0302");
        assert_eq!(refused(&lines("f32[B, h, 2]")), "E0305");
        assert_eq!(refused(&lines("f32[B, s, 2]")), "E0305");
    }
}
