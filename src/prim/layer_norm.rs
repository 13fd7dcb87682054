//! Layer normalisation (Ba et al. 2016): each row has mean 0 and variance 1 over its width, then a learned scale and shift.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Space, Type};

use super::{make, rule, tensor};

/// `layer_norm(x, scale, shift) {eps}`: `(x - mean) / sqrt(variance + eps) * scale + shift`, the variance biased.
#[derive(Debug)]
pub struct LayerNorm;

/// `layer_norm_grad(g, x, scale) {eps}`: the derivative by `x`.
#[derive(Debug)]
pub struct LayerNormGrad;

/// `layer_norm_scale_grad(g, x) {eps}`: the derivative by `scale`, the sum of `g` times the normalised rows. It is an
/// operation of its own because it leaves the samples, and that by `x` does not.
#[derive(Debug)]
pub struct LayerNormScaleGrad;

const ATTRIBUTES: &[Declared] = &[("eps", AttrKind::Float)];

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Three operands of numbers. (C2) The first has a height of 1. (C3) The others are one row of the unit space, as
    /// wide as the first.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, ..] = rule::operands::<3>(self.name(), site)?;
        rows_of(self.name(), site, 0, x)?;
        row_of(self.name(), site, 1, x)?;
        row_of(self.name(), site, 2, x)?;
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (normal, _) = normalised(&call.operands[0], call.attrs.float("eps"))?;
        Ok(vec![tensor::own(normal.broadcast_mul(&call.operands[1])?.broadcast_add(&call.operands[2])?)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None, None, None]) };
        let mut results = vec![None; 3];
        let (x, scale, eps) = (at.operands[0], at.operands[1], at.attrs.float("eps"));
        if at.wanted[0] {
            results[0] = Some(make::layer_norm_grad(at.to, g, x, scale, eps)?);
        }
        if at.wanted[1] {
            results[1] = Some(make::layer_norm_scale_grad(at.to, g, x, eps)?);
        }
        if at.wanted[2] {
            results[2] = Some(make::sum_rows(at.to, g)?);
        }
        Ok(results)
    }
}

impl Op for LayerNormGrad {
    fn name(&self) -> &'static str {
        "layer_norm_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Three operands of numbers. (C2) The first two have one space and width, and a height of 1. (C3) The third is
    /// one row of the unit space, as wide.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [g, x, _] = rule::operands(self.name(), site)?;
        rows_of(self.name(), site, 0, x)?;
        rows_of(self.name(), site, 1, g)?;
        row_of(self.name(), site, 2, x)?;
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let [g, x, scale] = call.operands else { candle_core::bail!("layer_norm_grad: wrong operands") };
        let (normal, spread) = normalised(x, call.attrs.float("eps"))?;
        let scaled = g.broadcast_mul(scale)?;
        let along = (&scaled * &normal)?.mean_keepdim(1)?;
        let rest = scaled.broadcast_sub(&scaled.mean_keepdim(1)?)?;
        let dx = (rest - normal.broadcast_mul(&along)?)?.broadcast_div(&spread)?;
        Ok(vec![tensor::own(dx)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`layer_norm_grad` has no derivative"))
    }
}

impl Op for LayerNormScaleGrad {
    fn name(&self) -> &'static str {
        "layer_norm_scale_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Two operands of numbers, of one space and width, and a height of 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [_, x] = rule::operands(self.name(), site)?;
        rows_of(self.name(), site, 0, x)?;
        rows_of(self.name(), site, 1, x)?;
        Ok(vec![Type::f32(Space::unit(), x.width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (normal, _) = normalised(&call.operands[1], call.attrs.float("eps"))?;
        Ok(vec![(&call.operands[0] * normal)?.sum_keepdim(0)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`layer_norm_scale_grad` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}

fn rows_of(name: &str, site: &Site, i: usize, like: &Type) -> Result<(), Fault> {
    rule::numbers(name, site, i)?;
    let ty = site.operands[i];
    if ty.height != 1 || ty.space != like.space || ty.width != like.width {
        let title = format!("`{name}` of {} and {}", site.show(ty), site.show(like));
        return Err(Fault::new("E0301", title).of(i));
    }
    Ok(())
}

fn row_of(name: &str, site: &Site, i: usize, like: &Type) -> Result<(), Fault> {
    rule::numbers(name, site, i)?;
    let ty = site.operands[i];
    if ty.height != 1 || !ty.space.is_unit() || ty.width != like.width {
        let title = format!("`{name}` needs a row of width {}, found {}", like.width, site.show(ty));
        return Err(Fault::new("E0301", title).of(i));
    }
    Ok(())
}

/// Rows of mean 0 and variance 1, and what each was divided by.
fn normalised(x: &Tensor, eps: f64) -> candle_core::Result<(Tensor, Tensor)> {
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let spread = (centred.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?;
    Ok((centred.broadcast_div(&spread)?, spread))
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, check_derivatives, graph, refused, some, value};

    const NORM: &str = "
        axis h: ragged of B
        input %x: f32[B, h, 3]
        param @scale: f32[3] = 1
        param @shift: f32[3] = 0
        %y: f32[B, h, 3] = layer_norm(%x, @scale, @shift) {eps: 0.5}";

    #[test]
    fn each_row_is_normalised_by_itself() {
        let batch = Batch::of(2).axis("h", &[0, 1, 1]).with("x", &[1.0, 2.0, 6.0]);
        let batch = batch.with("@scale", &[2.0, 2.0, 1.0]).with("@shift", &[0.0, 1.0, 0.0]);
        // Mean 3, variance 14/3; with eps the root of 31/6.
        let root = (31.0f64 / 6.0).sqrt();
        let expected = [-4.0 / root, -2.0 / root + 1.0, 3.0 / root];
        for (found, expected) in value(&graph(NORM), &batch, "y").iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12);
        }
        let batch = Batch::of(2).axis("h", &[0, 1, 3]).with("x", &some(9, 0)).with("@scale", &some(3, 9));
        check_derivatives(&graph(NORM), &batch.with("@shift", &some(3, 12)), &["y"], &["x", "@scale", "@shift"]);
    }

    #[test]
    fn a_scale_of_another_width_is_refused() {
        assert_eq!(refused(&NORM.replace("@scale: f32[3]", "@scale: f32[2]")), "E0301");
        assert_eq!(refused(&NORM.replace("%x: f32[B, h, 3]", "%x: id<movie>[B, h]")), "E0302");
    }
}
