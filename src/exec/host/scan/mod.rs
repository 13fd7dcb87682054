//! Recurrence on the host: sequences sorted by length, all that still run take a step at once.
//!
//! Sequences are cut into chunks that threads take; a chunk's rows lie step by step, the longest sequence first, so that
//! the sequences of a step are the first rows of every buffer. Chunks depend on the number of sequences alone.

mod backward;
mod body;
mod forward;
mod layout;

pub(super) use backward::scan_grad;
pub(super) use forward::scan;

use crate::ir::graph::{Graph, Node};

use super::whole::Kernel;

/// The kernel of a node, if all of its body has kernels.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Kernel> {
    let over = node.attrs.axis("over")?;
    // A sequence's steps have samples, or there is nothing to run beside each other.
    graph.axes().batch_of(&graph.ty(*node.results.first()?).space)?;
    graph.axis(over).parent?;
    body::Body::of(node.attrs.body("body")?)?;
    match node.op.name() {
        "scan" => Some(scan),
        "scan_grad" => Some(scan_grad),
        _ => None,
    }
}
