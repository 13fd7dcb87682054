//! What composite operations are outside of training: dropout is nothing, batch normalisation is an affine map by its
//! running statistics, whose factors are computed once from the weights.

use crate::ir::copy::rewrite;
use crate::ir::graph::Graph;
use crate::ir::op::Fault;

use super::Goal;
use super::expand::normalise;

/// Replaces `dropout` and `batch_norm`.
pub fn freeze(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    rewrite(graph, |copy, node| {
        match node.op.name() {
            "dropout" => {
                let x = copy.value(node.operands[0]);
                copy.replace(node.results[0], x);
            }
            "batch_norm" => {
                let [x, mean, variance] = copy.operands(node)[..] else {
                    return Err(Fault::new("E0399", "`batch_norm` takes 3 operands"));
                };
                let frozen = normalise(copy, x, mean, variance, node.attrs.float("eps"))?;
                copy.replace_named(node.results[0], frozen);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}
