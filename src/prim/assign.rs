//! A parameter takes a computed value: how running statistics move.

use candle_core::Tensor;

use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

/// `update @w = assign(x)`.
#[derive(Debug)]
pub struct Assign;

impl EffectOp for Assign {
    fn name(&self) -> &'static str {
        "assign"
    }

    /// (C1) One target and one operand. (C2) They have one type.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        let ([w], [x]) = (targets, site.operands) else {
            return Err(Fault::new("E0310", "`assign` takes 1 target and 1 operand"));
        };
        if w != x {
            return Err(Fault::new("E0301", format!("`assign` to {} of {}", site.show(w), site.show(x))).of(0));
        }
        Ok(())
    }

    fn apply(&self, _: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![call.operands[0].clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::Kit;
    use super::*;
    use crate::ir::attr::Attrs;

    #[test]
    fn the_target_becomes_the_value() {
        let mut kit = Kit::new(&[1]);
        let (w, x) = (kit.f32(&[], 2, &[1.0, 2.0]), kit.f32(&[], 2, &[3.0, 4.0]));
        assert_eq!(kit.apply(&Assign, &[w], &[x], Attrs::none()), [[3.0, 4.0]]);
    }

    #[test]
    fn c2_another_type_is_refused() {
        let kit = Kit::new(&[1]);
        let (w, x) = (Type::f32(kit.space(&[]), 1), Type::f32(kit.space(&[kit.b]), 1));
        let (operands, attrs) = ([&x], Attrs::none());
        let site = Site { axes: kit.to.graph().axes(), operands: &operands, attrs: &attrs };
        assert_eq!(Assign.check(&[&w], &site).unwrap_err().code, "E0301");
    }
}
