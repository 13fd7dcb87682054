//! How many rows there are: what a mean divides by.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Space, Type};

use super::rule;

/// `count {of, over}`: for each row of the space `of` without `over`, how many rows of `of` it has; 0 for none.
#[derive(Debug)]
pub struct Count;

impl Op for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("of", AttrKind::Axes), ("over", AttrKind::Axes)]
    }

    /// (C1) No operands. (C2) `of` has every axis of `over`. (C3) No axis that stays stands under one that goes.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [] = rule::operands(self.name(), site)?;
        let (of, over) = (of(site), site.attrs.axes("over"));
        if !over.iter().all(|&axis| of.has(axis)) {
            return Err(Fault::new("E0305", "`count` over an axis that the space lacks"));
        }
        let space = site.axes.without(&of, over).map_err(|child| {
            let child = &site.axes.get(child).name;
            Fault::new("E0306", format!("`count` over an axis that `{child}` stands under"))
        })?;
        Ok(vec![Type::f32(space, 1)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let of = call.rows.axes().close(call.attrs.axes("of"));
        let (rows, _) = call.shape(0);
        let mut counts = vec![0f32; rows];
        for &row in call.rows.map(&of, &call.results[0].space).iter() {
            counts[row as usize] += 1.0;
        }
        Ok(vec![Tensor::from_vec(counts, (rows, 1), call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

fn of(site: &Site) -> Space {
    site.axes.close(site.attrs.axes("of"))
}
