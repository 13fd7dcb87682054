//! Computes equal values once: same operation, same operands, same attributes. Noise has its stream among the
//! attributes, and layers have their parameters among the operands, so two dropouts or two layers never merge.

use crate::ir::attr::Attrs;
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Item, ValueId};
use crate::ir::op::Fault;

use super::Goal;

/// Uses of a repeated value become uses of the first one.
pub fn share(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    shared(graph)
}

/// The same of a graph and of the bodies in it.
fn shared(graph: &Graph) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    let mut seen: std::collections::BTreeMap<(&'static str, Vec<ValueId>), Vec<(Attrs, Vec<ValueId>)>> =
        std::collections::BTreeMap::new();
    for &item in graph.order() {
        let Item::Node(id) = item else {
            copy.item(item)?;
            continue;
        };
        let node = graph.node(id);
        let key = (node.op.name(), copy.operands(node));
        let known = seen.get(&key).and_then(|list| list.iter().find(|(attrs, _)| *attrs == node.attrs));
        match known {
            Some((_, results)) => {
                for (&old, &new) in node.results.iter().zip(results) {
                    copy.replace(old, new);
                }
            }
            None => {
                copy.node_inside(id, shared)?;
                let results = node.results.iter().map(|&result| copy.value(result)).collect();
                seen.entry(key).or_default().push((node.attrs.clone(), results));
            }
        }
    }
    copy.finish()
}
