//! The same values along a second copy of an axis: what makes self-attention a space of pairs.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::{make, moves, rule};

/// `twin(x) {of, as}`: `x` along `as` in place of `of`, where one of the two is the twin of the other.
#[derive(Debug)]
pub struct Twin;

impl Op for Twin {
    fn name(&self) -> &'static str {
        "twin"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("as", AttrKind::Axis), ("of", AttrKind::Axis)]
    }

    /// (C1) One operand. (C2) `as` is the twin of `of`, or `of` of `as`. (C3) The operand has `of` and not `as`. (C4) No
    /// axis of it stands under `of`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        let (of, as_) = moves::pair(self.name(), site, |kind, of| match (kind, site.attrs.axis("as")) {
            (AxisKind::Twin { of: first }, _) if *first == of => true,
            (_, Some(as_)) => site.axes.get(of).kind == AxisKind::Twin { of: as_ },
            _ => false,
        })?;
        Ok(vec![x.with_space(moves::exchanged(self.name(), site, x, of, as_)?)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (Some(of), Some(as_)) = (call.attrs.axis("of"), call.attrs.axis("as")) else {
            candle_core::bail!("twin: no axes")
        };
        // The elements of a twin have the numbers of those that they are twins of.
        let rows = moves::source_rows(call.rows, &call.results[0].space, &call.types[0].space, (of, as_), |own| own);
        Ok(vec![moves::pick(&call.operands[0], &rows)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(g), Some(of), Some(as_)) = (at.cotangent(), at.attrs.axis("of"), at.attrs.axis("as")) else {
            return Ok(vec![None]);
        };
        Ok(vec![Some(make::twin(at.to, g, as_, of)?)])
    }

    /// Along a second copy of the samples, a row of one sample meets those of all others.
    fn couples_samples(&self, site: &Site) -> bool {
        site.attrs.axis("of").is_some_and(|of| matches!(site.axes.get(of).kind, AxisKind::Batch))
    }
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const TWIN: &str = "
        axis h: ragged of B
        axis p: twin of h
        input %x: f32[B, h, 1]
        %y: f32[B, p, 1] = twin(%x) {as: p, of: h}
        %pairs: f32[B, h, p, 1] = mul(%x, %y)";

    #[test]
    fn every_event_meets_every_event_of_its_sample() {
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 3]).with("x", &[2.0, 3.0, 5.0]);
        assert_eq!(value(&graph(TWIN), &batch, "pairs"), [4.0, 6.0, 6.0, 9.0, 25.0]);
        let batch = Batch { values: [("x".to_owned(), some(3, 0))].into(), ..batch };
        check_derivatives(&graph(TWIN), &batch, &["pairs"], &["x"]);
    }

    #[test]
    fn a_twin_of_an_axis_that_is_inside_keeps_the_others() {
        let lines = "
            axis s: ragged of B
            axis h: ragged of B
            axis p: twin of s
            input %x: f32[B, s, h, 2]
            %y: f32[B, h, p, 2] = twin(%x) {as: p, of: s}";
        let batch = Batch::of(2).axis("s", &[0, 2, 3]).axis("h", &[0, 2, 3]);
        let batch = batch.with("x", &[0.0, 0.1, 1.0, 1.1, 2.0, 2.1, 3.0, 3.1, 4.0, 4.1]);
        // Rows (s, h) = (0, 0), (0, 1), (1, 0), (1, 1) become (h, p) = (0, 0), (0, 1), (1, 0), (1, 1).
        assert_eq!(value(&graph(lines), &batch, "y"), [0.0, 0.1, 2.0, 2.1, 1.0, 1.1, 3.0, 3.1, 4.0, 4.1]);
        check_derivatives(&graph(lines), &batch, &["y"], &["x"]);
    }

    #[test]
    fn what_is_no_twin_is_refused() {
        let axes = "axis h: ragged of B axis g: ragged of h axis p: twin of h axis q: twin of h";
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, 1] %y: f32[B, p, 1] = twin(%x) {{as: p, of: h}}")),
            "E0305"
        );
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, h, 1] %y: f32[B, p, 1] = twin(%x) {{as: g, of: h}}")),
            "E0311"
        );
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, p, 1] %y: f32[B, q, 1] = twin(%x) {{as: q, of: p}}")),
            "E0311"
        );
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, h, p, 1] %y: f32[B, p, 1] = twin(%x) {{as: p, of: h}}")),
            "E0305"
        );
        assert_eq!(
            refused(&format!("{axes} input %x: f32[B, h, g, 1] %y: f32[B, p, 1] = twin(%x) {{as: p, of: h}}")),
            "E0306"
        );
    }
}
