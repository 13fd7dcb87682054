//! The body of a scan with its kernels chosen: a step of it for some sequences.

use std::collections::BTreeMap;

use crate::ir::graph::{Graph, Node, ValueId};

use super::super::super::kernels::operand::Rows;
use super::super::block::{Block, Data, Read};
use super::super::reduction::{self, Reduction};
use super::super::stage::{self, Stage};

/// A body.
pub(super) struct Body<'g> {
    graph: &'g Graph,
    /// By node, in order.
    kernels: Vec<(&'g Node, Kernel)>,
    /// Where each value lies.
    places: BTreeMap<ValueId, Place>,
    /// Numbers of a row of each buffer, or all of them where there is one row.
    widths: Vec<usize>,
    /// The outputs.
    pub(super) outputs: Vec<Output>,
}

enum Kernel {
    /// Of what all sequences share alone: before the first step.
    Once(Stage),
    /// A row a sequence.
    Step(Stage),
    /// A sum over the sequences of a step.
    Sum(Reduction),
    /// Of such a sum.
    AfterSum(Stage),
}

/// Where a value lies.
#[derive(Clone, Copy)]
enum Place {
    Input(usize),
    Buffer(usize),
}

/// An output of a step.
#[derive(Clone, Copy)]
pub(super) struct Output {
    place: Place,
    /// Numbers of a row, or all of them.
    pub(super) width: usize,
}

/// The buffers of a body, and one for a sum in the form that it is added up in.
pub(super) struct Memory {
    buffers: Vec<Vec<f32>>,
    partial: Vec<f32>,
}

impl<'g> Body<'g> {
    /// The kernels of a body; none if a node has none.
    pub(super) fn of(graph: &'g Graph) -> Option<Self> {
        let mut places = BTreeMap::new();
        for (i, (_, input)) in graph.inputs().enumerate() {
            places.insert(input.value, Place::Input(i));
        }
        let (mut kernels, mut widths) = (Vec::new(), Vec::new());
        // Values of the unit space that follow from a sum, and so differ from step to step.
        let mut summed: Vec<ValueId> = Vec::new();
        for (_, node) in graph.nodes() {
            let [result] = node.results[..] else { return None };
            let ty = graph.ty(result);
            if !ty.is_float() {
                return None;
            }
            let reads_sequences = node.operands.iter().any(|&operand| !graph.ty(operand).space.is_unit());
            let reads_sum = node.operands.iter().any(|operand| summed.contains(operand));
            let kernel = match (ty.space.is_unit(), reads_sequences) {
                (false, _) if !reads_sum => Kernel::Step(stage_of(graph, node)?),
                (true, true) if node.op.name() != "moments" => Kernel::Sum(sum_of(graph, node)?),
                (true, false) if reads_sum => Kernel::AfterSum(stage_of(graph, node)?),
                (true, false) => Kernel::Once(stage_of(graph, node)?),
                _ => return None,
            };
            if matches!(kernel, Kernel::Sum(_) | Kernel::AfterSum(_)) {
                summed.push(result);
            }
            places.insert(result, Place::Buffer(widths.len()));
            widths.push(ty.width as usize * ty.height as usize);
            kernels.push((node, kernel));
        }
        let output = |value: ValueId| {
            let ty = graph.ty(value);
            let width = ty.width as usize * ty.height as usize;
            Some(Output { place: *places.get(&value)?, width })
        };
        let outputs = graph.outputs().iter().map(|root| output(root.value)).collect::<Option<_>>()?;
        Some(Self { graph, kernels, places, widths, outputs })
    }

    /// Buffers for at most so many sequences, with what is computed once.
    pub(super) fn memory(&self, sequences: usize, inputs: &[&[f32]]) -> Memory {
        let sampled = |kernel: &Kernel| matches!(kernel, Kernel::Step(_));
        let lens = self.kernels.iter().zip(&self.widths);
        let lens = lens.map(|((_, kernel), width)| if sampled(kernel) { sequences * width } else { *width });
        let mut memory = Memory { buffers: lens.map(|len| vec![0.0; len]).collect(), partial: Vec::new() };
        for (at, (node, kernel)) in self.kernels.iter().enumerate() {
            if let Kernel::Once(stage) = kernel {
                self.run(at, node, 0, inputs, &mut memory.buffers, |block, out| stage(block, out));
            }
        }
        memory
    }

    /// Computes a step of the first sequences.
    pub(super) fn step(&self, sequences: usize, inputs: &[&[f32]], memory: &mut Memory) {
        let Memory { buffers, partial } = memory;
        for (at, (node, kernel)) in self.kernels.iter().enumerate() {
            match kernel {
                Kernel::Once(_) => {}
                Kernel::Step(stage) | Kernel::AfterSum(stage) => {
                    self.run(at, node, sequences, inputs, buffers, |block, out| stage(block, out));
                }
                Kernel::Sum(sum) => self.run(at, node, sequences, inputs, buffers, |block, out| {
                    partial.clear();
                    partial.resize(sum.len, 0.0);
                    (sum.add)(block, partial);
                    (sum.finish)(partial, &mut [out]);
                }),
            }
        }
    }

    /// The numbers of an output after a step of so many sequences.
    pub(super) fn output<'m>(
        &self,
        output: Output,
        sequences: usize,
        inputs: &[&'m [f32]],
        memory: &'m Memory,
    ) -> &'m [f32] {
        match output.place {
            Place::Input(i) => inputs[i],
            Place::Buffer(at) => match self.kernels[at].1 {
                Kernel::Step(_) => &memory.buffers[at][..sequences * output.width],
                _ => &memory.buffers[at],
            },
        }
    }

    fn run(
        &self,
        at: usize,
        node: &Node,
        sequences: usize,
        inputs: &[&[f32]],
        buffers: &mut [Vec<f32>],
        kernel: impl FnOnce(&Block, &mut [f32]),
    ) {
        let mut out = std::mem::take(&mut buffers[at]);
        let result = self.graph.ty(node.results[0]);
        let sampled = node.operands.iter().any(|&operand| !self.graph.ty(operand).space.is_unit());
        let (rows, len) = match (result.space.is_unit(), sampled) {
            (false, _) => (sequences, sequences * self.widths[at]),
            (true, true) => (sequences, self.widths[at]),
            (true, false) => (result.height as usize, self.widths[at]),
        };
        let read = |&operand: &ValueId| {
            let ty = self.graph.ty(operand);
            let data = match self.places.get(&operand) {
                Some(&Place::Input(i)) => inputs[i],
                Some(&Place::Buffer(buffer)) => &buffers[buffer],
                None => &[],
            };
            let (unit, width) = (ty.space.is_unit(), ty.width as usize);
            let data = if unit { data } else { &data[..sequences * width] };
            let one = unit && ty.height == 1;
            Read { data: Data::F32(data), width, rows: if one { Rows::One } else { Rows::All }, base: 0 }
        };
        let reads: Vec<Read> = node.operands.iter().map(read).collect();
        kernel(&Block { rows, reads: &reads, ..Block::default() }, &mut out[..len]);
        drop(reads);
        buffers[at] = out;
    }
}

/// The stage of a node. Matrices of any size: the steps of a scan are no block loop, so nothing else would take a large one.
fn stage_of(graph: &Graph, node: &Node) -> Option<Stage> {
    match node.op.name() {
        "linear" => stage::linear_of_any_size(graph, node),
        _ => stage::find(graph, node),
    }
}

fn sum_of(graph: &Graph, node: &Node) -> Option<Reduction> {
    match node.op.name() {
        "outer_sum" => reduction::outer_sum_of_any_size(graph, node),
        _ => reduction::find(graph, node),
    }
}
