//! A product summed over axes, without its rows ever being made: interactions of fields with a learned weight for each pair.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::graph::ValueId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule, tensor};

/// `contract(a, b) {over}`: the sum over some axes of `a b`.
#[derive(Debug)]
pub struct Contract;

impl Op for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("over", AttrKind::Axes)]
    }

    /// (C1) Two operands of numbers, of height 1. (C2) Their widths are equal, or one is 1. (C3) `over` is not empty, and
    /// each axis of it is one of an operand. (C4) No axis that stays stands under one that goes.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [a, b] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if a.height != 1 || b.height != 1 || (a.width != b.width && a.width != 1 && b.width != 1) {
            let title = format!("`contract` of {} and {}", site.show(a), site.show(b));
            return Err(Fault::new("E0301", title).of(1));
        }
        let (space, over) = (site.united(), site.attrs.axes("over"));
        if over.is_empty() {
            return Err(rule::bad_attribute(self.name(), "an axis is needed"));
        }
        if let Some(&lacking) = over.iter().find(|&&axis| !space.has(axis)) {
            let title = format!("`contract` over `{}`, an axis that both values lack", site.axes.get(lacking).name);
            return Err(Fault::new("E0305", title));
        }
        let left = site.axes.without(&space, over).map_err(|child| {
            let child = &site.axes.get(child).name;
            Fault::new("E0306", format!("`contract` over an axis that `{child}` stands under"))
        })?;
        Ok(vec![Type { elem: Elem::F32, space: left, height: 1, width: a.width.max(b.width) }])
    }

    /// The reference makes the rows.
    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = call.types[0].space.unite(&call.types[1].space);
        let product = tensor::own(call.spread(0, &space)?.broadcast_mul(&call.spread(1, &space)?)?)?;
        let map = call.rows.map(&space, &call.results[0].space);
        Ok(vec![tensor::sum_by(&product, &map, call.shape(0).0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None];
        let Some(g) = at.cotangent() else { return Ok(results) };
        for (i, result) in results.iter_mut().enumerate() {
            if at.wanted[i] {
                *result = Some(derivative(at, i, g)?);
            }
        }
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

/// `g` times the other operand, over the axes that operand `i` lacks; the same along axes that only operand `i` has.
fn derivative(at: &mut Vjp, i: usize, g: ValueId) -> Result<ValueId, Fault> {
    let (own, other) = (at.to.ty(at.operands[i]).clone(), at.operands[1 - i]);
    let over = at.to.ty(g).space.unite(&at.to.ty(other).space).beyond(&own.space);
    let mut found = make::contract(at.to, g, other, over)?;
    if own.width == 1 && at.to.ty(found).width > 1 {
        found = make::sum_width(at.to, found)?;
    }
    make::expand(at.to, found, &own)
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const PAIRS: &str = "
        axis i: static(2)
        axis j: twin of i
        axis maps: static(2)
        param @w: f32[i, j, maps, 1] = glorot
        input %x: f32[B, i, 2]
        %y: f32[B, j, 2] = twin(%x) {as: j, of: i}
        %pairs: f32[B, i, j, 2] = mul(%x, %y)
        %z: f32[B, maps, 2] = contract(%pairs, @w) {over: [i, j]}";

    #[test]
    fn every_pair_of_fields_has_a_weight() {
        let w = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.0];
        let batch = Batch::of(1).with("x", &[1.0, 2.0, 3.0, 5.0]).with("@w", &w);
        // Map 0: x0 x0 + 2 x1 x1; map 1: x0 x1 + x1 x0.
        assert_eq!(value(&graph(PAIRS), &batch, "z"), [19.0, 54.0, 6.0, 20.0]);
        let batch = Batch::of(2).with("x", &some(8, 0)).with("@w", &some(8, 9));
        check_derivatives(&graph(PAIRS), &batch, &["z"], &["x", "@w"]);
    }

    #[test]
    fn an_axis_of_one_operand_alone_is_summed_too() {
        let lines = "
            axis h: ragged of B
            axis s: ragged of B
            input %a: f32[B, h, 2]
            input %b: f32[B, s, 1]
            %z: f32[B, s, 2] = contract(%a, %b) {over: h}
            %y: f32[2] = contract(%a, %b) {over: [B, h, s]}";
        let batch = Batch::of(2).axis("h", &[0, 2, 3]).axis("s", &[0, 1, 3]);
        let batch = batch.with("a", &some(6, 0)).with("b", &some(3, 6));
        check_derivatives(&graph(lines), &batch, &["z", "y"], &["a", "b"]);
    }

    #[test]
    fn an_axis_that_nobody_has_is_refused() {
        let contract = |over: &str| {
            let axes = "axis h: ragged of B axis g: ragged of h axis n: static(2) input %x: f32[B, h, g, 2]";
            refused(&format!("{axes} %y: f32[B, h, 2] = contract(%x, %x) {{over: {over}}}"))
        };
        assert_eq!(contract("g"), "");
        assert_eq!(contract("n"), "E0305");
        assert_eq!(contract("h"), "E0306");
        assert_eq!(contract("[]"), "E0311");
    }
}
