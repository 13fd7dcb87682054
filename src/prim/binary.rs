//! Elementwise operations of two operands, which broadcast over the axes and the width that they lack.

use candle_core::Tensor;

use crate::ir::graph::ValueId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, tensor};

/// A row of the table of elementwise operations.
#[derive(Debug)]
pub struct Binary {
    /// Its name.
    pub name: &'static str,
    eval: fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>,
    /// Derivatives by both operands; none for conditions.
    vjp: Option<fn(&mut Vjp, ValueId) -> Result<[ValueId; 2], Fault>>,
}

/// Arithmetic, then comparison, then logic. Conditions are 0 or 1.
pub const BINARY: &[Binary] = &[
    Binary { name: "add", eval: |a, b| a.broadcast_add(b), vjp: Some(|_, g| Ok([g, g])) },
    Binary { name: "sub", eval: |a, b| a.broadcast_sub(b), vjp: Some(|at, g| Ok([g, make::unary(at.to, "neg", g)?])) },
    Binary { name: "mul", eval: |a, b| a.broadcast_mul(b), vjp: Some(mul_vjp) },
    Binary { name: "div", eval: |a, b| a.broadcast_div(b), vjp: Some(div_vjp) },
    Binary { name: "max", eval: |a, b| a.broadcast_maximum(b), vjp: Some(|at, g| pick_vjp(at, g, "ge")) },
    Binary { name: "min", eval: |a, b| a.broadcast_minimum(b), vjp: Some(|at, g| pick_vjp(at, g, "le")) },
    Binary { name: "eq", eval: |a, b| condition(a, a.broadcast_eq(b)), vjp: None },
    Binary { name: "ne", eval: |a, b| condition(a, a.broadcast_ne(b)), vjp: None },
    Binary { name: "lt", eval: |a, b| condition(a, a.broadcast_lt(b)), vjp: None },
    Binary { name: "le", eval: |a, b| condition(a, a.broadcast_le(b)), vjp: None },
    Binary { name: "gt", eval: |a, b| condition(a, a.broadcast_gt(b)), vjp: None },
    Binary { name: "ge", eval: |a, b| condition(a, a.broadcast_ge(b)), vjp: None },
    Binary { name: "and", eval: |a, b| a.broadcast_mul(b), vjp: None },
    Binary { name: "or", eval: |a, b| a.broadcast_maximum(b), vjp: None },
];

impl Op for Binary {
    fn name(&self) -> &'static str {
        self.name
    }

    /// (C1) Two operands. (C2) Their widths are equal, or one is 1. (C3) Their heights are equal, or
    /// one is 1 and both stand in the unit space: a row, or a single number, meets every row of a matrix. (C4) Numbers, except
    /// that `and` and `or` take conditions, and `eq` and `ne` also take ids of one vocabulary.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [a, b] = site.operands else {
            return Err(Fault::new(
                "E0310",
                format!("`{}` takes 2 operands, found {}", self.name, site.operands.len()),
            ));
        };
        if a.width != b.width && a.width != 1 && b.width != 1 {
            let title =
                format!("`{}` needs equal widths or a width of 1, found {} and {}", self.name, a.width, b.width);
            let way_out = "`concat(a, b)` puts them side by side; `linear(a, n)` changes a width";
            return Err(Fault::new("E0301", title).of(1).help(way_out));
        }
        let row_and_matrix = (a.height == 1 || b.height == 1) && a.space.is_unit() && b.space.is_unit();
        if a.height != b.height && !row_and_matrix {
            let title = format!("`{}` needs equal heights, found {} and {}", self.name, a.height, b.height);
            return Err(Fault::new("E0301", title).of(1));
        }
        let same_ids = a.elem == b.elem && !a.is_float() && matches!(self.name, "eq" | "ne");
        let logic = matches!(self.name, "and" | "or");
        for (i, ty) in [a, b].into_iter().enumerate() {
            let fits = if logic { ty.elem == Elem::Bool } else { ty.is_float() };
            if !same_ids && !fits {
                let wanted = if logic { "conditions" } else { "numbers" };
                let title = format!("`{}` takes {wanted}, found {}", self.name, site.show(ty));
                return Err(Fault::new("E0302", title).of(i));
            }
        }
        let elem = if self.vjp.is_none() { Elem::Bool } else { Elem::F32 };
        Ok(vec![Type { elem, space: site.united(), height: a.height.max(b.height), width: a.width.max(b.width) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.results[0].space;
        let result = (self.eval)(&call.spread(0, space)?, &call.spread(1, space)?)?;
        Ok(vec![tensor::own(result)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let (Some(vjp), Some(g)) = (self.vjp, at.cotangent()) else { return Ok(vec![None, None]) };
        let [a, b] = vjp(at, g)?;
        let mut results = vec![None, None];
        for (i, g) in [a, b].into_iter().enumerate() {
            if at.wanted[i] {
                results[i] = Some(at.sum_to_operand(i, g)?);
            }
        }
        Ok(results)
    }
}

fn condition(a: &Tensor, result: candle_core::Result<Tensor>) -> candle_core::Result<Tensor> {
    result?.to_dtype(tensor::float_of(a))
}

fn mul_vjp(at: &mut Vjp, g: ValueId) -> Result<[ValueId; 2], Fault> {
    let a = make::mul(at.to, g, at.operands[1])?;
    Ok([a, make::mul(at.to, g, at.operands[0])?])
}

/// `d(a/b) = da / b - db * (a/b) / b`.
fn div_vjp(at: &mut Vjp, g: ValueId) -> Result<[ValueId; 2], Fault> {
    let a = make::div(at.to, g, at.operands[1])?;
    let b = make::mul(at.to, a, at.results[0])?;
    Ok([a, make::unary(at.to, "neg", b)?])
}

/// The chosen operand gets the derivative; of equals, the first does.
fn pick_vjp(at: &mut Vjp, g: ValueId, first: &str) -> Result<[ValueId; 2], Fault> {
    let chosen = make::binary(at.to, first, at.operands[0], at.operands[1])?;
    let a = make::mul(at.to, g, chosen)?;
    Ok([a, make::sub(at.to, g, a)?])
}
