//! An inference graph of samples becomes one of requests: what the item brings stands at `[request, candidate]`, everything
//! else at `[request]`. Types are inferred again, so what does not depend on the candidate has a row per request and is
//! computed once for all candidates; nothing is moved by hand.
//!
//! It is not legal in training, where a value of fewer rows would weigh otherwise in batch statistics and losses.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::attr::{Attr, Attrs};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, InputId, Item, NodeId, ValueId};
use crate::ir::op::{Fault, Site};
use crate::ir::types::{Space, Type};
use crate::prim::make;

use super::Goal;

/// The axis of a request's candidates; feeds name its offsets so.
pub const CANDIDATE: &str = "candidate";

/// The axis of requests.
const REQUEST: &str = "request";

/// Instantiates at requests, if that is the goal.
pub fn request(graph: &Graph, goal: Goal) -> Result<Graph, Fault> {
    match goal {
        Goal::Request => Mapping::of(graph)?.map(),
        _ => Ok(graph.clone()),
    }
}

struct Mapping<'a> {
    copy: Copy<'a>,
    batch: AxisId,
    /// Axes of the old graph that a candidate has for itself: the values of a feature of several.
    of_item: BTreeSet<AxisId>,
    /// Axes of the new graph, which are made first.
    request: AxisId,
    candidate: AxisId,
}

impl<'a> Mapping<'a> {
    fn of(graph: &'a Graph) -> Result<Self, Fault> {
        let batch = graph.axes().ids().find(|&axis| matches!(graph.axis(axis).kind, AxisKind::Batch));
        let batch = batch.ok_or_else(|| unmapped("the graph has no samples".to_owned()))?;
        if !graph.losses().is_empty() || !graph.effects().is_empty() {
            return Err(unmapped("the graph has losses, and requests have none".to_owned()));
        }
        if !graph.inputs().any(|(_, input)| input.source.is_of_item()) {
            return Err(unmapped(
                "no input is of the item, so all candidates would be alike: `side: item` says which feature is"
                    .to_owned(),
            ));
        }
        if let Some(taken) = [REQUEST, CANDIDATE].iter().find(|name| graph.axes().find(name).is_some()) {
            return Err(unmapped(format!("an axis is named `{taken}`, which requests call an axis of their own")));
        }
        let mut copy = Copy::new(graph);
        let request = copy.to.axis(REQUEST, None, AxisKind::Batch);
        let candidate = copy.to.axis(CANDIDATE, Some(request), AxisKind::Ragged { max: None });
        copy.replace_axis(batch, request);
        Ok(Self { of_item: axes_of_item(graph, batch)?, copy, batch, request, candidate })
    }

    fn map(mut self) -> Result<Graph, Fault> {
        let graph = self.copy.from;
        for &item in graph.order() {
            match item {
                Item::Axis(id) if id == self.batch => {}
                Item::Axis(id) if self.of_item.contains(&id) => self.axis(id),
                Item::Input(id) => self.input(id)?,
                Item::Node(id) => self.node(id)?,
                item => self.copy.item(item)?,
            }
        }
        for root in graph.outputs() {
            let value = self.output(&root.name, root.value)?;
            self.copy.to.output(&root.name, value);
        }
        Ok(self.copy.to.finish())
    }

    fn axis(&mut self, old: AxisId) {
        let axis = self.copy.from.axis(old);
        let kind = match axis.kind {
            AxisKind::Twin { of } => AxisKind::Twin { of: self.copy.copy_axis(of) },
            AxisKind::Appended { of } => AxisKind::Appended { of: self.copy.copy_axis(of) },
            AxisKind::Sub { of, condition } => {
                AxisKind::Sub { of: self.copy.copy_axis(of), condition: self.copy.value(condition) }
            }
            ref other => other.clone(),
        };
        let new = self.copy.to.axis(&axis.name, Some(self.candidate), kind);
        self.copy.replace_axis(old, new);
    }

    fn candidates(&self) -> Space {
        self.copy.to.graph().axes().close(&[self.candidate])
    }

    fn input(&mut self, id: InputId) -> Result<(), Fault> {
        let input = self.copy.from.input(id);
        if !input.source.is_of_item() {
            return self.copy.item(Item::Input(id));
        }
        let ty = self.copy.ty(input.value);
        let ty = ty.with_space(ty.space.unite(&self.candidates()));
        self.copy.to.locate(self.copy.from.span(input.value));
        let value = self.copy.to.input(&self.copy.from.value(input.value).name, ty, input.source.clone());
        self.copy.replace(input.value, value);
        Ok(())
    }

    fn node(&mut self, id: NodeId) -> Result<(), Fault> {
        let graph = self.copy.from;
        let node = graph.node(id);
        let types: Vec<&Type> = node.operands.iter().map(|&operand| graph.ty(operand)).collect();
        if node.op.couples_samples(&Site { axes: graph.axes(), operands: &types, attrs: &node.attrs }) {
            return Err(self.refused(node.results[0], unmapped("it follows from several samples".to_owned())));
        }
        let operands = self.copy.operands(node);
        let attrs = self.copy.attrs(&node.attrs);
        let attrs = self.spaces(attrs, &operands);
        self.copy.at(node);
        let results =
            self.copy.to.op(node.op, &operands, attrs).map_err(|fault| self.refused(node.results[0], fault))?;
        for (&old, new) in node.results.iter().zip(results) {
            self.copy.replace_named(old, new);
        }
        Ok(())
    }

    /// An attribute that names samples is a space: it is closed again, and holds what the operands stand at.
    fn spaces(&self, attrs: Attrs, operands: &[ValueId]) -> Attrs {
        let graph = self.copy.to.graph();
        let mut mapped = attrs.clone();
        for (name, attr) in attrs.iter() {
            if let Attr::Axes(axes) = attr
                && axes.contains(&self.request)
            {
                let space = operands.iter().fold(graph.axes().close(axes), |all, &own| all.unite(&graph.ty(own).space));
                mapped = mapped.with(name, space.axes().to_vec());
            }
        }
        mapped
    }

    /// An output has a row per candidate, also one that all candidates have in common.
    fn output(&mut self, name: &str, old: ValueId) -> Result<ValueId, Fault> {
        let value = self.copy.value(old);
        let ty = self.copy.to.ty(value).clone();
        if ty.space.has(self.candidate) {
            return Ok(value);
        }
        let wanted = Type { space: ty.space.unite(&self.candidates()), ..ty };
        self.copy.to.enter(name);
        make::expand(&mut self.copy.to, value, &wanted).map_err(|fault| self.refused(old, fault))
    }

    fn refused(&self, value: ValueId, fault: Fault) -> Fault {
        let name = &self.copy.from.value(value).name;
        let title = format!("`%{name}` has no form for the candidates of a request: {}", fault.title);
        Fault { title, ..fault }
    }
}

/// Axes under samples that hold what the item brings, and those made of them.
fn axes_of_item(graph: &Graph, batch: AxisId) -> Result<BTreeSet<AxisId>, Fault> {
    let mut sides: BTreeMap<AxisId, bool> = BTreeMap::new();
    for (_, input) in graph.inputs() {
        let of_item = input.source.is_of_item();
        let under = graph.ty(input.value).space.axes().iter().filter(|&&axis| graph.axis(axis).parent == Some(batch));
        for &axis in under {
            if *sides.entry(axis).or_insert(of_item) != of_item {
                let name = &graph.axis(axis).name;
                return Err(unmapped(format!("some inputs along `{name}` are of the item and some are not")));
            }
        }
    }
    let mut found: BTreeSet<AxisId> = sides.into_iter().filter(|&(_, of_item)| of_item).map(|(axis, _)| axis).collect();
    for axis in graph.axes().ids() {
        if let AxisKind::Twin { of } | AxisKind::Appended { of } | AxisKind::Sub { of, .. } = graph.axis(axis).kind
            && found.contains(&of)
        {
            found.insert(axis);
        }
    }
    Ok(found)
}

fn unmapped(title: String) -> Fault {
    Fault::new("E0399", title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::check::graph;

    const AXES: &str = "axis tags: ragged of B axis h: ragged(9) of B
        input %item: f32[B, 2] of item
        input %tags: f32[B, tags, 2] = feature(tags) of item
        input %user: f32[B, 2]
        input %h.item: f32[B, h, 2]";

    fn mapped(lines: &str) -> Result<String, String> {
        let text = request(&graph(&format!("{AXES} {lines}")), Goal::Request);
        text.map(|graph| graph.to_string()).map_err(|fault| fault.title)
    }

    #[test]
    fn only_what_follows_from_the_item_has_candidates() {
        let text = mapped(
            "%tag: f32[B, 2] = sum(%tags) {over: tags}
            %tag.count: f32[B, 1] = count() {of: [B, tags], over: tags}
            %history: f32[B, 2] = sum(%h.item) {over: h}
            %both: f32[B, h, 2] = mul(%item, %h.item)
            %interest: f32[B, 2] = sum(%both) {over: h}
            output interest = %interest
            output tag = %tag
            output count = %tag.count
            output history = %history",
        )
        .unwrap();
        for line in [
            "axis tags: ragged of candidate",
            "axis h: ragged(9) of request",
            "input %item: f32[request, candidate, 2] of item",
            "input %tags: f32[request, candidate, tags, 2] of item",
            "input %user: f32[request, 2]",
            "%tag: f32[request, candidate, 2] = sum(%tags) {over: tags}",
            "%tag.count: f32[request, candidate, 1] = count() {of: [request, candidate, tags], over: tags}",
            "%history: f32[request, 2] = sum(%h.item) {over: h}",
            "%both: f32[request, candidate, h, 2] = mul(%item, %h.item)",
            "%interest: f32[request, candidate, 2] = sum(%both) {over: h}",
            "%history.expand: f32[request, candidate, 2] = expand(%history) {to: [request, candidate], width: 2}",
        ] {
            assert!(text.contains(&format!("  {line}\n")), "{line} in\n{text}");
        }
    }

    #[test]
    fn what_cannot_be_mapped_names_the_value() {
        let of_batch = mapped("%sum: f32[2] = sum(%item) {over: B} output sum = %sum");
        assert!(
            of_batch
                .unwrap_err()
                .contains("`%sum` has no form for the candidates of a request: it follows from several")
        );
        let both = "input %c: bool[B, h] = feature(c) along h of item";
        assert!(mapped(both).unwrap_err().contains("some inputs along `h`"));
        let without = graph("input %x: f32[B, 1] output x = %x");
        assert!(request(&without, Goal::Request).unwrap_err().title.contains("no input is of the item"));
        assert_eq!(request(&without, Goal::Predict).unwrap(), without);
    }
}
