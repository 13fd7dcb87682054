//! Products `x^T g` summed by a space between that of the rows and the unit space: a matrix per sample, its rows one behind
//! the other. What the derivatives of a layer whose matrix varies with the sample are made of.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{rule, tensor};

/// `outer_by(x, g) {over}`: the sum of `x^T g` over some axes.
#[derive(Debug)]
pub struct OuterBy;

/// `matrix_dot(m, v)`: the inner product of each row of `v` with that row of the matrix in each row of `m`.
#[derive(Debug)]
pub struct MatrixDot;

/// `scaled_sums(m, q)`: the sum over all rows of the matrix in each row of `m`, and of `diag(q)` times it.
#[derive(Debug)]
pub struct ScaledSums;

impl Op for OuterBy {
    fn name(&self) -> &'static str {
        "outer_by"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("over", AttrKind::Axes)]
    }

    /// (C1) Two operands of numbers, of one space and height 1. (C2) They have every axis of `over`. (C3) No axis that stays
    /// stands under one that goes. (C4) Some axis stays: `outer_sum` is the sum over all.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, g] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if x.space != g.space || x.height != 1 || g.height != 1 {
            return Err(Fault::new("E0302", format!("`outer_by` of {} and {}", site.show(x), site.show(g))).of(1));
        }
        let space = rule::space_without(self.name(), site, x)?;
        if space.is_unit() {
            return Err(rule::bad_attribute(self.name(), "an axis has to stay"));
        }
        Ok(vec![Type { elem: Elem::F32, space, height: 1, width: x.width * g.width }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (rows, width) = call.shape(0);
        let map = call.rows.map(&call.types[0].space, &call.results[0].space);
        let [x, g] = [0, 1].map(|i| tensor::by_group(&call.operands[i], &map, rows, 0.0));
        let (x, g) = (x?.transpose(1, 2)?.contiguous()?, g?);
        if x.elem_count() == 0 || g.elem_count() == 0 {
            return Ok(vec![Tensor::zeros((rows, width), x.dtype(), x.device())?]);
        }
        Ok(vec![x.matmul(&g)?.reshape((rows, width))?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`outer_by` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

impl Op for MatrixDot {
    fn name(&self) -> &'static str {
        "matrix_dot"
    }

    /// (C1) Numbers. (C2) `v` is a matrix of the unit space with as many entries as `m` is wide.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [m, v] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if m.height != 1 || !v.space.is_unit() || v.height * v.width != m.width {
            return Err(Fault::new("E0301", format!("`matrix_dot` of {} and {}", site.show(m), site.show(v))).of(1));
        }
        Ok(vec![Type { elem: Elem::F32, ..m.with_width(v.height) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (rows, height) = call.shape(0);
        let [m, v] = call.operands else { candle_core::bail!("matrix_dot: wrong operands") };
        let products = m.reshape((rows, height, v.dim(1)?))?.broadcast_mul(v)?;
        Ok(vec![tensor::own(products.sum(2)?)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`matrix_dot` has no derivative"))
    }
}

impl Op for ScaledSums {
    fn name(&self) -> &'static str {
        "scaled_sums"
    }

    /// (C1) Two operands of numbers, of one space and height 1. (C2) The width of `q` divides that of `m`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [m, q] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if m.space != q.space || m.height != 1 || q.height != 1 || q.width == 0 || !m.width.is_multiple_of(q.width) {
            return Err(Fault::new("E0301", format!("`scaled_sums` of {} and {}", site.show(m), site.show(q))).of(1));
        }
        let matrix = Type::matrix(q.width, m.width / q.width);
        Ok(vec![matrix.clone(), matrix])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (height, width) = call.shape(0);
        let [m, q] = call.operands else { candle_core::bail!("scaled_sums: wrong operands") };
        let m = m.reshape((m.dim(0)?, height, width))?;
        let scaled = m.broadcast_mul(&q.reshape((q.dim(0)?, height, 1))?)?;
        Ok(vec![tensor::own(m.sum(0)?)?, tensor::own(scaled.sum(0)?)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`scaled_sums` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}
