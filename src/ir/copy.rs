//! Copies a graph line by line into a new one: how every pass that changes something is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attr::Attrs;
use super::axis::{AxisId, AxisKind};
use super::build::Builder;
use super::graph::{Effect, Graph, Item, Node, NodeId, ParamId, ValueId};
use super::op::Fault;

/// A copy under way. A pass walks [`Graph::order`] of the old graph and either copies an item or puts something else in
/// its place with [`Copy::replace`].
#[derive(Debug)]
pub struct Copy<'a> {
    /// The old graph.
    pub from: &'a Graph,
    /// The new graph.
    pub to: Builder,
    axes: BTreeMap<AxisId, AxisId>,
    values: BTreeMap<ValueId, ValueId>,
    params: BTreeMap<ParamId, ParamId>,
}

/// A copy in which `change` puts something else in the place of some nodes and says of which.
///
/// # Errors
/// Those of `change`.
pub fn rewrite(graph: &Graph, mut change: impl FnMut(&mut Copy, &Node) -> Result<bool, Fault>) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    copy.rewrite(&mut change, &Copy::node)?;
    copy.finish()
}

/// The same of the graph and of all bodies in it.
///
/// # Errors
/// Those of `change`.
pub fn rewrite_inside(graph: &Graph, change: fn(&mut Copy, &Node) -> Result<bool, Fault>) -> Result<Graph, Fault> {
    let mut copy = Copy::new(graph);
    copy.rewrite(&mut { change }, &|copy, id| copy.node_inside(id, |body| rewrite_inside(body, change)))?;
    copy.finish()
}

impl<'a> Copy<'a> {
    /// Copies everything, nodes that are not changed by `keep`.
    pub fn rewrite(
        &mut self,
        change: &mut dyn FnMut(&mut Copy, &Node) -> Result<bool, Fault>,
        keep: &dyn Fn(&mut Self, NodeId) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for &item in self.from.order() {
            let Item::Node(id) = item else {
                self.item(item)?;
                continue;
            };
            let node = self.from.node(id);
            self.at(node);
            if !change(self, node)? {
                keep(self, id)?;
            }
        }
        Ok(())
    }

    /// Nothing copied yet.
    pub fn new(from: &'a Graph) -> Self {
        let (axes, values, params) = Default::default();
        Self { from, to: Builder::new(&from.name), axes, values, params }
    }

    /// Copies one item, types inferred again.
    pub fn item(&mut self, item: Item) -> Result<(), Fault> {
        match item {
            Item::Axis(id) => {
                self.copy_axis(id);
            }
            Item::Param(id) => {
                let param = self.from.param(id);
                let ty = self.ty(param.value);
                self.to.locate(self.from.span(param.value));
                let value = self.to.param(&param.name, ty, param.init, param.role)?;
                self.replace(param.value, value);
                if let Some(new) = self.to.graph().find_param(&param.name) {
                    self.params.insert(id, new);
                }
            }
            Item::Input(id) => {
                let input = self.from.input(id);
                let ty = self.ty(input.value);
                self.to.locate(self.from.span(input.value));
                let value = self.to.input(&self.from.value(input.value).name, ty, input.source.clone());
                self.replace(input.value, value);
            }
            Item::Node(id) => self.node(id)?,
        }
        Ok(())
    }

    /// Copies a node as it is, its results keep their names.
    pub fn node(&mut self, id: NodeId) -> Result<(), Fault> {
        let attrs = self.attrs(&self.from.node(id).attrs);
        self.with_attrs(id, attrs)
    }

    fn with_attrs(&mut self, id: NodeId, attrs: Attrs) -> Result<(), Fault> {
        let node = self.from.node(id);
        let operands = self.operands(node);
        self.at(node);
        let results = self.to.op(node.op, &operands, attrs)?;
        for (&old, &new) in node.results.iter().zip(&results) {
            self.to.rename(new, &self.from.value(old).name);
            self.replace(old, new);
        }
        Ok(())
    }

    /// Copies a node whose body is changed.
    pub fn node_inside(&mut self, id: NodeId, change: impl Fn(&Graph) -> Result<Graph, Fault>) -> Result<(), Fault> {
        let node = self.from.node(id);
        let Some(body) = node.attrs.body("body") else { return self.node(id) };
        let attrs = self.attrs(&node.attrs).with("body", Arc::new(change(body)?));
        self.with_attrs(id, attrs)
    }

    /// Values added to `to` from now on stand where `node` stood: same place in the spec, names under its first result.
    pub fn at(&mut self, node: &Node) {
        if let Some(&first) = node.results.first() {
            self.to.enter(self.from.value(first).name.clone());
            self.to.locate(self.from.span(first));
        }
    }

    /// The copies of a node's operands.
    pub fn operands(&self, node: &Node) -> Vec<ValueId> {
        node.operands.iter().map(|&value| self.value(value)).collect()
    }

    /// Attributes with the copies of their axes.
    pub fn attrs(&mut self, attrs: &Attrs) -> Attrs {
        let axes = attrs.clone();
        axes.map_axes(&mut |axis| self.copy_axis(axis))
    }

    /// The copy of a value; values are copied before they are used, since the order of a graph is one of execution.
    pub fn value(&self, old: ValueId) -> ValueId {
        self.values.get(&old).copied().unwrap_or(old)
    }

    /// Whether a value has a copy.
    pub fn has(&self, old: ValueId) -> bool {
        self.values.contains_key(&old)
    }

    /// Uses of `old` become uses of `new`.
    pub fn replace(&mut self, old: ValueId, new: ValueId) {
        self.values.insert(old, new);
    }

    /// Replaces a node of one result and keeps the result's name.
    pub fn replace_named(&mut self, old: ValueId, new: ValueId) {
        self.to.rename(new, &self.from.value(old).name);
        self.replace(old, new);
    }

    /// Says what an old axis is in the new graph, before it would be copied.
    pub fn replace_axis(&mut self, old: AxisId, new: AxisId) {
        self.axes.insert(old, new);
    }

    /// The copy of an axis, made with its ancestors at first need.
    pub fn copy_axis(&mut self, old: AxisId) -> AxisId {
        if let Some(&new) = self.axes.get(&old) {
            return new;
        }
        let axis = self.from.axis(old).clone();
        let parent = axis.parent.map(|parent| self.copy_axis(parent));
        let kind = match axis.kind {
            AxisKind::Sub { of, condition } => {
                AxisKind::Sub { of: self.copy_axis(of), condition: self.value(condition) }
            }
            AxisKind::Twin { of } => AxisKind::Twin { of: self.copy_axis(of) },
            AxisKind::Appended { of } => AxisKind::Appended { of: self.copy_axis(of) },
            other => other,
        };
        let new = self.to.axis(&axis.name, parent, kind);
        self.axes.insert(old, new);
        new
    }

    /// Copies an effect.
    pub fn effect(&mut self, effect: &Effect) -> Result<(), Fault> {
        let targets: Vec<ParamId> = effect.targets.iter().filter_map(|id| self.params.get(id).copied()).collect();
        let operands: Vec<ValueId> = effect.operands.iter().map(|&value| self.value(value)).collect();
        let attrs = self.attrs(&effect.attrs);
        self.to.effect(effect.op, &targets, &operands, attrs)
    }

    /// Copies effects, losses and outputs and gives the new graph.
    pub fn finish(mut self) -> Result<Graph, Fault> {
        for effect in self.from.effects() {
            self.effect(effect)?;
        }
        self.finish_roots(true)
    }

    /// Copies losses (if wanted) and outputs, no effects, and gives the new graph.
    pub fn finish_roots(mut self, losses: bool) -> Result<Graph, Fault> {
        for root in self.from.losses().iter().filter(|_| losses) {
            let value = self.value(root.value);
            self.to.loss(&root.name, value);
        }
        for root in self.from.outputs() {
            let value = self.value(root.value);
            self.to.output(&root.name, value);
        }
        Ok(self.to.finish())
    }

    /// The type that a value of the old graph has in the new one, where its axes are those of before.
    pub fn ty(&mut self, old: ValueId) -> super::types::Type {
        use super::types::{Elem, Type};
        let old = self.from.ty(old).clone();
        let axes: Vec<AxisId> = old.space.axes().iter().map(|&axis| self.copy_axis(axis)).collect();
        let elem = match old.elem {
            Elem::Index(axis) => Elem::Index(self.copy_axis(axis)),
            other => other,
        };
        Type { elem, space: self.to.graph().axes().close(&axes), height: old.height, width: old.width }
    }
}
