//! Stages with several results.

use crate::ir::graph::{Graph, Node};

use super::attend;
use super::block::Block;

/// Writes the rows of one block, of every result.
pub(super) type Several = Box<dyn Fn(&Block, &mut [&mut [f32]]) + Send + Sync>;

/// Makes the kernel of one node, if it can.
type Make = fn(&Graph, &Node) -> Option<Several>;

/// Alphabetical.
const SEVERAL: &[(&str, Make)] = &[("attention_grad", attend::attention_grad)];

/// The kernel of a node with several results.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Several> {
    if node.results.len() < 2 || node.results.iter().any(|&result| !graph.ty(result).is_float()) {
        return None;
    }
    SEVERAL.iter().find(|(known, _)| *known == node.op.name()).and_then(|(_, make)| make(graph, node))
}
