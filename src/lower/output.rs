//! `outputs:` one row per sample, or per element of a list that is ranked.

use crate::block::candidate::last_hidden;
use crate::block::evaluate::{Evaluator, Said};
use crate::block::item::Item;
use crate::diag::Diagnostic;
use crate::expr::ast::Expr;
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Graph, ValueId};
use crate::ir::types::{Elem, Type};
use crate::prim::make;
use crate::syntax::spec::{AxisOrigin, Spec};

use super::blame::Blame;
use super::names::Section;
use super::refer::References;

/// Evaluates every output and makes it a root.
pub(super) fn outputs(spec: &Spec, references: &References, blame: &mut Blame, at: &mut Evaluator) {
    let mut made = Vec::new();
    for entry in &spec.outputs {
        let name = &entry.name.name;
        if !references.is_sound(Section::Inputs, name) {
            continue;
        }
        let Ok(item) = at.value(name, &entry.value) else { continue };
        let fields = match item {
            Item::Record(fields) => fields.into_iter().map(|(field, item)| (format!("{name}.{field}"), item)).collect(),
            item => vec![(name.clone(), item)],
        };
        let mut values = Vec::new();
        for (path, item) in fields {
            if let Ok(value) = per_sample(spec, name, &entry.value, item, blame, at) {
                at.to.output(&path, value);
                values.push((path, Item::Value(value)));
            }
        }
        made.push((name, values));
    }
    // Only metrics see outputs.
    for (name, mut values) in made {
        match (values.len(), values.pop()) {
            (1, Some((path, item))) if path == *name => at.define(name, item),
            (_, Some(last)) => {
                values.push(last);
                let field = |path: String| path.rsplit('.').next().unwrap_or_default().to_owned();
                at.define(name, Item::Record(values.into_iter().map(|(path, item)| (field(path), item)).collect()));
            }
            (_, None) => {}
        }
    }
}

/// The value of an output or of the score of a metric: numbers in the space of the sample, or of a list.
pub(super) fn per_sample(
    spec: &Spec,
    name: &str,
    expr: &Expr,
    item: Item,
    blame: &mut Blame,
    at: &mut Evaluator,
) -> Result<ValueId, Said> {
    let value = match item {
        // Places of a table's rows are ids, and printed as such.
        Item::Value(value) if matches!(at.to.ty(value).elem, Elem::Index(_)) => value,
        item => at.number_value(item, expr.span)?,
    };
    let hidden = last_hidden(&mut at.to, value);
    let value = at.settle(hidden, expr.span)?;
    let graph = at.to.graph();
    let space = graph.ty(value).space.clone();
    let batch = graph.axes().find("B");
    let left: Vec<AxisId> = space
        .axes()
        .iter()
        .copied()
        .filter(|axis| Some(*axis) != batch && !is_list(spec, &graph.axis(*axis).name) && !is_fixed(graph, *axis))
        .collect();
    if let Some(&axis) = left.last() {
        blame.axis_left(at, name, expr, value, axis);
        return Err(Said);
    }
    if at.to.ty(value).height != 1 {
        let ty = at.type_at(expr.span);
        return Err(at.say(Diagnostic::new("E0302", format!("`{name}` is a matrix")).at(expr.span, ty)));
    }
    match batch {
        Some(batch) if !space.has(batch) => {
            let ty = Type::f32(at.to.graph().axes().close(&[batch]), at.to.ty(value).width);
            let expanded = make::expand(&mut at.to, value, &ty);
            at.settle(expanded, expr.span)
        }
        _ => Ok(value),
    }
}

/// Whether an axis has the same elements in every sample, which then stand side by side.
fn is_fixed(graph: &Graph, axis: AxisId) -> bool {
    matches!(graph.axis(axis).kind, AxisKind::Static { .. })
}

/// Whether an axis is a list of candidates, which a prediction scores one by one.
fn is_list(spec: &Spec, name: &str) -> bool {
    spec.axes.iter().any(|axis| axis.name.name == name && matches!(axis.value.origin, AxisOrigin::List { .. }))
}
