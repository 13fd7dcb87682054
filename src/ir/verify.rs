//! Holds a graph to the invariants of the IR. **If this returns `Ok`, execution gives a result or an error, never a panic.**
//!
//! The builder makes most of these hold by construction; the verifier runs around every pass, so that one that breaks
//! them is named by the first graph it breaks.
//!
//! - (V1) What a line uses stands above it: operands, axes of types and attributes, conditions. Every axis, parameter,
//!   input and node stands in the order once.
//! - (V2) Names are unique and can be read back: axes; parameters; inputs and computed values together; losses; outputs.
//! - (V3) A node has the attributes that its operation declares, and its results have the types that are inferred again.
//! - (V4) Spaces are closed under parent and ordered by declaration. Extents are at least 1; a height above 1 stands in
//!   the unit space only. Parameters are numbers, in a space of fixed axes or, tables, in that of all rows of a table.
//! - (V5) The first axis, and no other, is the batch axis. A ragged axis has a parent, a root has none, and a twin, a
//!   sub-axis and an appended axis have the parent of the axis that they are made of.
//! - (V6) The condition of a sub-axis is one `bool` per element of the whole axis, and known on the host before the step:
//!   it comes from inputs and draws, never from a parameter or a schedule.
//! - (V7) Losses are `f32[1]`.
//! - (V8) An effect fits its targets; a parameter is changed by one effect at most, a frozen one by none.
//! - (V9) An inference graph has no value that couples samples, no draw, no input of training (label, outcome, weight,
//!   schedule), no loss and no effect.
//! - (V10) Composite operations stand in a model graph only.
//! - (V11) What the item brings stands at samples: an input `of item` has the batch axis.
//!
//! The body of a node is held to V1 to V6 and V10 too, and has no parameter, loss or effect.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Span};

use super::attr::Attr;
use super::axis::{AxisId, AxisKind};
use super::graph::{Def, Effect, Graph, Item, Node, ParamId, Role, Root, ValueId};
use super::input::InputSource;
use super::op::Site;
use super::read::{is_axis_name, is_path};
use super::types::{Elem, Type};

/// What a graph is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// As lowering makes it: composite operations have no meaning in training or inference yet.
    Model,
    /// With gradients and effects, or ready for them.
    Training,
    /// Outputs only: evaluation, prediction, serving.
    Inference,
}

/// Checks every invariant.
///
/// # Errors
/// Each one that does not hold, with the value at fault.
pub fn verify(graph: &Graph, stage: Stage) -> Result<(), Vec<Diagnostic>> {
    let mut check = Check { graph, stage, path: String::new(), findings: Vec::new() };
    check.names();
    // The rest follows handles, which lead nowhere in a graph that breaks V1.
    if check.order() {
        check.axes();
        check.values();
        check.nodes();
        check.roots();
        check.effects();
    }
    if check.findings.is_empty() { Ok(()) } else { Err(check.findings) }
}

struct Check<'a> {
    graph: &'a Graph,
    stage: Stage,
    /// `%states: ` inside the body of that node.
    path: String,
    findings: Vec<Diagnostic>,
}

impl Check<'_> {
    fn broken(&mut self, invariant: &str, span: Span, fact: String) {
        let title = format!("{}{fact} ({invariant})", self.path);
        self.findings.push(Diagnostic::new("E0340", title).at(span, ""));
    }

    fn broken_at(&mut self, invariant: &str, value: ValueId, fact: &str) {
        let name = self.name(value);
        self.broken(invariant, self.graph.span(value), format!("`{name}` {fact}"));
    }

    fn name(&self, value: ValueId) -> String {
        let sign = if matches!(self.graph.value(value).def, Def::Param(_)) { '@' } else { '%' };
        format!("{sign}{}", self.graph.value(value).name)
    }

    /// (V2)
    fn names(&mut self) {
        let graph = self.graph;
        let mut seen = BTreeSet::new();
        for axis in graph.axes().ids().map(|id| graph.axis(id)) {
            if !seen.insert(("axis", &axis.name)) || !is_axis_name(&axis.name) {
                self.broken("V2", Span::default(), format!("axis `{}` is named twice or by no name", axis.name));
            }
        }
        for (id, value) in graph.values() {
            let kind = if matches!(value.def, Def::Param(_)) { "parameter" } else { "value" };
            if !seen.insert((kind, &value.name)) || !is_path(&value.name) {
                self.broken_at("V2", id, "is named twice or by no name");
            }
        }
        let losses = graph.losses().iter().map(|root| ("loss", root));
        for (kind, Root { name, value }) in losses.chain(graph.outputs().iter().map(|root| ("output", root))) {
            if !seen.insert((kind, name)) {
                self.broken_at("V2", *value, &format!("is a second {kind} `{name}`"));
            }
        }
    }

    /// (V1) Whether every handle leads to something that stands above its use.
    fn order(&mut self) -> bool {
        let graph = self.graph;
        let before = self.findings.len();
        let mut above = Above::default();
        for &item in graph.order() {
            let (uses, makes) = above.item(graph, item);
            if !uses {
                self.broken("V1", Span::default(), format!("{} uses what does not stand above it", show(graph, item)));
            }
            if !makes {
                self.broken("V1", Span::default(), format!("{} stands twice", show(graph, item)));
            }
        }
        if !above.is_all_of(graph) {
            self.broken("V1", Span::default(), "the order lacks an axis or a value".to_owned());
        }
        self.findings.len() == before
    }

    /// (V5), (V6)
    fn axes(&mut self) {
        let graph = self.graph;
        for (i, id) in graph.axes().ids().enumerate() {
            let axis = graph.axis(id);
            let is_batch = matches!(axis.kind, AxisKind::Batch);
            if is_batch != (i == 0) {
                let fact = format!("axis `{}` is {} first axis", axis.name, if i == 0 { "the" } else { "not the" });
                self.broken("V5", Span::default(), format!("{fact}, which is the batch axis"));
            }
            let parent_fits = match &axis.kind {
                AxisKind::Ragged { .. } => axis.parent.is_some(),
                AxisKind::Twin { of } | AxisKind::Appended { of } | AxisKind::Sub { of, .. } => {
                    axis.parent == graph.axis(*of).parent
                }
                AxisKind::Static { len: 0 } => false,
                _ => axis.parent.is_none(),
            };
            if !parent_fits {
                let fact = format!("axis `{}` has a parent or a size that its kind cannot have", axis.name);
                self.broken("V5", Span::default(), fact);
            }
            if let AxisKind::Sub { of, condition } = axis.kind {
                let expected = Type::bool(graph.axes().close(&[of]));
                if *graph.ty(condition) != expected {
                    let fact = format!(
                        "is the condition of axis `{}`, which needs {}",
                        axis.name,
                        graph.axes().show(&expected)
                    );
                    self.broken_at("V6", condition, &fact);
                }
                if let Some(cause) = unknown_before_step(graph, condition) {
                    let fact =
                        format!("is the condition of axis `{}` and depends on `{}`", axis.name, self.name(cause));
                    self.broken_at("V6", condition, &fact);
                }
            }
        }
    }

    /// (V4), (V9), (V11)
    fn values(&mut self) {
        let graph = self.graph;
        for (id, value) in graph.values() {
            let ty = &value.ty;
            let closed = graph.axes().close(ty.space.axes()) == ty.space;
            if !closed || ty.width == 0 || ty.height == 0 || (ty.height > 1 && !ty.space.is_unit()) {
                self.broken_at("V4", id, "has a space or an extent that no value has");
            }
        }
        for (_, param) in graph.params() {
            let ty = graph.ty(param.value);
            let is_table = matches!(ty.space.axes(), [axis] if matches!(graph.axis(*axis).kind, AxisKind::Rows { .. }));
            let is_fixed = ty.space.axes().iter().all(|&axis| graph.axes().fixed(axis).is_some());
            let fits = match param.role {
                Role::Weight => is_fixed || is_table,
                Role::Table => is_table,
                Role::Frozen | Role::State => is_fixed || is_table,
            };
            if !fits || ty.elem != Elem::F32 {
                self.broken_at("V4", param.value, "has a type that no parameter of its role has");
            }
        }
        for (_, input) in graph.inputs().filter(|(_, input)| input.source.is_of_item()) {
            if graph.axes().batch_of(&graph.ty(input.value).space).is_none() {
                self.broken_at("V11", input.value, "is of the item and has no samples");
            }
        }
        for (_, input) in graph.inputs().filter(|(_, input)| input.source.is_of_training()) {
            if self.stage == Stage::Inference {
                self.broken_at("V9", input.value, "is an input of training");
            }
        }
    }

    /// (V3), (V9), (V10)
    fn nodes(&mut self) {
        let graph = self.graph;
        for (_, node) in graph.nodes() {
            let Some(&first) = node.results.first() else { continue };
            let operands: Vec<&Type> = node.operands.iter().map(|&operand| graph.ty(operand)).collect();
            let site = Site { axes: graph.axes(), operands: &operands, attrs: &node.attrs };
            let declared = node.attrs.check(node.op.name(), node.op.attributes());
            match declared.and_then(|()| node.op.infer(&site)) {
                Err(fault) => self.broken_at("V3", first, &format!("is refused: {}", fault.title)),
                Ok(inferred) => {
                    let stated = node.results.iter().map(|&result| graph.ty(result));
                    if !inferred.iter().eq(stated) {
                        self.broken_at("V3", first, "has another type than is inferred");
                    }
                    if self.stage == Stage::Inference && (node.op.couples_samples(&site) || node.op.draws()) {
                        self.broken_at("V9", first, "couples samples or is drawn");
                    }
                }
            }
            if self.stage != Stage::Model && node.op.is_composite() {
                self.broken_at("V10", first, &format!("is a `{}`, which stands in a model graph only", node.op.name()));
            }
            self.bodies(node, first);
        }
    }

    /// What the verifier says of bodies.
    fn bodies(&mut self, node: &Node, first: ValueId) {
        for (_, attr) in node.attrs.iter() {
            let Attr::Body(body) = attr else { continue };
            let path = format!("{}in the body of `{}`: ", self.path, self.name(first));
            if body.params().next().is_some() || !body.losses().is_empty() || !body.effects().is_empty() {
                self.broken_at("V3", first, "has a body with a parameter, a loss or an effect of its own");
            }
            if let Err(findings) = verify(body, Stage::Training) {
                let inside = |finding: Diagnostic| Diagnostic { title: format!("{path}{}", finding.title), ..finding };
                self.findings.extend(findings.into_iter().map(inside));
            }
        }
    }

    /// (V7), (V9)
    fn roots(&mut self) {
        let scalar = Type::f32(super::types::Space::unit(), 1);
        for root in self.graph.losses() {
            if *self.graph.ty(root.value) != scalar {
                let shown = self.graph.axes().show(self.graph.ty(root.value));
                self.broken_at("V7", root.value, &format!("is the loss `{}` and {shown}, expected f32[1]", root.name));
            }
            if self.stage == Stage::Inference {
                self.broken_at("V9", root.value, "is a loss");
            }
        }
    }

    /// (V8), (V9)
    fn effects(&mut self) {
        let graph = self.graph;
        let mut changed: BTreeSet<ParamId> = BTreeSet::new();
        for effect in graph.effects() {
            let Some(&first) = effect.targets.first() else { continue };
            let first = graph.param(first).value;
            if let Err(title) = fits(graph, effect) {
                self.broken_at("V8", first, &format!("is not changed like that: {title}"));
            }
            for &target in &effect.targets {
                let param = graph.param(target);
                if !changed.insert(target) || param.role == Role::Frozen {
                    self.broken_at("V8", param.value, "is changed twice, or is frozen");
                }
            }
            if self.stage == Stage::Inference {
                self.broken_at("V9", first, "is changed");
            }
        }
    }
}

/// What stands above a line.
#[derive(Default)]
struct Above {
    axes: BTreeSet<AxisId>,
    values: BTreeSet<ValueId>,
}

impl Above {
    /// Whether everything that an item uses stands above, and whether what it makes does not yet.
    fn item(&mut self, graph: &Graph, item: Item) -> (bool, bool) {
        match item {
            Item::Axis(id) => {
                let axis = graph.axis(id);
                let made_of = match &axis.kind {
                    AxisKind::Twin { of } | AxisKind::Appended { of } => self.axes.contains(of),
                    AxisKind::Sub { of, condition } => self.axes.contains(of) && self.values.contains(condition),
                    _ => true,
                };
                (made_of && axis.parent.is_none_or(|parent| self.axes.contains(&parent)), self.axes.insert(id))
            }
            Item::Param(id) => self.value(graph, graph.param(id).value),
            Item::Input(id) => self.value(graph, graph.input(id).value),
            Item::Node(id) => {
                let node = graph.node(id);
                let operands = node.operands.iter().all(|operand| self.values.contains(operand));
                let attrs = node.attrs.iter().all(|(_, attr)| match attr {
                    Attr::Axes(axes) => axes.iter().all(|axis| self.axes.contains(axis)),
                    _ => true,
                });
                let mut all = (operands && attrs, true);
                for &result in &node.results {
                    let (types, new) = self.value(graph, result);
                    all = (all.0 && types, all.1 && new);
                }
                all
            }
        }
    }

    fn value(&mut self, graph: &Graph, id: ValueId) -> (bool, bool) {
        let ty = graph.ty(id);
        let element = match ty.elem {
            Elem::Index(axis) => self.axes.contains(&axis),
            _ => true,
        };
        (element && ty.space.axes().iter().all(|axis| self.axes.contains(axis)), self.values.insert(id))
    }

    /// Whether the order holds every axis and value, and so do the roots and effects behind it.
    fn is_all_of(&self, graph: &Graph) -> bool {
        let roots = graph.losses().iter().chain(graph.outputs()).map(|root| root.value);
        let read = graph.effects().iter().flat_map(|effect| effect.operands.iter().copied());
        let written = graph.effects().iter().flat_map(|effect| &effect.targets);
        self.axes.len() == graph.axes().ids().count()
            && self.values.len() == graph.values().count()
            && roots.chain(read).all(|value| self.values.contains(&value))
            && written.into_iter().all(|target| (target.0 as usize) < graph.params().count())
    }
}

/// The parameter or schedule that a value depends on, if it depends on one: then it is not known before the step.
pub fn unknown_before_step(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let (mut left, mut seen) = (vec![value], BTreeSet::new());
    while let Some(value) = left.pop() {
        if !seen.insert(value) {
            continue;
        }
        match graph.value(value).def {
            Def::Param(_) => return Some(value),
            Def::Input(id) if matches!(graph.input(id).source, InputSource::Schedule(_)) => return Some(value),
            Def::Input(_) => {}
            Def::Node { node, .. } => left.extend(&graph.node(node).operands),
        }
    }
    None
}

fn fits(graph: &Graph, effect: &Effect) -> Result<(), String> {
    let targets: Vec<&Type> = effect.targets.iter().map(|&id| graph.ty(graph.param(id).value)).collect();
    let operands: Vec<&Type> = effect.operands.iter().map(|&value| graph.ty(value)).collect();
    let site = Site { axes: graph.axes(), operands: &operands, attrs: &effect.attrs };
    let declared = effect.attrs.check(effect.op.name(), effect.op.attributes());
    declared.and_then(|()| effect.op.check(&targets, &site)).map_err(|fault| fault.title)
}

fn show(graph: &Graph, item: Item) -> String {
    match item {
        Item::Axis(id) => format!("axis `{}`", graph.axis(id).name),
        Item::Param(id) => format!("`@{}`", graph.param(id).name),
        Item::Input(id) => format!("`%{}`", graph.value(graph.input(id).value).name),
        Item::Node(id) => {
            let results = &graph.node(id).results;
            results.first().map_or("a node".to_owned(), |&first| format!("`%{}`", graph.value(first).name))
        }
    }
}

#[cfg(test)]
mod tests;
