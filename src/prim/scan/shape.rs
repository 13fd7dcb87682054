//! What the operands of a scan are, and which sequences take each step at which row.

use candle_core::{Result, Tensor};

use crate::ir::axis::{Axes, AxisId};
use crate::ir::graph::Graph;
use crate::ir::op::{Call, Fault, Site};
use crate::ir::rows::Rows;
use crate::ir::types::{Space, Type};

use super::super::{moves, rule, tensor};
use super::body;

/// What an operand of a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has the axis: one row of it for each step of a sequence.
    Element,
    /// The first value of a state.
    State,
    /// The same at every step, one row a sequence.
    Capture,
    /// The same for all sequences: a parameter.
    Shared,
}

/// The operands of a scan, and the spaces it works in.
pub struct Shape {
    /// What each operand is: elements first, then states, then the rest.
    pub kinds: Vec<Kind>,
    /// One row a step of each sequence.
    pub steps: Space,
    /// One row a sequence.
    pub sequences: Space,
}

impl Shape {
    /// Of operands and a number of states; or the axis under `over` that forbids it.
    pub fn of(axes: &Axes, operands: &[&Type], over: AxisId, states: usize) -> std::result::Result<Self, AxisId> {
        let elements = operands.iter().take_while(|ty| ty.space.has(over)).count();
        let kind = |(i, ty): (usize, &&Type)| match i {
            i if i < elements => Kind::Element,
            i if i < elements + states => Kind::State,
            _ if ty.space.is_unit() => Kind::Shared,
            _ => Kind::Capture,
        };
        let kinds = operands.iter().enumerate().map(kind).collect();
        let steps = operands.iter().fold(axes.close(&[over]), |space, ty| space.unite(&ty.space));
        let sequences = axes.without(&steps, &[over])?;
        Ok(Self { kinds, steps, sequences })
    }

    /// Of the operands of a node, held against the inputs of its body; `behind` inputs of it stand for something else.
    pub(super) fn fit(
        name: &str,
        site: &Site,
        body: &Graph,
        (over, states, behind): (AxisId, usize, usize),
    ) -> std::result::Result<Self, Fault> {
        let own = body::sequences(body)?;
        let inputs: Vec<&Type> = body.inputs().map(|(_, input)| body.ty(input.value)).collect();
        let operands = inputs.len().checked_sub(behind).and_then(|count| site.operands.get(..count));
        let Some(operands) = operands.filter(|_| states > 0) else {
            let (operands, inputs) = (site.operands.len(), inputs.len());
            return Err(Fault::new(
                "E0310",
                format!("`{name}` has {operands} operands for {inputs} inputs of its body"),
            ));
        };
        let shape = Self::of(site.axes, operands, over, states).map_err(|child| {
            let child = &site.axes.get(child).name;
            Fault::new("E0306", format!("`{name}` over an axis that `{child}` stands under"))
        })?;
        let late = (0..operands.len()).find(|&i| shape.kinds[i] != Kind::Element && operands[i].space.has(over));
        if shape.kinds.first() != Some(&Kind::Element) || shape.places(Kind::State).count() != states || late.is_some()
        {
            let over = &site.axes.get(over).name;
            let title = format!("`{name}` takes elements of `{over}`, then {states} states, then what all steps share");
            return Err(Fault::new("E0305", title).of(late.unwrap_or(0)));
        }
        for (i, (ty, input)) in operands.iter().zip(inputs).enumerate() {
            rule::numbers(name, site, i)?;
            let wanted = if shape.kinds[i] == Kind::Shared { (*ty).clone() } else { ty.with_space(own.clone()) };
            if *input != wanted || (wanted.height > 1 && !wanted.space.is_unit()) {
                let (wanted, found) = (body.axes().show(&wanted), body.axes().show(input));
                let title = format!("an input of the body of `{name}` is {found}, its operand needs {wanted}");
                return Err(Fault::new("E0301", title).of(i));
            }
        }
        Ok(shape)
    }

    /// The operands of one kind.
    pub fn places(&self, kind: Kind) -> impl Iterator<Item = usize> {
        self.kinds.iter().enumerate().filter(move |(_, own)| **own == kind).map(|(i, _)| i)
    }

    /// The operands with a row for each step or each sequence, shared ones as they are.
    pub(super) fn spread(&self, call: &Call) -> Result<Vec<Tensor>> {
        let each = |(i, kind): (usize, &Kind)| match kind {
            Kind::Element => call.spread(i, &self.steps),
            Kind::State | Kind::Capture => call.spread(i, &self.sequences),
            Kind::Shared => Ok(call.operands[i].clone()),
        };
        self.kinds.iter().enumerate().map(each).collect()
    }

    /// Every step, the first ones first.
    pub(super) fn steps(&self, rows: &Rows, over: AxisId) -> Vec<Step> {
        let (map, elements) = (rows.map(&self.steps, &self.sequences), rows.element(&self.steps, over));
        let (parents, offsets) = (moves::parents(rows, &self.steps, over), rows.offsets(over));
        let mut steps: Vec<Step> = Vec::new();
        for (row, &sequence) in map.iter().enumerate() {
            let place = (elements[row] - offsets[parents[row] as usize]) as usize;
            if steps.len() <= place {
                steps.resize_with(place + 1, Step::default);
            }
            steps[place].sequences.push(sequence);
            steps[place].rows.push(row as u32);
        }
        steps
    }
}

/// One step: the sequences that are long enough for it.
#[derive(Default)]
pub(super) struct Step {
    /// Their rows.
    pub(super) sequences: Vec<u32>,
    /// The rows of this step of theirs.
    pub(super) rows: Vec<u32>,
}

impl Step {
    /// What the body reads, of operands spread by [`Shape::spread`], with the states of now.
    pub(super) fn inputs(&self, shape: &Shape, spread: &[Tensor], states: &[Tensor]) -> Result<Vec<Tensor>> {
        let mut states = states.iter();
        let each = |(kind, own): (&Kind, &Tensor)| match kind {
            Kind::Element => moves::pick(own, &self.rows),
            Kind::State => moves::pick(states.next().unwrap_or(own), &self.sequences),
            Kind::Capture => moves::pick(own, &self.sequences),
            Kind::Shared => Ok(own.clone()),
        };
        shape.kinds.iter().zip(spread).map(each).collect()
    }
}

/// `x` with some rows exchanged.
pub(super) fn put(x: &Tensor, rows: &[u32], new: &Tensor) -> Result<Tensor> {
    let count = x.dim(0)? as u32;
    let mut places: Vec<u32> = (0..count).collect();
    for (new, &row) in rows.iter().enumerate() {
        places[row as usize] = count + new as u32;
    }
    Tensor::cat(&[x, new], 0)?.index_select(&tensor::places(&places, x)?, 0)
}

/// The rows of all steps, gathered step by step, in their own order; zeros if there was no step.
pub(super) fn in_order(steps: &[&Step], found: &[Tensor], shape: (usize, usize), like: &Tensor) -> Result<Tensor> {
    if found.is_empty() {
        return Tensor::zeros(shape, like.dtype(), like.device());
    }
    let mut order = vec![0; shape.0];
    for (place, &row) in steps.iter().flat_map(|step| &step.rows).enumerate() {
        order[row as usize] = place as u32;
    }
    moves::pick(&Tensor::cat(found, 0)?, &order)
}
