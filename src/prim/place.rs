//! The place of each element under its parent, as an index of learned positions.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::{moves, rule};

/// `place {axis, from_end, to}`: the number of each element of `axis`, the first (from the end: the last) being 0, as a
/// place of the static axis `to`.
#[derive(Debug)]
pub struct Place;

impl Op for Place {
    fn name(&self) -> &'static str {
        "place"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("axis", AttrKind::Axis), ("from_end", AttrKind::Bool), ("to", AttrKind::Axis)]
    }

    /// (C1) No operands. (C2) `to` is static and at least as long as `axis` can be.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [] = rule::operands(self.name(), site)?;
        let (Some(axis), Some(to)) = (site.attrs.axis("axis"), site.attrs.axis("to")) else {
            return Err(rule::bad_attribute(self.name(), "two axes are needed"));
        };
        let (own, other) = (site.axes.get(axis), site.axes.get(to));
        match (&other.kind, site.axes.bound(axis)) {
            (AxisKind::Static { len }, Some(bound)) if bound <= *len => {
                Ok(vec![Type::index(to, site.axes.close(&[axis]))])
            }
            (AxisKind::Static { len }, Some(bound)) => {
                let fact = format!("`{}` has up to {bound} elements, `{}` only {len}", own.name, other.name);
                Err(rule::bad_attribute(self.name(), fact))
            }
            (AxisKind::Static { .. }, None) => {
                let fault = rule::bad_attribute(self.name(), format!("axis `{}` has no bound", own.name));
                Err(fault.help("`last` or `max` bounds an axis"))
            }
            _ => Err(rule::bad_attribute(self.name(), format!("axis `{}` is not static", other.name))),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(axis) = call.attrs.axis("axis") else { candle_core::bail!("place: no axis") };
        let (space, offsets) = (&call.results[0].space, call.rows.offsets(axis));
        let (elements, parents) = (call.rows.element(space, axis), moves::parents(call.rows, space, axis));
        let from_end = call.attrs.flag("from_end");
        let places = elements.iter().zip(parents.iter()).map(|(&own, &parent)| match from_end {
            true => offsets[parent as usize + 1] - 1 - own,
            false => own - offsets[parent as usize],
        });
        Ok(vec![Tensor::from_vec(places.collect::<Vec<u32>>(), call.shape(0), call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const POSITIONS: &str = "
        axis h: ragged(3) of B
        axis s: append of h
        axis n: static(4)
        param @position: f32[n, 2] = truncated_normal(0.02)
        %newest: index<n>[B, s] = place() {axis: s, from_end: true, to: n}
        %oldest: index<n>[B, h] = place() {axis: h, from_end: false, to: n}
        %e: f32[B, s, 2] = gather(@position, %newest)";

    #[test]
    fn places_count_from_either_end() {
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 5]).with("@position", &some(8, 0));
        assert_eq!(value(&graph(POSITIONS), &batch, "newest"), [2.0, 1.0, 0.0, 0.0, 3.0, 2.0, 1.0, 0.0]);
        assert_eq!(value(&graph(POSITIONS), &batch, "oldest"), [0.0, 1.0, 0.0, 1.0, 2.0]);
        check_derivatives(&graph(POSITIONS), &batch, &["e"], &["@position"]);
    }

    #[test]
    fn an_axis_that_may_be_longer_than_the_positions_is_refused() {
        let place =
            |axes: &str| refused(&format!("{axes} %p: index<n>[B, h] = place() {{axis: h, from_end: true, to: n}}"));
        assert_eq!(place("axis h: ragged(4) of B axis n: static(4)"), "");
        assert_eq!(place("axis h: ragged(5) of B axis n: static(4)"), "E0311");
        assert_eq!(place("axis h: ragged of B axis n: static(4)"), "E0311");
        assert_eq!(place("axis h: ragged(4) of B axis n: ragged(4) of B"), "E0311");
    }
}
