//! A linear layer whose matrix varies with a value of fewer rows: `x w + (q x) v` with a query `q` per sample and a key `x` per
//! event. Half the arithmetic of two layers, since a matrix per sample is made once for all its events.
//! No spec names it: a pass finds it in layers over a value and its product with another.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::linear::product;
use super::{make, rule, tensor};

/// `scaled_linear(x, q, w, v, b)`: `x (w + diag(q) v) + b`, the bias optional, as that of `linear`.
#[derive(Debug)]
pub struct ScaledLinear;

/// `linear_scaled(x, q, w, v)`: `x (w + v diag(q))`: the derivative by `x`, of transposed matrices.
#[derive(Debug)]
pub struct LinearScaled;

impl Op for ScaledLinear {
    fn name(&self) -> &'static str {
        "scaled_linear"
    }

    /// (C1) Numbers; `x` of height 1. (C2) `w` and `v` are matrices of one shape in the unit space, whose height is the width
    /// of `x`. (C3) `q` is as wide as `x`, and its axes are the first of those of `x`, so that rows of one matrix stand
    /// together. (C4) `b`, if there, is as wide as `w` and has no axis that `x` lacks.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, q, w, v] = match site.operands {
            [x, q, w, v] | [x, q, w, v, _] => [*x, *q, *w, *v],
            other => {
                let title = format!("`scaled_linear` takes 4 or 5 operands, found {}", other.len());
                return Err(Fault::new("E0310", title));
            }
        };
        matrices(self.name(), site, [x, q, w, v], x.width)?;
        if let Some(&b) = site.operands.get(4)
            && (!b.is_float() || b.height != 1 || b.width != w.width || !x.space.covers(&b.space))
        {
            let title = format!("`scaled_linear` of {} by a bias {}", site.show(x), site.show(b));
            return Err(Fault::new("E0301", title).of(4));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.with_width(w.width) }])
    }

    /// The reference makes two layers.
    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let [x, _, w, v, ..] = call.operands else { candle_core::bail!("scaled_linear: wrong operands") };
        let space = &call.types[0].space;
        let scaled = (x * call.spread(1, space)?)?;
        let mut y = (product(x, w)? + product(&scaled, v)?)?;
        if call.operands.len() > 4 {
            y = tensor::own(y.broadcast_add(&call.spread(4, space)?)?)?;
        }
        Ok(vec![y])
    }

    /// All derivatives but that by `x` come from the sums of `x^T g` over the rows of each matrix.
    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let Some(g) = at.cotangent() else { return Ok(results) };
        let [x, q, w, v, ..] = *at.operands else { return Ok(results) };
        if at.wanted[0] {
            let (w, v) = (make::transpose(at.to, w)?, make::transpose(at.to, v)?);
            results[0] = Some(make::linear_scaled(at.to, g, q, [w, v])?);
        }
        if at.wanted[1] || at.wanted[2] || at.wanted[3] {
            let over = at.to.ty(x).space.beyond(&at.to.ty(q).space);
            let sums = make::outer_by(at.to, x, g, over)?;
            if at.wanted[1] {
                results[1] = Some(make::matrix_dot(at.to, sums, v)?);
            }
            if at.wanted[2] || at.wanted[3] {
                [results[2], results[3]] = make::scaled_sums(at.to, sums, q)?.map(Some);
            }
        }
        if at.wanted.get(4) == Some(&true) {
            results[4] = Some(at.sum_to_operand(4, g)?);
        }
        Ok(results)
    }
}

impl Op for LinearScaled {
    fn name(&self) -> &'static str {
        "linear_scaled"
    }

    /// (C1) to (C3) of `scaled_linear`, but `q` is as wide as the result.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, q, w, v] = rule::operands(self.name(), site)?;
        matrices(self.name(), site, [x, q, w, v], w.width)?;
        Ok(vec![Type { elem: Elem::F32, ..x.with_width(w.width) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let [x, _, w, v] = call.operands else { candle_core::bail!("linear_scaled: wrong operands") };
        let scaled = (product(x, v)? * call.spread(1, &call.types[0].space)?)?;
        Ok(vec![(product(x, w)? + scaled)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`linear_scaled` has no derivative"))
    }
}

fn matrices(name: &str, site: &Site, [x, q, w, v]: [&Type; 4], scale: u32) -> Result<(), Fault> {
    for i in 0..4 {
        rule::numbers(name, site, i)?;
    }
    if !w.space.is_unit() || w.height != x.width || x.height != 1 {
        let title =
            format!("`{name}` of {} needs a matrix of height {}, found {}", site.show(x), x.width, site.show(w));
        return Err(Fault::new("E0301", title).of(2));
    }
    if (&v.space, v.height, v.width) != (&w.space, w.height, w.width) {
        return Err(Fault::new("E0301", format!("`{name}` by {} and {}", site.show(w), site.show(v))).of(3));
    }
    if q.height != 1 || q.width != scale || !x.space.axes().starts_with(q.space.axes()) {
        return Err(Fault::new("E0301", format!("`{name}` of {} by {}", site.show(x), site.show(q))).of(1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const LAYER: &str = "
        axis h: ragged of B
        input %q: f32[B, 2]
        input %x: f32[B, h, 2]
        input %b: f32[B, 2]
        param @w: f32[2 x 2] = glorot
        param @v: f32[2 x 2] = glorot
        %y: f32[B, h, 2] = scaled_linear(%x, %q, @w, @v, %b)";

    #[test]
    fn every_sample_has_a_matrix_of_its_own() {
        let batch = Batch::of(2).axis("h", &[0, 1, 2]).with("q", &[2.0, 3.0, 0.0, 1.0]);
        let batch = batch.with("x", &[1.0, 10.0, 1.0, 10.0]).with("b", &[0.0, 0.0, 100.0, 200.0]);
        let batch = batch.with("@w", &[1.0, 0.0, 0.0, 1.0]).with("@v", &[1.0, 1.0, 0.0, 2.0]);
        // w + diag(2, 3) v = [3 2; 0 7]; w + diag(0, 1) v = [1 0; 0 3].
        assert_eq!(value(&graph(LAYER), &batch, "y"), [3.0, 72.0, 101.0, 230.0]);
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 5]).with("q", &some(6, 0)).with("x", &some(10, 6));
        let batch = batch.with("b", &some(6, 16)).with("@w", &some(4, 22)).with("@v", &some(4, 26));
        check_derivatives(&graph(LAYER), &batch, &["y"], &["x", "q", "b", "@w", "@v"]);
    }

    #[test]
    fn rows_of_a_matrix_stand_together() {
        let axes = "axis h: ragged of B axis s: ragged of B param @w: f32[2 x 3] = glorot input %x: f32[B, h, s, 2]";
        let layer = |q: &str| format!("{axes} input %q: {q} %y: f32[B, h, s, 3] = scaled_linear(%x, %q, @w, @w)");
        assert_eq!(refused(&layer("f32[B, h, 2]")), "");
        assert_eq!(refused(&layer("f32[B, s, 2]")), "E0301");
        assert_eq!(refused(&layer("f32[B, 3]")), "E0301");
    }
}
