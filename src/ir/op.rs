//! What an operation must say: its type rule, its reference value, its derivative.

use std::fmt::Debug;

use candle_core::{Device, Tensor};

use super::attr::{Attrs, Declared};
use super::axis::Axes;
use super::build::Builder;
use super::graph::ValueId;
use super::rows::Rows;
use super::types::{Space, Type};

/// Why operands do not fit an operation: a diagnostic that does not know its place yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Its code.
    pub code: &'static str,
    /// The fact.
    pub title: String,
    /// The operand at fault, where one is: its place gets the mark.
    pub operand: Option<usize>,
    /// Ways out.
    pub help: Vec<String>,
}

/// What a type rule sees.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The graph's axes.
    pub axes: &'a Axes,
    /// Types of the operands.
    pub operands: &'a [&'a Type],
    /// Attributes.
    pub attrs: &'a Attrs,
}

/// What an evaluation sees. Tensors are contiguous matrices, `rows(space) * height` by `width`, `f32` (numbers and
/// conditions) or `u32` (ids and places).
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Attributes.
    pub attrs: &'a Attrs,
    /// Types of the operands.
    pub types: &'a [&'a Type],
    /// Values of the operands.
    pub operands: &'a [Tensor],
    /// Types of the results.
    pub results: &'a [&'a Type],
    /// How many rows every space has, and the maps between them.
    pub rows: &'a Rows,
    /// The address of this step's random numbers.
    pub noise: Noise,
    /// Where results are wanted.
    pub device: &'a Device,
}

/// The part of a random number's address that a step fixes; the rest is the stream, the sample and the place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// The run's seed.
    pub seed: u64,
    /// The step, counted from the start of training.
    pub step: u64,
}

/// What a derivative sees; it adds the nodes of the backward pass through `to`.
pub struct Vjp<'a> {
    /// The graph under construction; every value below is of it.
    pub to: &'a mut Builder,
    /// The forward node's operands.
    pub operands: &'a [ValueId],
    /// The forward node's results.
    pub results: &'a [ValueId],
    /// Its attributes.
    pub attrs: &'a Attrs,
    /// The loss's derivative by each result; absent means zero.
    pub cotangents: &'a [Option<ValueId>],
    /// Whether a derivative by this operand is wanted at all.
    pub wanted: &'a [bool],
}

/// Derivatives by operand; absent means zero.
pub type Cotangents = Vec<Option<ValueId>>;

/// A pure operation.
pub trait Op: Debug + Sync {
    /// Its name in the text form; unique in the registry.
    fn name(&self) -> &'static str;

    /// The attributes it takes, alphabetical: every node has exactly these, each of its kind.
    fn attributes(&self) -> &'static [Declared] {
        &[]
    }

    /// Types of the results, or why the operands do not fit. After `Ok`, `eval` gives a value or an error, never a panic.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault>;

    /// The reference value, on any device.
    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>>;

    /// Adds the derivative by each operand. Sums to the operand's own space belong to it.
    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault>;

    /// Whether a row of the result depends on other samples (batch statistics, sums over the batch): such values
    /// stand in no inference graph.
    fn couples_samples(&self, site: &Site) -> bool {
        let _ = site;
        false
    }

    /// Whether it stands in a model graph only, until a pass says what it means in training and in inference.
    fn is_composite(&self) -> bool {
        false
    }

    /// Whether its value depends on the address of the step's random numbers: none of these in an inference graph.
    fn draws(&self) -> bool {
        false
    }
}

/// An operation that changes parameters, after every read of the step.
pub trait EffectOp: Debug + Sync {
    /// Its name in the text form; unique in the registry of effects.
    fn name(&self) -> &'static str;

    /// The attributes it takes, as [`Op::attributes`].
    fn attributes(&self) -> &'static [Declared] {
        &[]
    }

    /// Whether targets (types of the parameters) and operands fit.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault>;

    /// New values of the targets.
    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>>;
}

impl Fault {
    /// A fault without a place.
    pub fn new(code: &'static str, title: impl Into<String>) -> Self {
        Self { code, title: title.into(), operand: None, help: Vec::new() }
    }

    /// The operand at fault.
    #[must_use]
    pub fn of(mut self, operand: usize) -> Self {
        self.operand = Some(operand);
        self
    }

    /// A way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

impl Site<'_> {
    /// The space of all operands together: what broadcasting gives.
    pub fn united(&self) -> Space {
        self.operands.iter().fold(Space::unit(), |space, ty| space.unite(&ty.space))
    }

    /// A type as errors show it.
    pub fn show(&self, ty: &Type) -> String {
        self.axes.show(ty)
    }
}

impl Call<'_> {
    /// The tensor of rows and columns that result `i` must have.
    pub fn shape(&self, i: usize) -> (usize, usize) {
        let ty = self.results[i];
        (self.rows.count(&ty.space) * ty.height as usize, ty.width as usize)
    }

    /// Operand `i` with a row for every row of `space`, by the map between them; itself where the spaces are the same.
    pub fn spread(&self, i: usize, space: &Space) -> candle_core::Result<Tensor> {
        let own = &self.types[i].space;
        if own == space {
            return Ok(self.operands[i].clone());
        }
        let map = self.rows.map(space, own);
        let map = Tensor::from_slice(&map, map.len(), self.operands[i].device())?;
        self.operands[i].index_select(&map, 0)
    }
}
