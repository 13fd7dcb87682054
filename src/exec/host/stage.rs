//! Stage kernels: what a node of samples does to one block. A table by operation; a node that has no row here, or whose
//! form the kernel does not know, is computed by the Candle backend.

use crate::ir::graph::{Graph, Node};

use super::super::kernels::binary::{Binary, Write};
use super::super::kernels::gemm::{Shape, Start, Strided, gemm};
use super::super::kernels::noise::Mask;
use super::super::kernels::operand::Rows;
use super::super::kernels::rows::{Columns, copy_columns, gather, scatter_add};
use super::super::kernels::unary::Unary;
use super::super::kernels::{self, binary, layer_norm, reduce, select, unary};
use super::block::{Block, Read};
use super::{arrange, attend, compare, group, varying};
use crate::prim::philox::Stream;

/// Writes the rows of one block.
pub(super) type Stage = Box<dyn Fn(&Block, &mut [f32]) + Send + Sync>;

/// Makes the kernel of one node, if it can.
type Make = fn(&Graph, &Node) -> Option<Stage>;

/// Operations with a form of their own, alphabetical; elementwise ones are in the two tables below.
const STAGES: &[(&str, Make)] = &[
    ("attention", attend::attention),
    ("choose", |graph, node| {
        let width = width(graph, node);
        Some(Box::new(move |block, out| {
            let [c, a, b] = block.reads else { return };
            select::select(c.operand(), a.operand(), b.operand(), out, width);
        }))
    }),
    ("concat", |graph, node| {
        let width = width(graph, node);
        Some(Box::new(move |block, out| concat(block, out, width)))
    }),
    ("constant", |_, node| {
        let value = node.attrs.float("value") as f32;
        Some(Box::new(move |_, out| out.fill(value)))
    }),
    ("dot", |graph, node| {
        let width = graph.ty(node.operands[0]).width.max(graph.ty(node.operands[1]).width) as usize;
        Some(Box::new(move |block, out| {
            let [a, b] = block.reads else { return };
            reduce::row_dot(a.operand(), b.operand(), width, Write::Set, out);
        }))
    }),
    ("expand", |graph, node| {
        let width = width(graph, node);
        Some(Box::new(move |block, out| copy_repeated(block, out, width)))
    }),
    ("gather", |graph, node| {
        let width = width(graph, node);
        Some(Box::new(move |block, out| {
            let [rows, places] = block.reads else { return };
            if rows.base == 0 {
                return gather(rows.floats(), width, places.places(), out);
            }
            // Places count over the batch.
            let first = rows.base * width;
            for (out, &place) in out.chunks_exact_mut(width).zip(places.places()) {
                let from = place as usize * width - first;
                out.copy_from_slice(&rows.floats()[from..from + width]);
            }
        }))
    }),
    ("known", |_, _| {
        Some(Box::new(|block, out| {
            for (known, label) in out.iter_mut().zip(block.reads[0].floats()) {
                *known = if label.is_nan() { 0.0 } else { 1.0 };
            }
        }))
    }),
    ("layer_norm", |_, node| {
        let eps = node.attrs.float("eps") as f32;
        Some(Box::new(move |block, out| {
            let [x, scale, shift] = block.reads else { return };
            layer_norm::layer_norm(x.floats(), scale.floats(), shift.floats(), eps, out);
        }))
    }),
    ("layer_norm_grad", |_, node| {
        let eps = node.attrs.float("eps") as f32;
        Some(Box::new(move |block, out| {
            let [g, x, scale] = block.reads else { return };
            layer_norm::layer_norm_grad(g.floats(), x.floats(), scale.floats(), eps, out);
        }))
    }),
    ("leaky_relu", |_, node| {
        let op = Unary::LeakyRelu(node.attrs.float("slope") as f32);
        Some(Box::new(move |block, out| unary::unary(op, block.reads[0].floats(), out)))
    }),
    ("leaky_relu_grad", |graph, node| {
        let (op, width) = (Binary::LeakyReluGrad(node.attrs.float("slope") as f32), width(graph, node));
        Some(Box::new(move |block, out| elementwise(op, block, out, width)))
    }),
    ("linear", linear),
    ("linear_scaled", varying::linear_scaled),
    ("matrix_dot", varying::matrix_dot),
    ("outer_by", varying::outer_by),
    ("pad", |graph, node| {
        let (width, from) = (width(graph, node), node.attrs.int("from") as usize);
        Some(Box::new(move |block, out| {
            let x = &block.reads[0];
            out.fill(0.0);
            let (of, to) = (Columns { stride: x.width, from: 0 }, Columns { stride: width, from });
            copy_columns(x.floats(), of, out, to, block.rows, x.width, Write::Set);
        }))
    }),
    ("random", random),
    ("rows", |graph, node| {
        let from = node.attrs.int("from") as usize * width(graph, node);
        Some(Box::new(move |block, out| out.copy_from_slice(&block.reads[0].floats()[from..from + out.len()])))
    }),
    ("rows_pad", |graph, node| {
        let from = node.attrs.int("from") as usize * width(graph, node);
        Some(Box::new(move |block, out| {
            let x = block.reads[0].floats();
            out.fill(0.0);
            out[from..from + x.len()].copy_from_slice(x);
        }))
    }),
    ("scaled_linear", varying::scaled_linear),
    ("slice", |graph, node| {
        let (width, from) = (width(graph, node), node.attrs.int("from") as usize);
        Some(Box::new(move |block, out| {
            let x = &block.reads[0];
            let (of, to) = (Columns { stride: x.width, from }, Columns { stride: width, from: 0 });
            copy_columns(x.floats(), of, out, to, block.rows, width, Write::Set);
        }))
    }),
    ("stop_gradient", |_, _| Some(Box::new(|block, out| out.copy_from_slice(block.reads[0].floats())))),
    ("sum", |graph, node| {
        let width = width(graph, node);
        Some(Box::new(move |block, out| {
            let x = block.reads[0].floats();
            match block.to_result {
                Rows::Map(map) => {
                    out.fill(0.0);
                    scatter_add(x, width, None, map, out);
                }
                _ => out.copy_from_slice(x),
            }
        }))
    }),
    ("sum_width", |graph, node| {
        let width = graph.ty(node.operands[0]).width as usize;
        Some(Box::new(move |block, out| reduce::row_sum(block.reads[0].floats(), width, Write::Set, out)))
    }),
    ("transpose", |graph, node| {
        let w = graph.ty(node.operands[0]);
        let (rows, columns) = (w.height as usize, w.width as usize);
        Some(Box::new(move |block, out| kernels::gemm::transpose(block.reads[0].floats(), rows, columns, out)))
    }),
];

/// Elementwise operations of two operands, alphabetical.
const BINARY: &[(&str, Binary)] = &[
    ("add", Binary::Add),
    ("and", Binary::Mul),
    ("bce", Binary::Bce),
    ("bce_grad", Binary::BceSlope),
    ("div", Binary::Div),
    ("eq", Binary::Equal),
    ("ge", Binary::GreaterEqual),
    ("gelu_grad", Binary::GeluGrad),
    ("gt", Binary::Greater),
    ("le", Binary::LessEqual),
    ("lt", Binary::Less),
    ("max", Binary::Max),
    ("min", Binary::Min),
    ("mul", Binary::Mul),
    ("ne", Binary::NotEqual),
    ("or", Binary::Max),
    ("relu_grad", Binary::ReluGrad),
    ("sigmoid_grad", Binary::SigmoidGrad),
    ("softplus_grad", Binary::SoftplusGrad),
    ("sqrt_grad", Binary::SqrtGrad),
    ("sub", Binary::Sub),
    ("tanh_grad", Binary::TanhGrad),
];

/// Elementwise operations of one operand, alphabetical.
const UNARY: &[(&str, Unary)] = &[
    ("abs", Unary::Abs),
    ("erf", Unary::Erf),
    ("exp", Unary::Exp),
    ("gelu", Unary::Gelu),
    ("log", Unary::Log),
    ("neg", Unary::Neg),
    ("not", Unary::Not),
    ("recip", Unary::Reciprocal),
    ("relu", Unary::Relu),
    ("rsqrt", Unary::Rsqrt),
    ("sigmoid", Unary::Sigmoid),
    ("sign", Unary::Sign),
    ("softplus", Unary::Softplus),
    ("sqrt", Unary::Sqrt),
    ("square", Unary::Square),
    ("tanh", Unary::Tanh),
];

/// The stage kernel of a node.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Stage> {
    let [result] = node.results[..] else { return None };
    if !graph.ty(result).is_float() {
        return None;
    }
    let name = node.op.name();
    let width = width(graph, node);
    if let Some(&(_, op)) = BINARY.iter().find(|(known, _)| *known == name) {
        if node.operands.iter().any(|&operand| !graph.ty(operand).is_float()) {
            return compare::find(graph, node);
        }
        return Some(Box::new(move |block, out| elementwise(op, block, out, width)));
    }
    if let Some(&(_, op)) = UNARY.iter().find(|(known, _)| *known == name) {
        return Some(Box::new(move |block, out| unary::unary(op, block.reads[0].floats(), out)));
    }
    let own = STAGES.iter().find(|(known, _)| *known == name);
    let own = own.and_then(|(_, make)| make(graph, node)).or_else(|| arrange::find(graph, node));
    own.or_else(|| group::find(graph, node)).or_else(|| compare::find(graph, node))
}

/// Columns of the only result.
fn width(graph: &Graph, node: &Node) -> usize {
    node.results.first().map_or(0, |&result| graph.ty(result).width as usize)
}

fn elementwise(op: Binary, block: &Block, out: &mut [f32], width: usize) {
    let [a, b] = block.reads else { return };
    binary::binary(op, a.operand(), b.operand(), Write::Set, out, width);
}

/// A layer small enough that its matrix stays in cache; larger ones run over all rows at once.
pub(super) const SMALL: u32 = 256 * 256;

fn linear(graph: &Graph, node: &Node) -> Option<Stage> {
    let w = graph.ty(node.operands[1]);
    (w.height * w.width <= SMALL).then(|| linear_of_any_size(graph, node)).flatten()
}

/// The same for matrices that no cache holds.
pub(super) fn linear_of_any_size(graph: &Graph, node: &Node) -> Option<Stage> {
    let w = graph.ty(node.operands[1]);
    let (k, n) = (w.height as usize, w.width as usize);
    Some(Box::new(move |block, out| {
        let (x, w) = (&block.reads[0], block.reads[1].floats());
        let start = block.reads.get(2).map_or(Start::Zero, begin);
        gemm(Shape { m: block.rows, k, n }, Strided::rows(x.floats(), k), w, n, start, out, n);
    }))
}

/// A product begins with its bias.
pub(super) fn begin<'a>(bias: &Read<'a>) -> Start<'a> {
    let rows = bias.floats();
    match bias.rows {
        Rows::One => Start::Row(rows),
        Rows::All => Start::Rows(rows),
        Rows::Map(map) => Start::Mapped { rows, map },
    }
}

fn concat(block: &Block, out: &mut [f32], width: usize) {
    let mut from = 0;
    for read in block.reads {
        let (data, own) = (read.floats(), read.width);
        match read.rows {
            Rows::All => {
                let (of, to) = (Columns { stride: own, from: 0 }, Columns { stride: width, from });
                copy_columns(data, of, out, to, block.rows, own, Write::Set);
            }
            Rows::One => {
                for row in out.chunks_exact_mut(width) {
                    row[from..from + own].copy_from_slice(&data[..own]);
                }
            }
            Rows::Map(map) => {
                for (row, &place) in out.chunks_exact_mut(width).zip(map) {
                    let place = place as usize * own;
                    row[from..from + own].copy_from_slice(&data[place..place + own]);
                }
            }
        }
        from += own;
    }
}

/// Rows and width repeated to those of the result.
fn copy_repeated(block: &Block, out: &mut [f32], width: usize) {
    let read = &block.reads[0];
    let (data, own) = (read.floats(), read.width);
    for (i, row) in out.chunks_exact_mut(width).enumerate() {
        let place = match read.rows {
            Rows::All => i,
            Rows::One => 0,
            Rows::Map(map) => map[i] as usize,
        };
        if own == 1 {
            row.fill(data[place]);
        } else {
            row.copy_from_slice(&data[place * own..place * own + own]);
        }
    }
}

/// Inverted dropout noise: the numbers of a row follow from its sample and its place there.
fn random(graph: &Graph, node: &Node) -> Option<Stage> {
    // Without samples there is no address that a block knows.
    graph.axes().batch_of(&graph.ty(node.results[0]).space)?;
    let (stream, rate) = (node.attrs.text("stream").to_owned(), node.attrs.float("rate"));
    Some(Box::new(move |block, out| {
        let (stream, step) = (Stream::new(block.noise.seed, &stream), block.noise.step);
        let width = out.len() / block.rows.max(1);
        let mut rest = out;
        for (ends, &sample) in block.segments.windows(2).zip(block.ids) {
            let (own, left) = std::mem::take(&mut rest).split_at_mut((ends[1] - ends[0]) as usize * width);
            Mask { stream, step, sample, rate }.fill(0, own);
            rest = left;
        }
    }))
}
