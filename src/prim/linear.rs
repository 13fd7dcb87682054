//! The linear layer over the width, whatever the axes: one matrix product.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, tensor};

/// `linear(x, w, b)`: `x w + b`, the bias optional. It is one row for all, or, like a part of the layer that was computed
/// once per sample, has rows of its own.
#[derive(Debug)]
pub struct Linear;

/// `outer_sum(x, g)`: the sum over all rows of `x^T g`, a matrix.
#[derive(Debug)]
pub struct OuterSum;

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    /// (C1) Numbers. (C2) `w` is a matrix in the unit space whose height is the width of `x`. (C3) `b`, if there, is as wide
    /// as `w`, of height 1, and has no axis that `x` lacks.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, w, b) = match site.operands {
            [x, w] => (x, w, None),
            [x, w, b] => (x, w, Some(b)),
            other => return Err(Fault::new("E0310", format!("`linear` takes 2 or 3 operands, found {}", other.len()))),
        };
        if let Some(i) = site.operands.iter().position(|ty| !ty.is_float()) {
            let title = format!("`linear` takes numbers, found {}", site.show(site.operands[i]));
            return Err(Fault::new("E0302", title).of(i).help("an id becomes numbers by its table"));
        }
        if !w.space.is_unit() || w.height != x.width {
            let title = format!("`linear` needs a matrix of height {}, found {}", x.width, site.show(w));
            return Err(Fault::new("E0301", title).of(1));
        }
        if let Some(b) = b
            && (!x.space.covers(&b.space) || b.height != 1 || b.width != w.width)
        {
            let title =
                format!("`linear` of {} needs a bias of width {}, found {}", site.show(x), w.width, site.show(b));
            return Err(Fault::new("E0301", title).of(2));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.with_width(w.width) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let y = product(&call.operands[0], &call.operands[1])?;
        match call.types.get(2) {
            Some(b) if b.space.is_unit() => Ok(vec![tensor::own(y.broadcast_add(&call.operands[2])?)?]),
            Some(_) => Ok(vec![(y + call.spread(2, &call.results[0].space)?)?]),
            None => Ok(vec![y]),
        }
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let Some(g) = at.cotangent() else { return Ok(results) };
        if at.wanted[0] {
            let w = make::transpose(at.to, at.operands[1])?;
            results[0] = Some(make::linear(at.to, g, w, None)?);
        }
        if at.wanted[1] {
            results[1] = Some(make::outer_sum(at.to, at.operands[0], g)?);
        }
        if at.wanted.get(2) == Some(&true) {
            results[2] = Some(at.sum_to_operand(2, g)?);
        }
        Ok(results)
    }
}

impl Op for OuterSum {
    fn name(&self) -> &'static str {
        "outer_sum"
    }

    /// (C1) Two operands of numbers. (C2) Same space and height.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, g] = site.operands else {
            return Err(Fault::new("E0310", format!("`outer_sum` takes 2 operands, found {}", site.operands.len())));
        };
        if !x.is_float() || !g.is_float() || x.space != g.space || x.height != g.height {
            let title = format!("`outer_sum` needs numbers of one space, found {} and {}", site.show(x), site.show(g));
            return Err(Fault::new("E0302", title).of(1));
        }
        Ok(vec![Type::matrix(x.width, g.width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![product(&call.operands[0].t()?.contiguous()?, &call.operands[1])?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(h) = at.cotangent() else { return Ok(vec![None, None]) };
        let mut results = vec![None, None];
        if at.wanted[0] {
            let transposed = make::transpose(at.to, h)?;
            results[0] = Some(make::linear(at.to, at.operands[1], transposed, None)?);
        }
        if at.wanted[1] {
            results[1] = Some(make::linear(at.to, at.operands[0], h, None)?);
        }
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}

/// A matrix product that also stands for no rows and for an empty sum.
pub(super) fn product(a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
    let ((m, k), n) = (a.dims2()?, b.dim(1)?);
    if m == 0 || n == 0 || k == 0 { Tensor::zeros((m, n), a.dtype(), a.device()) } else { a.matmul(b) }
}
