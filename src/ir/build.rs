//! The only way to make a graph: every value is inferred and checked when it is added.

use std::collections::BTreeSet;

use crate::diag::Span;

use super::attr::Attrs;
use super::axis::{Axis, AxisId, AxisKind};
use super::graph::{
    Def, Effect, Graph, Init, Input, InputId, Item, Node, NodeId, Param, ParamId, Role, Root, Value, ValueId,
};
use super::input::InputSource;
use super::op::{EffectOp, Fault, Op, Site};
use super::types::Type;

/// A graph under construction.
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
    /// Names of inputs and computed values, which share one namespace.
    names: BTreeSet<String>,
    /// Prefix of the names of values that are added now.
    scope: String,
    /// The place in the spec that values added now come from.
    span: Span,
}

impl Builder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self { graph: Graph { name: name.to_owned(), ..Graph::default() }, ..Self::default() }
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &Type {
        self.graph.ty(value)
    }

    /// Values added from now on are named `scope.operation`; gives back the scope before.
    pub fn enter(&mut self, scope: impl Into<String>) -> String {
        std::mem::replace(&mut self.scope, scope.into())
    }

    /// The scope that values are named in now.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Values added from now on come from `span`; gives back the span before.
    pub fn locate(&mut self, span: Span) -> Span {
        std::mem::replace(&mut self.span, span)
    }

    /// Adds an axis; a taken name gets a number.
    pub fn axis(&mut self, name: &str, parent: Option<AxisId>, kind: AxisKind) -> AxisId {
        let mut unique = name.to_owned();
        let mut number = 2;
        while self.graph.axes.find(&unique).is_some() {
            unique = format!("{name}.{number}");
            number += 1;
        }
        let id = self.graph.axes.add(Axis { name: unique, parent, kind });
        self.graph.order.push(Item::Axis(id));
        id
    }

    /// The axis of every row of a table (`unique` false) or of the rows that a batch looks up; made at first need.
    pub fn table_axis(&mut self, table: &str, unique: bool) -> AxisId {
        let name = if unique { format!("{table}!") } else { format!("|{table}|") };
        let table = table.to_owned();
        let kind = if unique { AxisKind::Unique { table } } else { AxisKind::Rows { table } };
        match self.graph.axes.find(&name) {
            Some(id) => id,
            None => self.axis(&name, None, kind),
        }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, ty: Type, source: InputSource) -> ValueId {
        let id = InputId(self.graph.inputs.len() as u32);
        let name = self.unique(name);
        let value = self.value(name, ty, Def::Input(id));
        self.graph.inputs.push(Input { value, source });
        self.graph.order.push(Item::Input(id));
        value
    }

    /// Adds a parameter, or gives the one of that name if it has the same type; a taken name of another type is a fault.
    pub fn param(&mut self, name: &str, ty: Type, init: Init, role: Role) -> Result<ValueId, Fault> {
        if let Some(known) = self.graph.find_param(name) {
            let value = self.graph.param(known).value;
            if *self.ty(value) == ty {
                return Ok(value);
            }
            let (old, new) = (self.graph.axes.show(self.ty(value)), self.graph.axes.show(&ty));
            return Err(Fault::new(
                "E0320",
                format!("parameter `{name}` is shared by calls that need {old} and {new}"),
            ));
        }
        let id = ParamId(self.graph.params.len() as u32);
        let value = self.value(name.to_owned(), ty, Def::Param(id));
        self.graph.params.push(Param { name: name.to_owned(), value, init, role });
        self.graph.order.push(Item::Param(id));
        Ok(value)
    }

    /// Adds an operation and gives its results.
    pub fn op(&mut self, op: &'static dyn Op, operands: &[ValueId], attrs: Attrs) -> Result<Vec<ValueId>, Fault> {
        let operand_types: Vec<&Type> = operands.iter().map(|&value| self.graph.ty(value)).collect();
        let site = Site { axes: &self.graph.axes, operands: &operand_types, attrs: &attrs };
        attrs.check(op.name(), op.attributes())?;
        let types = op.infer(&site)?;
        let node = NodeId(self.graph.nodes.len() as u32);
        let base = if self.scope.is_empty() { op.name().to_owned() } else { format!("{}.{}", self.scope, op.name()) };
        let several = types.len() > 1;
        let results = types
            .into_iter()
            .enumerate()
            .map(|(result, ty)| {
                let name = if several { format!("{base}.{result}") } else { base.clone() };
                let name = self.unique(&name);
                self.value(name, ty, Def::Node { node, result })
            })
            .collect::<Vec<_>>();
        self.graph.nodes.push(Node { op, attrs, operands: operands.to_vec(), results: results.clone() });
        self.graph.order.push(Item::Node(node));
        Ok(results)
    }

    /// Adds an operation that has one result.
    pub fn one(&mut self, op: &'static dyn Op, operands: &[ValueId], attrs: Attrs) -> Result<ValueId, Fault> {
        let results = self.op(op, operands, attrs)?;
        results.first().copied().ok_or_else(|| Fault::new("E0399", format!("`{}` has no result", op.name())))
    }

    /// Adds a change of parameters.
    pub fn effect(
        &mut self,
        op: &'static dyn EffectOp,
        targets: &[ParamId],
        operands: &[ValueId],
        attrs: Attrs,
    ) -> Result<(), Fault> {
        let target_types: Vec<&Type> = targets.iter().map(|&id| self.graph.ty(self.graph.param(id).value)).collect();
        let operand_types: Vec<&Type> = operands.iter().map(|&value| self.graph.ty(value)).collect();
        attrs.check(op.name(), op.attributes())?;
        op.check(&target_types, &Site { axes: &self.graph.axes, operands: &operand_types, attrs: &attrs })?;
        self.graph.effects.push(Effect { op, attrs, targets: targets.to_vec(), operands: operands.to_vec() });
        Ok(())
    }

    /// Gives a computed value the name that the spec has for it; a taken name gets a number.
    pub fn rename(&mut self, value: ValueId, name: &str) {
        let at = value.0 as usize;
        if !matches!(self.graph.values[at].def, Def::Node { .. }) {
            return;
        }
        self.names.remove(&self.graph.values[at].name);
        let unique = self.unique(name);
        self.graph.values[at].name = unique;
    }

    /// Names a loss.
    pub fn loss(&mut self, name: &str, value: ValueId) {
        self.graph.losses.push(Root { name: name.to_owned(), value });
    }

    /// Names an output.
    pub fn output(&mut self, name: &str, value: ValueId) {
        self.graph.outputs.push(Root { name: name.to_owned(), value });
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    fn value(&mut self, name: String, ty: Type, def: Def) -> ValueId {
        let id = ValueId(self.graph.values.len() as u32);
        self.graph.values.push(Value { name, ty, def });
        self.graph.spans.push(self.span);
        id
    }

    fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut number = 2;
        while !self.names.insert(unique.clone()) {
            unique = format!("{name}.{number}");
            number += 1;
        }
        unique
    }
}
