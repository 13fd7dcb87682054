//! Nodes that run over all rows at once: reads and gradients of tables, large matrix products, and everything that has no
//! kernel of ours, which Candle computes in the same memory.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Device, Tensor};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::ir::graph::{Def, Graph, Node, NodeId, ValueId};
use crate::ir::op::{Call, Noise};
use crate::ir::types::Type;
use crate::prim::philox::Stream;
use crate::prim::random::dropout_mask;

use super::super::error::ExecError;
use super::super::feed::Column;
use super::super::kernels::operand::Rows;
use super::super::plan::{Home, by_itself};
use super::super::prologue::{self, Prepared};
use super::block::{Block, Data, Read};
use super::stage::{self, Stage};
use super::{Host, Sources, candidate, compare, exchange, scan, sums, table, vocabulary};

/// Rows that a thread takes at a time.
const ROWS: usize = 256;

/// Numbers of a line of cache.
const LINE: usize = 16;

/// Numbers that a thread takes at a time.
const NUMBERS: usize = 1 << 14;

/// Computes the results of a node. Places are written as the bits of a float.
pub(super) type Kernel = fn(&Node, &Job, &mut [&mut [f32]]);

/// Operations with a kernel over all rows, alphabetical.
const WHOLE: &[(&str, Kernel)] = &[
    ("best", candidate::best),
    ("bin", |node, job, results| bin(node, job, results[0])),
    ("contract", |node, job, results| sums::contracted(node, job, results[0])),
    ("count", |node, job, results| count(node, job, results[0])),
    ("cross_entropy", vocabulary::cross_entropy),
    ("cross_entropy_grad", vocabulary::cross_entropy_grad),
    ("fetch", |node, job, results| table::fetch(node, job, results[0])),
    ("linear", |node, job, results| linear(node, job, results[0])),
    ("outer_sum", |node, job, results| outer_sum(node, job, results[0])),
    ("random", |node, job, results| random(node, job, results[0])),
    ("rank", candidate::rank),
    ("scatter", |node, job, results| table::scatter(node, job, results[0])),
    ("sum", |node, job, results| sums::sum(node, job, results[0])),
    ("sum_squares", |_, job, results| sum_squares(job, results[0])),
    ("transpose", |node, job, results| transpose(node, job, results[0])),
    ("unfetch", |node, job, results| table::unfetch(node, job, results[0])),
];

/// What a kernel sees.
pub(super) struct Job<'a> {
    pub(super) graph: &'a Graph,
    pub(super) reads: Vec<Data<'a>>,
    pub(super) batch: &'a Prepared,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) noise: Noise,
}

/// How a node is computed here.
pub(super) enum Found {
    /// By a kernel of the table.
    Kernel(Kernel),
    /// By a stage kernel over the rows of one space without samples: arithmetic on weights and on rows of tables.
    Stage(Stage),
}

/// The kernel of a node.
pub(super) fn find(graph: &Graph, node: &Node) -> Option<Found> {
    if !matches!(node.op.name(), "best" | "bin") && node.results.iter().any(|&result| !graph.ty(result).is_float()) {
        return None;
    }
    let own = &graph.ty(*node.results.first()?).space;
    let beside = |value: &ValueId| graph.ty(*value).space == *own || graph.ty(*value).space.is_unit();
    if node.results.len() == 1
        && !is_large_transpose(graph, node)
        && graph.axes().batch_of(own).is_none()
        && by_itself(node) == 0
        && node.operands.iter().all(beside)
        && let Some(stage) = stage::find(graph, node)
    {
        return Some(Found::Stage(stage));
    }
    if let ("before" | "same", Some(first)) = (node.op.name(), node.attrs.axis("first")) {
        return graph.axis(first).parent.is_none().then_some(Found::Kernel(compare::of_roots));
    }
    if let "scan" | "scan_grad" = node.op.name() {
        return scan::find(graph, node).map(Found::Kernel);
    }
    let (_, kernel) = WHOLE.iter().find(|(known, _)| *known == node.op.name())?;
    Some(Found::Kernel(if node.op.name() == "scatter" && !table::has_lists(graph, node) {
        table::scatter_in_order
    } else {
        *kernel
    }))
}

/// Whether a matrix is worth several threads.
fn is_large_transpose(graph: &Graph, node: &Node) -> bool {
    let ty = graph.ty(node.results[0]);
    node.op.name() == "transpose" && ty.height * ty.width > stage::SMALL
}

/// Computes a node.
pub(super) fn run(host: &mut Host, id: NodeId, sources: &Sources, noise: Noise) -> Result<(), ExecError> {
    let Some(found) = find(&host.graph, host.graph.node(id)) else { return by_candle(host, id, sources, noise) };
    let results = host.graph.node(id).results.clone();
    let mut taken: Vec<(usize, Vec<f32>)> = Vec::with_capacity(results.len());
    for &result in &results {
        taken.push(host.take_slot(result, sources.batch));
    }
    let node = host.graph.node(id);
    let reads = node.operands.iter().map(|&value| host.read(value, sources)).collect::<Result<Vec<_>, _>>();
    let done = reads.map(|reads| {
        let memory = taken.iter_mut().zip(&results);
        let mut parts: Vec<&mut [f32]> =
            memory.map(|((_, memory), &result)| &mut memory[..host.len(result, sources.batch)]).collect();
        let job = Job { graph: &host.graph, reads, batch: sources.batch, pool: &host.pool, noise };
        match found {
            Found::Kernel(kernel) => kernel(node, &job, &mut parts),
            Found::Stage(stage) => by_stage(&stage, node, &job, parts[0]),
        }
    });
    for ((slot, memory), &result) in taken.into_iter().zip(&results) {
        let column = match host.graph.ty(result).is_float() {
            true => Column::F32(memory),
            false => Column::U32(memory.into_iter().map(f32::to_bits).collect()),
        };
        host.put_slot(slot, column);
    }
    done
}

impl<'a> Job<'a> {
    pub(super) fn floats(&self, i: usize) -> &'a [f32] {
        match self.reads.get(i) {
            Some(Data::F32(data)) => data,
            _ => &[],
        }
    }

    pub(super) fn places(&self, i: usize) -> &'a [u32] {
        match self.reads.get(i) {
            Some(Data::U32(data)) => data,
            _ => &[],
        }
    }

    pub(super) fn width(&self, value: ValueId) -> usize {
        self.graph.ty(value).width as usize
    }
}

/// A space without samples as one block.
fn by_stage(stage: &Stage, node: &Node, job: &Job, out: &mut [f32]) {
    let result = job.graph.ty(node.results[0]);
    let numbers = result.width as usize;
    let one = |ty: &Type| ty.space.is_unit() && ty.height == 1;
    let part = |first: usize, out: &mut [f32]| {
        let rows = out.len() / numbers.max(1);
        let read = |i: usize| {
            let (ty, data) = (job.graph.ty(node.operands[i]), job.reads[i]);
            let width = ty.width as usize;
            let data = match data {
                Data::F32(data) if !ty.space.is_unit() => Data::F32(&data[first * width..(first + rows) * width]),
                data => data,
            };
            Read { data, width, rows: if one(ty) { Rows::One } else { Rows::All }, base: 0 }
        };
        let reads: Vec<Read> = (0..job.reads.len()).map(read).collect();
        stage(&Block { rows, reads: &reads, noise: job.noise, ..Block::default() }, out);
    };
    // What has the unit space may read its operands in any order; what is small is done before a thread wakes up.
    if result.space.is_unit() || out.len() <= NUMBERS || numbers == 0 {
        return part(0, out);
    }
    let rows = NUMBERS.div_ceil(numbers);
    job.pool.install(|| {
        out.par_chunks_mut(rows * numbers).enumerate().for_each(|(at, out)| part(at * rows, out));
    });
}

/// The place of each number among bins of width 1, as bits.
fn bin(node: &Node, job: &Job, out: &mut [f32]) {
    let len = node.attrs.axis("to").and_then(|to| job.graph.axes().fixed(to)).unwrap_or(1);
    let last = len.saturating_sub(1) as f32;
    for (out, x) in out.iter_mut().zip(job.floats(0)) {
        // A cast takes NaN to 0.
        *out = f32::from_bits(x.floor().clamp(0.0, last) as u32);
    }
}

/// Rows of the space `of` for each row of the result.
fn count(node: &Node, job: &Job, out: &mut [f32]) {
    let rows = &job.batch.rows;
    let of = rows.axes().close(node.attrs.axes("of"));
    let space = &job.graph.ty(node.results[0]).space;
    if space.is_unit() {
        out.fill(rows.count(&of) as f32);
        return;
    }
    out.fill(0.0);
    for &row in rows.map(&of, space).iter() {
        out[row as usize] += 1.0;
    }
}

/// Noise without samples has one address for all of it.
fn random(node: &Node, job: &Job, out: &mut [f32]) {
    let stream = Stream::new(job.noise.seed, node.attrs.text("stream"));
    dropout_mask(stream, job.noise.step, 0, node.attrs.float("rate"), out);
}

/// The sum of the squares of all operands: parts of a size that does not depend on threads, added in order.
fn sum_squares(job: &Job, out: &mut [f32]) {
    let operands = 0..job.reads.len();
    let total: f64 = operands
        .map(|i| {
            let square = |part: &[f32]| part.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
            let parts: Vec<f64> = job.pool.install(|| job.floats(i).par_chunks(NUMBERS).map(square).collect());
            parts.iter().sum::<f64>()
        })
        .sum();
    out.fill(total as f32);
}

/// Some rows of the result by each thread.
fn transpose(node: &Node, job: &Job, out: &mut [f32]) {
    let (x, rows) = (job.floats(0), job.width(node.results[0]).max(1));
    let columns = out.len() / rows;
    job.pool.install(|| {
        out.par_chunks_mut(LINE * rows).enumerate().for_each(|(at, out)| {
            for (row, x) in x.chunks_exact(columns).enumerate() {
                for (out, x) in out.chunks_exact_mut(rows).zip(&x[at * LINE..]) {
                    out[row] = *x;
                }
            }
        });
    });
}

/// A layer too large for a block: one product by the `gemm` crate on all threads.
fn linear(node: &Node, job: &Job, out: &mut [f32]) {
    let w = job.graph.ty(node.operands[1]);
    let (k, n) = (w.height as usize, w.width as usize);
    let (x, w) = (job.floats(0), job.floats(1));
    product(job, [out.len() / n.max(1), k, n], (x, k, 1), w, out);
    if let Some(&bias) = node.operands.get(2) {
        let (own, of) = (&job.graph.ty(node.operands[0]).space, &job.graph.ty(bias).space);
        let (bias, map) = (job.floats(2), (own != of).then(|| job.batch.rows.map(own, of)));
        job.pool.install(|| {
            out.par_chunks_mut(ROWS * n).enumerate().for_each(|(part, out)| {
                for (row, out) in (part * ROWS..).zip(out.chunks_exact_mut(n)) {
                    let row = map.as_ref().map_or(row, |map| map[row] as usize);
                    out.iter_mut().zip(&bias[row * n..]).for_each(|(y, b)| *y += b);
                }
            });
        });
    }
}

/// The gradient of such a layer's matrix.
fn outer_sum(node: &Node, job: &Job, out: &mut [f32]) {
    let (k, n) = (job.graph.ty(node.operands[0]).width as usize, job.graph.ty(node.operands[1]).width as usize);
    let (x, g) = (job.floats(0), job.floats(1));
    product(job, [k, x.len() / k.max(1), n], (x, 1, k), g, out);
}

/// `out = a b`, where entry `(i, p)` of `a` is at `i * row + p * column`.
fn product(job: &Job, [m, k, n]: [usize; 3], (a, row, column): (&[f32], usize, usize), b: &[f32], out: &mut [f32]) {
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        out.fill(0.0);
        return;
    }
    let threads = job.pool.current_num_threads();
    job.pool.install(|| super::super::kernels::large::product([m, k, n], a, [row, column], b, out, threads));
}

/// Lends the operands' memory to Candle, and takes it back with the results.
fn by_candle(host: &mut Host, id: NodeId, sources: &Sources, noise: Noise) -> Result<(), ExecError> {
    let node = host.graph.node(id).clone();
    let name = host.graph.value(node.results[0]).name.clone();
    let failed = |source| ExecError::Candle { node: name.clone(), source };
    let mut lent: BTreeMap<ValueId, Tensor> = BTreeMap::new();
    let mut operands = Vec::with_capacity(node.operands.len());
    for &value in &node.operands {
        // An operand that stands twice is lent once.
        let tensor = match lent.get(&value) {
            Some(tensor) => tensor.clone(),
            None => lend(host, value, sources)?,
        };
        lent.insert(value, tensor.clone());
        operands.push(tensor);
    }
    let types: Vec<&Type> = node.operands.iter().map(|&value| host.graph.ty(value)).collect();
    let results: Vec<&Type> = node.results.iter().map(|&value| host.graph.ty(value)).collect();
    let call = Call {
        attrs: &node.attrs,
        types: &types,
        operands: &operands,
        results: &results,
        rows: &sources.batch.rows,
        noise,
        device: &Device::Cpu,
    };
    let tensors = node.op.eval(&call);
    drop(operands);
    let tensors = tensors.map_err(failed)?;
    // Results first, for one of them may be a view of an operand, or of a result before it, and is copied then.
    let mut kept: BTreeSet<usize> = lent.values().map(exchange::address).collect();
    for (&value, tensor) in node.results.iter().zip(&tensors) {
        let column = match kept.insert(exchange::address(tensor)) {
            true => exchange::take_back(tensor),
            false => prologue::column(tensor),
        };
        let column = column.map_err(failed)?;
        if let Some(&Home::Slot(slot)) = host.plan.homes.get(&value) {
            host.put_slot(slot, column);
        }
    }
    for (value, tensor) in lent {
        give_back(host, value, &tensor).map_err(failed)?;
    }
    Ok(())
}

/// A slot is lent as it is; parameters and batches belong to others and are copied, which is little: weights of a model,
/// never a table, since tables are read by `fetch` alone.
fn lend(host: &mut Host, value: ValueId, sources: &Sources) -> Result<Tensor, ExecError> {
    let width = host.graph.ty(value).width as usize;
    let name = host.graph.value(value).name.clone();
    let failed = |source| ExecError::Candle { node: name.clone(), source };
    if let Some(&Home::Slot(slot)) = host.plan.homes.get(&value) {
        let len = host.len(value, sources.batch);
        let column = std::mem::replace(&mut host.slots[slot], Column::U32(Vec::new()));
        let column = match column {
            Column::F32(mut values) => {
                values.truncate(len);
                Column::F32(values)
            }
            Column::U32(mut values) => {
                values.truncate(len);
                Column::U32(values)
            }
        };
        return exchange::lend(column, width).map_err(failed);
    }
    let column = match host.read(value, sources)? {
        Data::F32(values) => Column::F32(values.to_vec()),
        Data::U32(values) => Column::U32(values.to_vec()),
    };
    exchange::lend(column, width).map_err(failed)
}

fn give_back(host: &mut Host, value: ValueId, tensor: &Tensor) -> candle_core::Result<()> {
    if let (Def::Node { .. }, Some(&Home::Slot(slot))) = (host.graph.value(value).def, host.plan.homes.get(&value)) {
        let column = exchange::take_back(tensor)?;
        host.put_slot(slot, column);
    }
    Ok(())
}
