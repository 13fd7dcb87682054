//! The graph: SSA values in an append-only arena, in an order that can be executed from top to bottom.

use serde::{Deserialize, Serialize};

use crate::diag::Span;

use super::attr::Attrs;
use super::axis::{Axes, Axis, AxisId};
use super::input::InputSource;
use super::op::{EffectOp, Op};
use super::types::Type;

/// Handle of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(super) u32);

/// Handle of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// Handle of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub(super) u32);

/// Handle of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub(super) u32);

/// Something that operands can name.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its path, unique in the graph: `interest.score`.
    pub name: String,
    /// Its type, inferred, never set.
    pub ty: Type,
    /// Where it comes from.
    pub def: Def,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Def {
    /// Read from the batch.
    Input(InputId),
    /// Read from the weights.
    Param(ParamId),
    /// Computed.
    Node {
        /// By this node,
        node: NodeId,
        /// as its result of this number.
        result: usize,
    },
}

/// An operation with its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: &'static dyn Op,
    /// What it is told.
    pub attrs: Attrs,
    /// What it reads.
    pub operands: Vec<ValueId>,
    /// What it gives, at least one.
    pub results: Vec<ValueId>,
}

/// A change of parameters, made after every read of the step.
#[derive(Clone, Debug)]
pub struct Effect {
    /// What it does.
    pub op: &'static dyn EffectOp,
    /// What it is told.
    pub attrs: Attrs,
    /// What it changes: `@w, @w.m, @w.v`.
    pub targets: Vec<ParamId>,
    /// What it reads.
    pub operands: Vec<ValueId>,
}

/// A weight, a table, or the state of an optimiser or of a batch norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its path, unique among parameters.
    pub name: String,
    /// The value that reads it.
    pub value: ValueId,
    /// Its first value.
    pub init: Init,
    /// What it is for.
    pub role: Role,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Trained, dense.
    Weight,
    /// Trained by rows; its type has the axis of all rows.
    Table,
    /// Never trained: pre-trained vectors.
    Frozen,
    /// Kept by an effect: running statistics, moments.
    State,
}

/// The first value of a parameter; random ones are drawn from a stream of the parameter's path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Init {
    /// All the same.
    Constant(f64),
    /// Normal around 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal around 0, cut at two standard deviations.
    TruncatedNormal {
        /// Standard deviation before the cut.
        std: f64,
    },
    /// Uniform in `-limit..limit`.
    Uniform {
        /// The limit.
        limit: f64,
    },
    /// Uniform with limit `sqrt(6 / (height + width))` (Glorot and Bengio 2010).
    Glorot,
    /// Uniform with limit `sqrt(1 / height)`: what PyTorch's `Linear` does, weight and bias alike; `fan_in` for a bias.
    FanIn {
        /// Rows of the layer's matrix.
        fan_in: u32,
    },
    /// How often each row is named in the train part, bound with the data; 1 where there is none.
    Counts,
    /// Vectors of a file, bound with the data.
    File,
}

/// A value that the batch brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The value that reads it; its name is the input's name.
    pub value: ValueId,
    /// Where the batch takes it from.
    pub source: InputSource,
}

/// A named root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The name in the spec.
    pub name: String,
    /// The value.
    pub value: ValueId,
}

/// One line of the text form, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// An axis.
    Axis(AxisId),
    /// A parameter.
    Param(ParamId),
    /// An input.
    Input(InputId),
    /// A node.
    Node(NodeId),
}

/// A whole graph. Built by [`super::build::Builder`] only, so whatever stands in it was checked when it was added.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The spec's name.
    pub name: String,
    pub(super) axes: Axes,
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Node>,
    pub(super) params: Vec<Param>,
    pub(super) inputs: Vec<Input>,
    pub(super) effects: Vec<Effect>,
    pub(super) order: Vec<Item>,
    pub(super) losses: Vec<Root>,
    pub(super) outputs: Vec<Root>,
    /// Parallel to `values`; not printed.
    pub(super) spans: Vec<Span>,
}

impl Graph {
    /// All axes.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// One axis.
    pub fn axis(&self, id: AxisId) -> &Axis {
        self.axes.get(id)
    }

    /// One value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The type of a value.
    pub fn ty(&self, id: ValueId) -> &Type {
        &self.value(id).ty
    }

    /// The place in the spec that a value comes from.
    pub fn span(&self, id: ValueId) -> Span {
        self.spans[id.0 as usize]
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// One parameter.
    pub fn param(&self, id: ParamId) -> &Param {
        &self.params[id.0 as usize]
    }

    /// One input.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.0 as usize]
    }

    /// Axes, parameters, inputs and nodes in order of declaration: the order of text and of execution.
    pub fn order(&self) -> &[Item] {
        &self.order
    }

    /// Nodes in order of execution.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (NodeId(i as u32), node))
    }

    /// Values in order of declaration.
    pub fn values(&self) -> impl Iterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().map(|(i, value)| (ValueId(i as u32), value))
    }

    /// Parameters in order of declaration.
    pub fn params(&self) -> impl Iterator<Item = (ParamId, &Param)> {
        self.params.iter().enumerate().map(|(i, param)| (ParamId(i as u32), param))
    }

    /// Inputs in order of declaration.
    pub fn inputs(&self) -> impl Iterator<Item = (InputId, &Input)> {
        self.inputs.iter().enumerate().map(|(i, input)| (InputId(i as u32), input))
    }

    /// Effects in order of execution.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Losses, each `f32[1]`; their sum is trained.
    pub fn losses(&self) -> &[Root] {
        &self.losses
    }

    /// Outputs.
    pub fn outputs(&self) -> &[Root] {
        &self.outputs
    }

    /// The value of an output's name.
    pub fn output(&self, name: &str) -> Option<ValueId> {
        self.outputs.iter().find(|root| root.name == name).map(|root| root.value)
    }

    /// A value and everything that it is computed from, each once; what stands behind a node for which `through` is false
    /// is left out.
    pub fn behind(&self, value: ValueId, through: impl Fn(&Node) -> bool) -> Vec<ValueId> {
        let (mut seen, mut found, mut open) = (std::collections::BTreeSet::new(), Vec::new(), vec![value]);
        while let Some(value) = open.pop() {
            if !seen.insert(value) {
                continue;
            }
            found.push(value);
            if let Def::Node { node, .. } = self.value(value).def {
                let node = self.node(node);
                if through(node) {
                    open.extend(node.operands.iter().rev());
                }
            }
        }
        found
    }

    /// How often a value is read: by nodes, effects and roots.
    pub fn readers(&self, value: ValueId) -> usize {
        let operands = self.nodes().flat_map(|(_, node)| &node.operands);
        let effects = self.effects.iter().flat_map(|effect| &effect.operands);
        let roots = self.losses.iter().chain(&self.outputs).map(|root| &root.value);
        operands.chain(effects).chain(roots).filter(|&&read| read == value).count()
    }

    /// The node that computes a value, if one does.
    pub fn producer(&self, id: ValueId) -> Option<&Node> {
        match self.value(id).def {
            Def::Node { node, .. } => Some(self.node(node)),
            _ => None,
        }
    }

    /// The input or computed value of a name; parameters have names of their own ([`Graph::find_param`]).
    pub fn find(&self, name: &str) -> Option<ValueId> {
        let found = |value: &Value| value.name == name && !matches!(value.def, Def::Param(_));
        self.values.iter().position(found).map(|i| ValueId(i as u32))
    }

    /// The parameter of a name.
    pub fn find_param(&self, name: &str) -> Option<ParamId> {
        self.params.iter().position(|param| param.name == name).map(|i| ParamId(i as u32))
    }
}

/// Two graphs are equal if they print the same: places in the spec do not count.
impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.axes, &self.values, &self.order) == (&other.name, &other.axes, &other.values, &other.order)
            && (&self.params, &self.inputs, &self.nodes) == (&other.params, &other.inputs, &other.nodes)
            && (&self.effects, &self.losses, &self.outputs) == (&other.effects, &other.losses, &other.outputs)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.op.name() == other.op.name()
            && (&self.attrs, &self.operands, &self.results) == (&other.attrs, &other.operands, &other.results)
    }
}

impl PartialEq for Effect {
    fn eq(&self, other: &Self) -> bool {
        self.op.name() == other.op.name()
            && (&self.attrs, &self.targets, &self.operands) == (&other.attrs, &other.targets, &other.operands)
    }
}
