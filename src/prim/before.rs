//! How the places of two axes with one parent stand to each other: what makes attention causal.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::{moves, rule};

/// `before {first, second, strict}`: whether the place of `first` under their parent comes before that of `second`, or,
/// if not strict, is the same.
#[derive(Debug)]
pub struct Before;

/// `same {first, second}`: whether the places are the same.
#[derive(Debug)]
pub struct Same;

impl Op for Before {
    fn name(&self) -> &'static str {
        "before"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("first", AttrKind::Axis), ("second", AttrKind::Axis), ("strict", AttrKind::Bool)]
    }

    /// (C1) No operands. (C2) Two axes with the same parent.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        pairs(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let strict = call.attrs.flag("strict");
        compare(call, |first, second| if strict { first < second } else { first <= second })
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }

    fn couples_samples(&self, site: &Site) -> bool {
        compares_samples(site)
    }
}

impl Op for Same {
    fn name(&self) -> &'static str {
        "same"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("first", AttrKind::Axis), ("second", AttrKind::Axis)]
    }

    /// (C1) No operands. (C2) Two axes with the same parent.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        pairs(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        compare(call, |first, second| first == second)
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }

    fn couples_samples(&self, site: &Site) -> bool {
        compares_samples(site)
    }
}

fn pairs(name: &str, site: &Site) -> Result<Vec<Type>, Fault> {
    let [] = rule::operands(name, site)?;
    let (Some(first), Some(second)) = (site.attrs.axis("first"), site.attrs.axis("second")) else {
        return Err(rule::bad_attribute(name, "two axes are needed"));
    };
    if first == second || site.axes.get(first).parent != site.axes.get(second).parent {
        let (first, second) = (&site.axes.get(first).name, &site.axes.get(second).name);
        return Err(rule::bad_attribute(name, format!("`{first}` and `{second}` are not two axes under one parent")));
    }
    Ok(vec![Type::bool(site.axes.close(&[first, second]))])
}

fn compare(call: &Call, holds: impl Fn(u32, u32) -> bool) -> candle_core::Result<Vec<Tensor>> {
    let (Some(first), Some(second)) = (call.attrs.axis("first"), call.attrs.axis("second")) else {
        candle_core::bail!("no axes to compare")
    };
    let (first, second) = (places(call, first), places(call, second));
    let truth: Vec<f32> = first.iter().zip(&second).map(|(&a, &b)| if holds(a, b) { 1.0 } else { 0.0 }).collect();
    Ok(vec![Tensor::from_vec(truth, call.shape(0), call.device)?])
}

/// The place under its parent of the element of `axis` that each row of the result stands at.
fn places(call: &Call, axis: AxisId) -> Vec<u32> {
    let (space, offsets) = (&call.results[0].space, call.rows.offsets(axis));
    let (elements, parents) = (call.rows.element(space, axis), moves::parents(call.rows, space, axis));
    elements.iter().zip(parents.iter()).map(|(&own, &parent)| own - offsets[parent as usize]).collect()
}

fn compares_samples(site: &Site) -> bool {
    let is_batch = |name| site.attrs.axis(name).is_some_and(|axis| matches!(site.axes.get(axis).kind, AxisKind::Batch));
    is_batch("first") || is_batch("second")
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, refused, value};

    #[test]
    fn places_are_counted_within_the_sample() {
        let lines = "
            axis h: ragged of B
            axis p: twin of h
            %causal: bool[B, h, p] = before() {first: p, second: h, strict: false}
            %past: bool[B, h, p] = before() {first: p, second: h, strict: true}
            %self: bool[B, h, p] = same() {first: p, second: h}";
        let batch = Batch::of(2).axis("h", &[0, 2, 3]);
        assert_eq!(value(&graph(lines), &batch, "causal"), [1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(value(&graph(lines), &batch, "past"), [0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(value(&graph(lines), &batch, "self"), [1.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn samples_compare_with_their_twins() {
        let lines = "axis other: twin of B %own: bool[B, other] = same() {first: B, second: other}";
        assert_eq!(value(&graph(lines), &Batch::of(2), "own"), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn axes_of_two_parents_do_not_compare() {
        let axes = "axis h: ragged of B axis g: ragged of h";
        assert_eq!(refused(&format!("{axes} %c: bool[B, h, g] = same() {{first: h, second: g}}")), "E0311");
        assert_eq!(refused(&format!("{axes} %c: bool[B, h] = same() {{first: h, second: h}}")), "E0311");
    }
}
