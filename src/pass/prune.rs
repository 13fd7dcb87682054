//! Drops what no root and no effect reads.

use std::collections::BTreeSet;

use crate::ir::attr::Attr;
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::copy::Copy;
use crate::ir::graph::{Def, Graph, Item, NodeId, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::{Elem, Type};

use super::Goal;

/// Copies what is read. Parameters that an effect changes stay; inputs without a reader go, and so the batch need not
/// bring them. Axes keep their order, which is that of rows.
pub fn prune(graph: &Graph, _: Goal) -> Result<Graph, Fault> {
    live_part(graph, |live, input| live.values.contains(&input))
}

/// The same of a body, whose inputs are those that its node has operands for.
fn prune_body(body: &Graph) -> Result<Graph, Fault> {
    live_part(body, |_, _| true)
}

fn live_part(graph: &Graph, keeps_input: fn(&Live, ValueId) -> bool) -> Result<Graph, Fault> {
    let live = live(graph);
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        let keep = match item {
            // `B` stands first in every graph.
            Item::Axis(axis) => matches!(graph.axis(axis).kind, AxisKind::Batch) || live.axes.contains(&axis),
            Item::Param(id) => live.values.contains(&graph.param(id).value),
            Item::Input(id) => keeps_input(&live, graph.input(id).value),
            Item::Node(id) => live.nodes.contains(&id),
        };
        match item {
            Item::Node(id) if keep => copy.node_inside(id, prune_body)?,
            item if keep => copy.item(item)?,
            _ => {}
        }
    }
    copy.finish()
}

/// What roots and effects need.
#[derive(Default)]
struct Live {
    values: BTreeSet<ValueId>,
    nodes: BTreeSet<NodeId>,
    axes: BTreeSet<AxisId>,
    open: Vec<ValueId>,
}

fn live(graph: &Graph) -> Live {
    let mut live = Live::default();
    live.open.extend(graph.losses().iter().chain(graph.outputs()).map(|root| root.value));
    for effect in graph.effects() {
        live.open.extend(&effect.operands);
        live.open.extend(effect.targets.iter().map(|&target| graph.param(target).value));
        live.attrs(graph, effect.attrs.iter().map(|(_, attr)| attr));
    }
    while let Some(value) = live.open.pop() {
        if !live.values.insert(value) {
            continue;
        }
        live.ty(graph, graph.ty(value));
        if let Def::Node { node: id, .. } = graph.value(value).def
            && live.nodes.insert(id)
        {
            let node = graph.node(id);
            live.open.extend(node.operands.iter().chain(&node.results));
            live.attrs(graph, node.attrs.iter().map(|(_, attr)| attr));
        }
    }
    live
}

impl Live {
    fn attrs<'a>(&mut self, graph: &Graph, attrs: impl Iterator<Item = &'a Attr>) {
        for attr in attrs {
            if let Attr::Axes(axes) = attr {
                axes.iter().for_each(|&axis| self.axis(graph, axis));
            }
        }
    }

    fn ty(&mut self, graph: &Graph, ty: &Type) {
        if let Elem::Index(axis) = ty.elem {
            self.axis(graph, axis);
        }
        ty.space.axes().iter().for_each(|&axis| self.axis(graph, axis));
    }

    /// An axis with what it stands under or is made of. Each is declared after those, so this ends.
    fn axis(&mut self, graph: &Graph, axis: AxisId) {
        if !self.axes.insert(axis) {
            return;
        }
        let axis = graph.axis(axis);
        axis.parent.iter().for_each(|&parent| self.axis(graph, parent));
        match axis.kind {
            AxisKind::Twin { of } | AxisKind::Appended { of } => self.axis(graph, of),
            AxisKind::Sub { of, condition } => {
                self.axis(graph, of);
                self.open.push(condition);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;
    use crate::ir::read::read;
    use crate::prim::REGISTRY;

    #[test]
    fn a_condition_that_only_a_count_needs_stays() {
        let text = "model m {
  axis B: batch
  axis unused: static(3)
  axis history: ragged of B
  input %keep: bool[B, history]
  input %other: f32[B, 1]
  %kept: bool[B, history] = not(%keep)
  axis sub: sub of history where %kept
  %unread: f32[B, 1] = neg(%other)
  %count: f32[B, 1] = count() {of: [B, sub], over: sub}
  output count = %count
}
";
        let graph = read(text, FileId(0), REGISTRY).unwrap();
        let dead = ["unused", "other", "unread"];
        let expected: Vec<&str> = text.lines().filter(|line| !dead.iter().any(|name| line.contains(name))).collect();
        assert_eq!(prune(&graph, Goal::Predict).unwrap().to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn axes_keep_their_order_whoever_needs_them_first() {
        let text = "model m {
  axis B: batch
  axis history: ragged of B
  axis heads: static(2)
  input %x: f32[B, heads, 1]
  input %y: f32[B, history, 1]
  %z: f32[B, history, heads, 1] = mul(%x, %y)
  output z = %z
}
";
        let graph = read(text, FileId(0), REGISTRY).unwrap();
        assert_eq!(prune(&graph, Goal::Predict).unwrap().to_string(), text);
    }
}
