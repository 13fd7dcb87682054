//! Runs a block loop: chunks of blocks of samples on the threads, stages of a block one after the other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use crate::ir::graph::ValueId;
use crate::ir::op::Noise;
use crate::ir::types::Space;

use super::super::error::ExecError;
use super::super::feed::Column;
use super::super::kernels::operand::Rows;
use super::super::plan::BlockLoop;
use super::super::prologue::Prepared;
use super::block::{Block, Data, Read};
use super::entry::{Entry, From, Kernel, Loop, Spread, Target};
use super::{Host, Sources};

/// Rows that a block aims at, in the largest space of its loop.
const BLOCK_ROWS: usize = 128;

/// Most chunks of a loop: more threads than this gain nothing, and each has partial results of its own.
const CHUNKS: usize = 16;

/// Buffers of a thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    values: Vec<Vec<f32>>,
    maps: Vec<Vec<u32>>,
}

/// A run of blocks with the parts of results that are theirs.
struct Chunk<'a> {
    blocks: Vec<Range<usize>>,
    stored: Vec<&'a mut [f32]>,
    partials: Vec<Vec<f32>>,
}

/// What all chunks share.
struct Shared<'a> {
    block: &'a BlockLoop,
    entries: &'a [Entry],
    full: BTreeMap<ValueId, Data<'a>>,
    starts: Vec<Arc<[u32]>>,
    maps: Vec<(Arc<[u32]>, Option<usize>)>,
    widths: Vec<usize>,
    stored_spaces: Vec<usize>,
    ids: &'a [u64],
    noise: Noise,
}

impl Scratch {
    pub(super) fn bytes(&self) -> usize {
        let floats: usize = self.values.iter().map(Vec::capacity).sum();
        let places: usize = self.maps.iter().map(Vec::capacity).sum();
        4 * (floats + places)
    }
}

/// Runs the loop that is step `at` of the plan.
pub(super) fn run(
    host: &mut Host,
    at: usize,
    block: &BlockLoop,
    sources: &Sources,
    noise: Noise,
) -> Result<(), ExecError> {
    let Some(kernels) = host.loops.remove(&at) else { return Ok(()) };
    let mut taken: Vec<(usize, Vec<f32>)> = Vec::new();
    for &value in &block.stored {
        taken.push(host.take_slot(value, sources.batch));
    }
    let reduced = run_chunks(host, block, &kernels, &mut taken, sources, noise);
    for (slot, memory) in taken {
        host.put_slot(slot, Column::F32(memory));
    }
    let finished = reduced.map(|partials| finish(host, &kernels, partials, sources.batch));
    host.loops.insert(at, kernels);
    finished
}

fn run_chunks(
    host: &Host,
    block: &BlockLoop,
    kernels: &Loop,
    taken: &mut [(usize, Vec<f32>)],
    sources: &Sources,
    noise: Noise,
) -> Result<Vec<Vec<Vec<f32>>>, ExecError> {
    let shared = share(host, block, kernels, sources, noise)?;
    let mut chunks = cut(&shared, taken);
    host.pool.install(|| {
        chunks.par_iter_mut().for_each(|chunk| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let Some(scratch) = host.scratch.get(thread) else { return };
            let mut scratch = scratch.lock().unwrap_or_else(PoisonError::into_inner);
            scratch.values.resize_with(host.plan.scratch, Vec::new);
            scratch.maps.resize_with(block.maps.len().max(1), Vec::new);
            run_chunk(&shared, chunk, &mut scratch);
        });
    });
    Ok(chunks.into_iter().map(|chunk| chunk.partials).collect())
}

fn share<'a>(
    host: &'a Host,
    block: &'a BlockLoop,
    kernels: &'a Loop,
    sources: &'a Sources,
    noise: Noise,
) -> Result<Shared<'a>, ExecError> {
    let rows = &sources.batch.rows;
    let mut full = BTreeMap::new();
    for operand in kernels.entries.iter().flat_map(|entry| &entry.reads) {
        if let From::Full(value) = operand.from {
            full.insert(value, host.read(value, sources)?);
        }
    }
    let at = |space: &Space| block.spaces.iter().position(|known| known == space);
    let graph = &host.graph;
    Ok(Shared {
        block,
        entries: &kernels.entries,
        full,
        starts: block.spaces.iter().map(|space| rows.sample_starts(space)).collect(),
        maps: block.maps.iter().map(|(from, to)| (rows.map(from, to), at(to))).collect(),
        widths: block.stored.iter().map(|&value| graph.ty(value).width as usize).collect(),
        stored_spaces: block.stored.iter().map(|&value| at(&graph.ty(value).space).unwrap_or(0)).collect(),
        ids: rows.samples(),
        noise,
    })
}

/// Cuts samples into blocks, blocks into chunks, and stored values into the parts of each chunk.
fn cut<'a>(shared: &Shared, taken: &'a mut [(usize, Vec<f32>)]) -> Vec<Chunk<'a>> {
    let samples = shared.starts.first().map_or(0, |starts| starts.len().saturating_sub(1));
    let most_rows = |range: &Range<usize>| {
        let rows = |starts: &Arc<[u32]>| (starts[range.end] - starts[range.start]) as usize;
        shared.starts.iter().map(rows).max().unwrap_or(0)
    };
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for sample in 0..samples {
        if most_rows(&(first..sample + 1)) >= BLOCK_ROWS || sample + 1 == samples {
            blocks.push(first..sample + 1);
            first = sample + 1;
        }
    }
    let count = blocks.len().min(CHUNKS);
    let mut rest: Vec<&mut [f32]> = taken.iter_mut().map(|(_, memory)| memory.as_mut_slice()).collect();
    let mut chunks = Vec::with_capacity(count);
    for chunk in 0..count {
        let own = &blocks[chunk * blocks.len() / count..(chunk + 1) * blocks.len() / count];
        let (from, to) = (own[0].start, own[own.len() - 1].end);
        let mut stored = Vec::with_capacity(rest.len());
        for (i, rest) in rest.iter_mut().enumerate() {
            let starts = &shared.starts[shared.stored_spaces[i]];
            let numbers = (starts[to] - starts[from]) as usize * shared.widths[i];
            let (part, left) = std::mem::take(rest).split_at_mut(numbers);
            stored.push(part);
            *rest = left;
        }
        let partials = shared.entries.iter().filter_map(|entry| match &entry.kernel {
            Kernel::Reduction(reduction, _) => Some(vec![0.0; reduction.len]),
            Kernel::Stage(..) => None,
        });
        chunks.push(Chunk { blocks: own.to_vec(), stored, partials: partials.collect() });
    }
    chunks
}

fn run_chunk(shared: &Shared, chunk: &mut Chunk, scratch: &mut Scratch) {
    let first_sample = chunk.blocks.first().map_or(0, |block| block.start);
    for samples in chunk.blocks.clone() {
        local_maps(shared, &samples, scratch);
        let mut partial = 0;
        for entry in shared.entries {
            let starts = &shared.starts[entry.result_space];
            let rows = (starts[samples.end] - starts[samples.start]) as usize;
            let before = (starts[samples.start] - starts[first_sample]) as usize;
            match &entry.kernel {
                Kernel::Stage(stage, Target::Scratch(place)) => {
                    let mut out = std::mem::take(&mut scratch.values[*place]);
                    let len = rows * entry.width;
                    if out.len() < len {
                        out.resize(len, 0.0);
                    }
                    with_block(shared, entry, &samples, first_sample, chunk, scratch, |block| {
                        stage(block, &mut out[..len])
                    });
                    scratch.values[*place] = out;
                }
                Kernel::Stage(stage, Target::Stored(stored)) => {
                    let out = std::mem::take(&mut chunk.stored[*stored]);
                    let range = before * entry.width..(before + rows) * entry.width;
                    with_block(shared, entry, &samples, first_sample, chunk, scratch, |block| {
                        stage(block, &mut out[range.clone()]);
                    });
                    chunk.stored[*stored] = out;
                }
                Kernel::Reduction(reduction, _) => {
                    let mut sum = std::mem::take(&mut chunk.partials[partial]);
                    with_block(shared, entry, &samples, first_sample, chunk, scratch, |block| {
                        (reduction.add)(block, &mut sum);
                    });
                    chunk.partials[partial] = sum;
                    partial += 1;
                }
            }
        }
    }
}

/// Maps of this block alone: places count from the block's first row.
fn local_maps(shared: &Shared, samples: &Range<usize>, scratch: &mut Scratch) {
    for (at, ((map, to), (from, _))) in shared.maps.iter().zip(&shared.block.maps).enumerate() {
        let Some(space) = shared.block.spaces.iter().position(|known| known == from) else { continue };
        let starts = &shared.starts[space];
        let rows = &map[starts[samples.start] as usize..starts[samples.end] as usize];
        let base = to.map_or(0, |to| shared.starts[to][samples.start]);
        let local = &mut scratch.maps[at];
        local.clear();
        local.extend(rows.iter().map(|place| place - base));
    }
}

fn with_block(
    shared: &Shared,
    entry: &Entry,
    samples: &Range<usize>,
    first_sample: usize,
    chunk: &Chunk,
    scratch: &Scratch,
    run: impl FnOnce(&Block),
) {
    let rows_of =
        |space: usize| shared.starts[space][samples.start] as usize..shared.starts[space][samples.end] as usize;
    let mut reads: Vec<Read> = Vec::with_capacity(entry.reads.len());
    for operand in &entry.reads {
        let range = operand.space.map(rows_of);
        let width = operand.width;
        let data = match (&operand.from, &range) {
            (From::Scratch(place), Some(rows)) => Data::F32(&scratch.values[*place][..rows.len() * width]),
            (From::Stored(stored), Some(rows)) => {
                let base = operand.space.map_or(0, |space| shared.starts[space][first_sample] as usize);
                Data::F32(&chunk.stored[*stored][(rows.start - base) * width..(rows.end - base) * width])
            }
            (From::Full(value), _) => match (shared.full.get(value), &range) {
                (Some(Data::F32(data)), Some(rows)) => Data::F32(&data[rows.start * width..rows.end * width]),
                (Some(Data::U32(data)), Some(rows)) => Data::U32(&data[rows.start * width..rows.end * width]),
                (Some(data), None) => *data,
                (None, _) => Data::F32(&[]),
            },
            _ => Data::F32(&[]),
        };
        let rows = match operand.rows {
            Spread::All => Rows::All,
            Spread::One => Rows::One,
            Spread::Map(map) => Rows::Map(&scratch.maps[map]),
        };
        reads.push(Read { data, width, rows });
    }
    let own = rows_of(entry.space);
    let block = Block {
        rows: own.len(),
        segments: &shared.starts[entry.space][samples.start..=samples.end],
        ids: &shared.ids[samples.clone()],
        to_result: entry.to_result.map_or(Rows::All, |map| Rows::Map(&scratch.maps[map])),
        reads: &reads,
        noise: shared.noise,
    };
    run(&block);
}

/// Combines the partial results of the chunks in order and writes them to their slots.
fn finish(host: &mut Host, kernels: &Loop, partials: Vec<Vec<Vec<f32>>>, batch: &Prepared) {
    let reductions = kernels.entries.iter().filter_map(|entry| match &entry.kernel {
        Kernel::Reduction(reduction, results) => Some((reduction, results)),
        Kernel::Stage(..) => None,
    });
    let mut partials: Vec<_> = partials.into_iter().map(|chunk| chunk.into_iter()).collect();
    for (reduction, results) in reductions {
        let mut total = vec![0.0; reduction.len];
        for chunk in &mut partials {
            if let Some(part) = chunk.next() {
                (reduction.combine)(&mut total, &part);
            }
        }
        let mut taken: Vec<(usize, Vec<f32>)> = results.iter().map(|&value| host.take_slot(value, batch)).collect();
        let lens: Vec<usize> = results.iter().map(|&value| host.len(value, batch)).collect();
        let mut slices: Vec<&mut [f32]> =
            taken.iter_mut().zip(&lens).map(|((_, memory), &len)| &mut memory[..len]).collect();
        (reduction.finish)(&total, &mut slices);
        for (slot, memory) in taken {
            host.put_slot(slot, Column::F32(memory));
        }
    }
}
