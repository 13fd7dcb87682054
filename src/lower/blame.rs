//! Finds the part of an expression that brings in an axis nobody reduces, and says how to reduce it.

use std::collections::BTreeSet;

use crate::block::evaluate::Evaluator;
use crate::block::library::{each_name, parts};
use crate::diag::{Diagnostic, Span};
use crate::expr::ast::{Expr, ExprKind};
use crate::ir::axis::AxisId;
use crate::ir::graph::ValueId;
use crate::syntax::spec::Spec;

/// Axes that have been blamed on values.
#[derive(Debug)]
pub(super) struct Blame<'a> {
    spec: &'a Spec,
    /// Where a finding stands already: an output and a metric of one value have one finding.
    seen: BTreeSet<(String, AxisId)>,
}

impl<'a> Blame<'a> {
    pub(super) fn new(spec: &'a Spec) -> Self {
        Self { spec, seen: BTreeSet::new() }
    }

    /// The finding that a value `name` has an axis where one row per sample is needed.
    pub(super) fn axis_left(&mut self, at: &mut Evaluator, name: &str, expr: &Expr, value: ValueId, axis: AxisId) {
        let (mut subject, mut expr) = (name, expr);
        let mut part = descend(at, expr, axis);
        // Where the axis comes through a value of `model` that no other value needs, that value is at fault.
        if let ExprKind::Name(inner) = &part.kind
            && !self.is_needed(inner)
            && let Some(entry) = self.spec.model.iter().find(|entry| entry.name.name == *inner)
        {
            (subject, expr) = (inner, &entry.value);
            part = descend(at, expr, axis);
        }
        if !self.seen.insert((subject.to_owned(), axis)) {
            return;
        }
        let axis_name = at.to.graph().axis(axis).name.clone();
        let title = format!("`{subject}` needs one row per sample, but has axis `{axis_name}`");
        let ty = at.type_at(part.span);
        let ty = if ty.is_empty() { at.to.graph().axes().show(at.to.ty(value)) } else { ty };
        let help = format!("reduce it first: {}", self.ways_out(part, &axis_name));
        at.say(Diagnostic::new("E0304", title).at(part.span, ty).help(help));
    }

    /// Whether a value of `model` needs another one, which then may well have an axis.
    fn is_needed(&self, name: &str) -> bool {
        let mut needed = false;
        for entry in &self.spec.model {
            each_name(&entry.value, &mut |other| needed |= other.name == name);
        }
        needed
    }

    fn ways_out(&self, part: &Expr, axis: &str) -> String {
        let mean = format!("`mean({part}, over={axis})`");
        let member = match &part.kind {
            ExprKind::Member(base, member) if matches!(&base.kind, ExprKind::Name(name) if name == axis) => {
                &member.name
            }
            _ => return mean,
        };
        let of_sample = self.spec.groups.iter().map(|group| &group.name.name);
        let mut of_sample = of_sample.chain(self.spec.features.iter().map(|feature| &feature.name.name));
        match of_sample.any(|name| name == member) {
            true => format!("{mean} or `din({member}, {part}, over={axis})`"),
            false => mean,
        }
    }
}

/// The innermost part of an expression that has an axis: names are not looked behind.
fn descend<'e>(at: &Evaluator, expr: &'e Expr, axis: AxisId) -> &'e Expr {
    let has = |span: Span| at.traced(span).is_some_and(|value| at.to.ty(value).space.has(axis));
    let mut part = expr;
    while let Some(inner) = parts(part).into_iter().find(|inner| has(inner.span)) {
        part = inner;
    }
    part
}
