//! Recurrence along an axis: GRU, AUGRU, or any step that a spec defines, is the body of this one operation.

pub mod body;
pub mod grad;
pub mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Attrs, Declared};
use crate::ir::axis::AxisId;
use crate::ir::graph::Graph;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule};
use grad::ScanGrad;
use shape::{Kind, Shape, Step, in_order, put};

/// `scan(elements, states, rest) {over} body`: the states after each element of `over`.
///
/// An *element* is an operand that has `over`: the body gets one row of it at each step. There is a *state* for each
/// output of the body: the operand gives its first value, and each step makes the next. The rest is the same at every
/// step: parameters, and values of the whole sequence. A sequence without elements has no step, and so no row of result.
#[derive(Debug)]
pub struct Scan;

impl Op for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("body", AttrKind::Body), ("over", AttrKind::Axis)]
    }

    /// (C1) The body has one axis, the sequences, and no parameter, loss or effect; nothing in it draws or couples samples.
    /// (C2) It has an input for each operand and at least one output. (C3) Operands are numbers; at least the first has
    /// `over`, and those that have it stand first. (C4) No axis stands under `over`. (C5) Inputs have the type of their
    /// operand in the space of the sequences, those of the rest that stand in the unit space exactly that type. (C6)
    /// Outputs have the type of their state.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (Some(body), Some(over)) = (site.attrs.body("body"), site.attrs.axis("over")) else {
            return Err(rule::bad_attribute(self.name(), "a body and an axis are needed"));
        };
        body::is_pure(body)?;
        let shape = Shape::fit(self.name(), site, body, (over, body.outputs().len(), 0))?;
        if site.operands.len() != shape.kinds.len() {
            let (operands, inputs) = (site.operands.len(), shape.kinds.len());
            return Err(Fault::new("E0310", format!("`scan` has {operands} operands for {inputs} inputs of its body")));
        }
        let own = body::sequences(body)?;
        let mut results = Vec::new();
        for (i, root) in shape.places(Kind::State).zip(body.outputs()) {
            let state = site.operands[i];
            let wanted = Type { elem: Elem::F32, ..state.with_space(own.clone()) };
            if *body.ty(root.value) != wanted {
                let (wanted, found) = (body.axes().show(&wanted), body.axes().show(body.ty(root.value)));
                let title = format!("output `{}` of a body is {found}, its state needs {wanted}", root.name);
                return Err(Fault::new("E0301", title).of(i));
            }
            results.push(Type::f32(shape.steps.clone(), state.width));
        }
        Ok(results)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (body, over) = told(call)?;
        let shape = shape(call, call.types, over, body.outputs().len())?;
        let spread = shape.spread(call)?;
        let mut states: Vec<Tensor> = shape.places(Kind::State).map(|i| spread[i].clone()).collect();
        let mut found: Vec<Vec<Tensor>> = vec![Vec::new(); states.len()];
        let steps = shape.steps(call.rows, over);
        for step in &steps {
            let inputs = step.inputs(&shape, &spread, &states)?;
            let next = body::run(&body, &inputs, step.sequences.len(), call.device)?;
            for (i, next) in next.into_iter().enumerate() {
                states[i] = put(&states[i], &step.sequences, &next)?;
                found[i].push(next);
            }
        }
        let steps: Vec<&Step> = steps.iter().collect();
        found.iter().enumerate().map(|(i, found)| in_order(&steps, found, call.shape(i), &spread[0])).collect()
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let (Some(body), Some(over)) = (at.attrs.body("body"), at.attrs.axis("over")) else { return Ok(results) };
        let types: Vec<Type> = at.operands.iter().map(|&operand| at.to.ty(operand).clone()).collect();
        let types: Vec<&Type> = types.iter().collect();
        let shape = Shape::of(at.to.graph().axes(), &types, over, body.outputs().len());
        let shape = shape.map_err(|_| Fault::new("E0399", "`scan` over an axis with another under it"))?;
        // A state's derivative is carried from step to step, whether or not that by its first value is wanted.
        let wanted = at.wanted.iter().zip(&shape.kinds).map(|(&wanted, kind)| wanted || *kind == Kind::State);
        let gradient = body::gradient(body, &wanted.collect::<Vec<_>>())?;
        let mut operands = [at.operands, at.results].concat();
        for (&result, cotangent) in at.results.iter().zip(at.cotangents) {
            operands.push(match cotangent {
                Some(cotangent) => *cotangent,
                None => {
                    let like = at.to.ty(result).clone();
                    let zero = make::constant(at.to, 0.0, 1)?;
                    make::expand(at.to, zero, &like)?
                }
            });
        }
        let by = body::inputs_of_outputs(&gradient);
        let attrs = Attrs::none().with("over", over).with("states", body.outputs().len() as i64);
        let found = at.to.op(&ScanGrad, &operands, attrs.with("body", Arc::new(gradient)))?;
        for (i, derivative) in by.into_iter().zip(found) {
            if at.wanted[i] {
                results[i] = Some(at.sum_to_operand(i, derivative)?);
            }
        }
        Ok(results)
    }
}

fn told(call: &Call) -> candle_core::Result<(Arc<Graph>, AxisId)> {
    match (call.attrs.body("body"), call.attrs.axis("over")) {
        (Some(body), Some(over)) => Ok((body.clone(), over)),
        _ => candle_core::bail!("scan: no body"),
    }
}

fn shape(call: &Call, operands: &[&Type], over: AxisId, states: usize) -> candle_core::Result<Shape> {
    match Shape::of(call.rows.axes(), operands, over, states) {
        Ok(shape) => Ok(shape),
        Err(_) => candle_core::bail!("scan over an axis with another under it"),
    }
}
