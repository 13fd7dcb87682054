//! The best elements of an axis by score.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::sum::reduced_space;
use super::{rule, tensor};

/// `top(score, c) {as, over}`, the condition optional: the places of the highest scores among the rows where `c` holds,
/// along the static axis `as`, and these scores. Of equal scores the first comes first. Where there are fewer rows than
/// `as` is long, the score is minus infinity and the place is 0.
#[derive(Debug)]
pub struct Top;

impl Op for Top {
    fn name(&self) -> &'static str {
        "top"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("as", AttrKind::Axis), ("over", AttrKind::Axis)]
    }

    /// (C1) One number a row, and a condition at will. (C2) It has `over`, and no axis under it. (C3) The condition has no
    /// axis that the scores lack. (C4) `as` is static, and not one of the scores.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, _) = rule::chosen(self.name(), site)?;
        let left = reduced_space(self.name(), site)?;
        if x.width != 1 || x.height != 1 {
            return Err(Fault::new("E0301", format!("`top` of {}, expected a width of 1", site.show(x))).of(0));
        }
        match (site.attrs.axis("over"), site.attrs.axis("as")) {
            (Some(over), Some(as_)) if is_static(site, as_) && !x.space.has(as_) => {
                let space = left.unite(&site.axes.close(&[as_]));
                Ok(vec![Type::index(over, space.clone()), Type::f32(space, 1)])
            }
            _ => Err(rule::bad_attribute(self.name(), "`as` is no static axis, or one that the scores have")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (Some(over), Some(as_)) = (call.attrs.axis("over"), call.attrs.axis("as")) else {
            candle_core::bail!("top: no axes")
        };
        let (from, to) = (&call.types[0].space, &call.results[0].space);
        let left = rule::left(call, from);
        let scores: Vec<f64> = tensor::to_doubles(&call.operands[0])?;
        let counts = match call.operands.len() {
            1 => vec![1.0; scores.len()],
            _ => tensor::to_doubles(&call.spread(1, from)?)?,
        };
        let mut groups: Vec<Vec<(f64, u32)>> = vec![Vec::new(); call.rows.count(&left)];
        let (map, elements) = (call.rows.map(from, &left), call.rows.element(from, over));
        for (row, &score) in scores.iter().enumerate().filter(|(row, _)| counts[*row] != 0.0) {
            groups[map[row] as usize].push((score, elements[row]));
        }
        for group in &mut groups {
            // A stable sort leaves equal scores in order of place; a NaN comes last.
            group.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())));
        }
        let (map, rank) = (call.rows.map(to, &left), call.rows.element(to, as_));
        let best =
            map.iter().zip(rank.iter()).map(|(&group, &rank)| groups[group as usize].get(rank as usize).copied());
        let (scores, places): (Vec<f64>, Vec<u32>) = best.map(|best| best.unwrap_or((f64::NEG_INFINITY, 0))).unzip();
        let scores = Tensor::from_vec(scores, call.shape(1), call.device)?.to_dtype(call.operands[0].dtype())?;
        Ok(vec![Tensor::from_vec(places, call.shape(0), call.device)?, scores])
    }

    /// Places have no derivative, and silence about that of the scores would train nothing.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`top` has no derivative").help("gather the values at its places"))
    }
}

fn is_static(site: &Site, axis: crate::ir::axis::AxisId) -> bool {
    matches!(site.axes.get(axis).kind, AxisKind::Static { .. })
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, refused, value};

    const TOP: &str = "
        axis h: ragged of B
        axis best: static(2)
        input %x: f32[B, h, 1]
        input %c: bool[B, h] = feature(c) along h
        %places: index<h>[B, best], %scores: f32[B, best, 1] = top(%x, %c) {as: best, over: h}
        %again: f32[B, best, 1] = gather(%x, %places)";

    #[test]
    fn the_best_come_first_and_equal_ones_in_order() {
        let batch = Batch::of(2).axis("h", &[0, 4, 6]);
        let batch = batch.with("x", &[1.0, 5.0, 9.0, 5.0, 2.0, 3.0]).with("c", &[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(value(&graph(TOP), &batch, "places"), [1.0, 3.0, 5.0, 4.0]);
        assert_eq!(value(&graph(TOP), &batch, "scores"), [5.0, 5.0, 3.0, 2.0]);
        assert_eq!(value(&graph(TOP), &batch, "again"), [5.0, 5.0, 3.0, 2.0]);
    }

    #[test]
    fn too_few_elements_are_minus_infinity() {
        let batch = Batch::of(1).axis("h", &[0, 2]).with("x", &[f64::NAN, 7.0]).with("c", &[0.0, 1.0]);
        assert_eq!(value(&graph(TOP), &batch, "places"), [1.0, 0.0]);
        assert_eq!(value(&graph(TOP), &batch, "scores"), [7.0, f64::NEG_INFINITY]);
        let batch = batch.with("c", &[1.0, 1.0]);
        assert_eq!(value(&graph(TOP), &batch, "places"), [1.0, 0.0]);
    }

    #[test]
    fn the_result_is_as_long_as_a_static_axis() {
        assert_eq!(refused(&TOP.replace("axis best: static(2)", "axis best: ragged of B")), "E0311");
        assert_eq!(refused(&TOP.replace("%x: f32[B, h, 1]", "%x: f32[B, h, 2]")), "E0301");
    }
}
