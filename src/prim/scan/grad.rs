//! A scan walked backwards: the derivative of each step's body, the last step first.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::super::add_rows::add_rows;
use super::super::{moves, rule};
use super::shape::{Kind, Shape, Step, in_order, put};
use super::{body, shape, told};

/// `scan_grad(operands of the scan, its results, their derivatives) {over, states} body`: the derivative by each operand
/// that the body has an output for.
///
/// Its body takes what the scan's takes, and behind that the derivatives by the states after the step. It computes what it
/// needs of the step again, so that a scan keeps its states only.
#[derive(Debug)]
pub struct ScanGrad;

impl Op for ScanGrad {
    fn name(&self) -> &'static str {
        "scan_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("body", AttrKind::Body), ("over", AttrKind::Axis), ("states", AttrKind::Int)]
    }

    /// (C1) to (C5) of `scan` for the operands, except that sequences may come together in a derivative. (C2) A result and
    /// a derivative for each state, numbers as the scan gives them. (C3) An output of the body is named like an input, and
    /// has its type.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (Some(body), Some(over)) = (site.attrs.body("body"), site.attrs.axis("over")) else {
            return Err(rule::bad_attribute(self.name(), "a body and an axis are needed"));
        };
        let states = rule::size(site, "states") as usize;
        let shape = Shape::fit(self.name(), site, body, (over, states, states))?;
        let behind = &site.operands[shape.kinds.len()..];
        if behind.len() != 2 * states {
            return Err(Fault::new("E0310", format!("`scan_grad` has {} operands for {states} states", behind.len())));
        }
        for (i, ty) in behind.iter().enumerate() {
            let state = shape.places(Kind::State).nth(i % states).map_or(0, |state| site.operands[state].width);
            let wanted = Type::f32(shape.steps.clone(), state);
            if **ty != wanted {
                let title = format!("`scan_grad` needs {}, found {}", site.show(&wanted), site.show(ty));
                return Err(Fault::new("E0301", title).of(shape.kinds.len() + i));
            }
        }
        let inputs: Vec<&Type> = body.inputs().map(|(_, input)| body.ty(input.value)).collect();
        let by = body::inputs_of_outputs(body);
        let fits = |(&i, root): (&usize, &crate::ir::graph::Root)| {
            i < shape.kinds.len() && *body.ty(root.value) == Type { elem: Elem::F32, ..inputs[i].clone() }
        };
        if by.len() != body.outputs().len() || !by.iter().zip(body.outputs()).all(fits) {
            return Err(Fault::new("E0301", "an output of the body of `scan_grad` is no derivative by an input"));
        }
        let result = |i: usize| match shape.kinds[i] {
            Kind::Element => Type::f32(shape.steps.clone(), site.operands[i].width),
            Kind::State | Kind::Capture => Type::f32(shape.sequences.clone(), site.operands[i].width),
            Kind::Shared => Type { elem: Elem::F32, ..site.operands[i].clone() },
        };
        Ok(by.into_iter().map(result).collect())
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (body, over) = told(call)?;
        let states = call.attrs.int("states") as usize;
        let count = call.operands.len().saturating_sub(2 * states);
        let shape = shape(call, &call.types[..count], over, states)?;
        let by = body::inputs_of_outputs(&body);
        let spread = shape.spread(call)?;
        let first: Vec<Tensor> = shape.places(Kind::State).map(|i| spread[i].clone()).collect();
        let (after, cotangents) = call.operands[count..].split_at(states);
        let mut carried: Vec<Tensor> = first.iter().map(Tensor::zeros_like).collect::<candle_core::Result<_>>()?;
        let mut sums: Vec<Option<Tensor>> = vec![None; by.len()];
        let mut found: Vec<Vec<Tensor>> = vec![Vec::new(); by.len()];
        let steps = shape.steps(call.rows, over);
        for (at, step) in steps.iter().enumerate().rev() {
            let before = match at.checked_sub(1).map(|at| &steps[at]) {
                None => first.clone(),
                Some(before) => states_before(before, &first, after)?,
            };
            let mut inputs = step.inputs(&shape, &spread, &before)?;
            for (carried, cotangent) in carried.iter().zip(cotangents) {
                let own = moves::pick(cotangent, &step.rows)?;
                inputs.push((moves::pick(carried, &step.sequences)? + own)?);
            }
            // A state that the step does not read carries nothing further.
            for carried in &mut carried {
                let nothing = Tensor::zeros((step.sequences.len(), carried.dim(1)?), carried.dtype(), call.device)?;
                *carried = put(carried, &step.sequences, &nothing)?;
            }
            let derivatives = body::run(&body, &inputs, step.sequences.len(), call.device)?;
            for (result, (derivative, &i)) in derivatives.into_iter().zip(&by).enumerate() {
                match shape.kinds[i] {
                    Kind::Element => found[result].push(derivative),
                    Kind::State => {
                        if let Some(at) = shape.places(Kind::State).position(|place| place == i) {
                            carried[at] = put(&carried[at], &step.sequences, &derivative)?;
                        }
                    }
                    Kind::Capture => {
                        let zeros = spread[i].zeros_like()?;
                        add(&mut sums[result], add_rows(&zeros, &step.sequences, &derivative)?)?;
                    }
                    Kind::Shared => add(&mut sums[result], derivative)?,
                }
            }
        }
        let steps: Vec<&Step> = steps.iter().rev().collect();
        let mut results = Vec::with_capacity(by.len());
        for (result, &i) in by.iter().enumerate() {
            let state = shape.places(Kind::State).position(|place| place == i);
            results.push(match (shape.kinds[i], state, sums[result].take()) {
                (Kind::Element, ..) => in_order(&steps, &found[result], call.shape(result), &spread[0])?,
                (_, Some(state), _) => carried[state].clone(),
                (_, _, Some(sum)) => sum,
                (_, _, None) => Tensor::zeros(call.shape(result), spread[0].dtype(), call.device)?,
            });
        }
        Ok(results)
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`scan_grad` has no derivative"))
    }

    /// What all sequences share gets the sum of their derivatives.
    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}

/// The states after a step, by sequence.
fn states_before(step: &Step, first: &[Tensor], after: &[Tensor]) -> candle_core::Result<Vec<Tensor>> {
    let each = |(first, after): (&Tensor, &Tensor)| put(first, &step.sequences, &moves::pick(after, &step.rows)?);
    first.iter().zip(after).map(each).collect()
}

fn add(sum: &mut Option<Tensor>, part: Tensor) -> candle_core::Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => (sum + part)?,
        None => part,
    });
    Ok(())
}
