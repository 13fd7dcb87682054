//! Adam of a dense parameter (Kingma and Ba 2015, algorithm 1), with the bias correction written as PyTorch does.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

/// `update @w, @w.m, @w.v = adam(g, lr, step) {beta1, beta2, eps}`; `step` counts from 1.
#[derive(Debug)]
pub struct Adam;

impl EffectOp for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("beta1", AttrKind::Float), ("beta2", AttrKind::Float), ("eps", AttrKind::Float)]
    }

    /// (C1) Three targets of one type. (C2) The gradient has that type. (C3) `lr` and `step` are `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        let ([w, m, v], [g, lr, step]) = (targets, site.operands) else {
            return Err(Fault::new("E0310", "`adam` takes 3 targets and 3 operands"));
        };
        let scalar = |ty: &Type| ty.space.is_unit() && ty.height == 1 && ty.width == 1;
        if *m != *w || *v != *w || *g != *w || !scalar(lr) || !scalar(step) {
            return Err(
                Fault::new("E0301", format!("`adam` of {} got a gradient {}", site.show(w), site.show(g))).of(0)
            );
        }
        Ok(())
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, m, v], [g, lr, step]) = (targets, call.operands) else { candle_core::bail!("adam: wrong operands") };
        let (lr, step) = (scalar(lr)?, scalar(step)?);
        let (beta1, beta2) = (call.attrs.float("beta1"), call.attrs.float("beta2"));
        let m = ((m * beta1)? + (g * (1.0 - beta1))?)?;
        let v = ((v * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
        let (first, second) = (1.0 - beta1.powf(step), 1.0 - beta2.powf(step));
        let root = ((&v / second)?.sqrt()? + call.attrs.float("eps"))?;
        let w = (w - ((&m / root)? * (lr / first))?)?;
        Ok(vec![w, m, v])
    }
}

/// The number of a one-by-one tensor.
pub(super) fn scalar(tensor: &Tensor) -> candle_core::Result<f64> {
    tensor.to_dtype(candle_core::DType::F64)?.flatten_all()?.get(0)?.to_scalar()
}
