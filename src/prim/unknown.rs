//! Ids that nobody knows, in the place of those that a prediction must not see.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::rule;

/// `unknown {of, vocabulary}`: row 0 of a vocabulary for each row of a space.
#[derive(Debug)]
pub struct Unknown;

impl Op for Unknown {
    fn name(&self) -> &'static str {
        "unknown"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("of", AttrKind::Axes), ("vocabulary", AttrKind::Text)]
    }

    /// (C1) No operands.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [] = rule::operands(self.name(), site)?;
        Ok(vec![Type::id(site.attrs.text("vocabulary"), site.axes.close(site.attrs.axes("of")))])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![Tensor::zeros(call.shape(0), candle_core::DType::U32, call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, value};

    #[test]
    fn every_row_is_the_unknown_one() {
        let lines = "%i: id<movie>[B] = unknown() {of: B, vocabulary: \"movie\"}";
        assert_eq!(value(&graph(lines), &Batch::of(2), "i"), [0.0, 0.0]);
    }
}
