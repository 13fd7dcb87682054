//! Runs a block loop: chunks of blocks of samples on the threads, stages of a block one after the other. Where the plan cuts
//! a loop at what stands apart under samples, its elements are what is called samples here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ir::axis::AxisKind;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::op::Noise;
use crate::ir::rows::{Rows as BatchRows, RowsError};
use crate::ir::types::Space;
use crate::prim::arrangement::{Arrangement, arrangement};

use super::super::error::ExecError;
use super::super::feed::Column;
use super::super::kernels::operand::Rows;
use super::super::plan::BlockLoop;
use super::super::profile::{Recorder, Task};
use super::super::prologue::Prepared;
use super::block::{Block, Data, Read};
use super::entry::{Entry, From, Kernel, Loop, Result as Written, Spread, Target};
use super::spans::Spans;
use super::{Host, Sources, team};

/// Rows that a block aims at, in the largest space of its loop.
const BLOCK_ROWS: usize = 128;

/// The same where blocks are cut below samples: the stages of one row an element need some elements to be quick.
const ROWS_BELOW_SAMPLES: usize = 256;

/// Blocks that there are if each then has so many rows at least: a small batch, and a request, keep more than one thread busy.
const BLOCKS: usize = 4;
const LEAST_ROWS: usize = 16;

/// Most chunks of a loop: more threads than this gain nothing, and each has partial results of its own.
const CHUNKS: usize = 16;

/// Buffers of a thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) recorder: Recorder,
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
    /// The loop's place in the plan.
    at: usize,
    block: &'a BlockLoop,
    entries: &'a [Entry],
    full: BTreeMap<ValueId, Data<'a>>,
    /// How many samples there are.
    samples: usize,
    /// By space.
    spans: Vec<Spans>,
    maps: Vec<(Arc<[u32]>, Option<usize>)>,
    /// By entry; none where rows stay where they are.
    arrangements: Vec<Option<Arrangement>>,
    widths: Vec<usize>,
    stored_spaces: Vec<usize>,
    ids: &'a [u64],
    block_rows: usize,
    noise: Noise,
}

/// The scratch of a thread; a panic of another step left nothing in it that is read.
pub(super) fn own(scratch: &Mutex<Scratch>) -> MutexGuard<'_, Scratch> {
    scratch.lock().unwrap_or_else(PoisonError::into_inner)
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
    let reduced = run_chunks(host, (at, block), &kernels, &mut taken, sources, noise);
    for (slot, memory) in taken {
        host.put_slot(slot, Column::F32(memory));
    }
    let start = host.recorder.now();
    let finished = reduced.map(|partials| finish(host, &kernels, partials, sources.batch));
    host.recorder.note(Task::Combine(at), start);
    host.loops.insert(at, kernels);
    finished
}

fn run_chunks(
    host: &Host,
    (at, block): (usize, &BlockLoop),
    kernels: &Loop,
    taken: &mut [(usize, Vec<f32>)],
    sources: &Sources,
    noise: Noise,
) -> Result<Vec<Vec<Vec<f32>>>, ExecError> {
    let shared = share(host, (at, block), kernels, sources, noise)?;
    let mut chunks = cut(&shared, taken);
    team::each(&host.pool, &mut chunks, |chunk, thread| {
        let Some(scratch) = host.scratch.get(thread) else { return };
        let mut scratch = own(scratch);
        scratch.values.resize_with(host.plan.scratch, Vec::new);
        scratch.maps.resize_with(block.maps.len().max(1), Vec::new);
        run_chunk(&shared, chunk, &mut scratch);
    });
    Ok(chunks.into_iter().map(|chunk| chunk.partials).collect())
}

fn share<'a>(
    host: &'a Host,
    (at, block): (usize, &'a BlockLoop),
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
    let place = |space: &Space| block.spaces.iter().position(|known| known == space);
    let graph = &host.graph;
    let cut = block.cut.ok_or_else(|| ExecError::NotKnown("samples".to_owned()))?;
    let by_samples = matches!(graph.axis(cut).kind, AxisKind::Batch);
    Ok(Shared {
        at,
        block,
        entries: &kernels.entries,
        full,
        samples: rows.elements(cut).unwrap_or(0),
        spans: block.spaces.iter().map(|space| Spans::of(space, cut, rows)).collect(),
        maps: block.maps.iter().map(|(from, to)| (rows.map(from, to), place(to))).collect(),
        arrangements: kernels.entries.iter().map(|entry| arrange(graph, entry, rows)).collect::<Result<_, _>>()?,
        widths: block.stored.iter().map(|&value| graph.ty(value).width as usize).collect(),
        stored_spaces: block.stored.iter().map(|&value| place(&graph.ty(value).space).unwrap_or(0)).collect(),
        ids: if by_samples { rows.samples() } else { &[] },
        block_rows: if by_samples { BLOCK_ROWS } else { ROWS_BELOW_SAMPLES },
        noise,
    })
}

fn arrange(graph: &Graph, entry: &Entry, rows: &BatchRows) -> Result<Option<Arrangement>, ExecError> {
    let node = graph.node(entry.node);
    let (name, Some(&x)) = (node.op.name(), node.operands.first()) else { return Ok(None) };
    if !super::arrange::ARRANGED.contains(&name) {
        return Ok(None);
    }
    let (from, to) = (&graph.ty(x).space, &graph.ty(node.results[0]).space);
    let too_long = || {
        let over = node.attrs.axis("over").map(|over| graph.axis(over).name.clone());
        ExecError::Rows(RowsError::TooLong(over.unwrap_or_default()))
    };
    arrangement(name, &node.attrs, from, to, rows).ok_or_else(too_long).map(Some)
}

/// Cuts samples into blocks, blocks into chunks, and stored values into the parts of each chunk.
fn cut<'a>(shared: &Shared, taken: &'a mut [(usize, Vec<f32>)]) -> Vec<Chunk<'a>> {
    let samples = shared.samples;
    let most_rows = |range: &Range<usize>| shared.spans.iter().map(|spans| spans.rows(range).len()).max().unwrap_or(0);
    let all = if samples > 0 { most_rows(&(0..samples)) } else { 0 };
    let block_rows = shared.block_rows.min((all / BLOCKS).max(LEAST_ROWS));
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for sample in 0..samples {
        if most_rows(&(first..sample + 1)) >= block_rows || sample + 1 == samples {
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
            let numbers = shared.spans[shared.stored_spaces[i]].rows(&(from..to)).len() * shared.widths[i];
            let (part, left) = std::mem::take(rest).split_at_mut(numbers);
            stored.push(part);
            *rest = left;
        }
        let partials = shared.entries.iter().filter_map(|entry| match &entry.kernel {
            Kernel::Reduction(reduction, _) => Some(vec![0.0; reduction.len]),
            Kernel::Stage(..) | Kernel::Several(..) => None,
        });
        chunks.push(Chunk { blocks: own.to_vec(), stored, partials: partials.collect() });
    }
    chunks
}

fn run_chunk(shared: &Shared, chunk: &mut Chunk, scratch: &mut Scratch) {
    let first_sample = chunk.blocks.first().map_or(0, |block| block.start);
    for samples in chunk.blocks.clone() {
        let start = scratch.recorder.now();
        local_maps(shared, &samples, scratch);
        let (mut partial, mut before) = (0, scratch.recorder.now());
        for (at, entry) in shared.entries.iter().enumerate() {
            let here = Here { shared, entry, at, samples: &samples, first_sample };
            match &entry.kernel {
                Kernel::Stage(stage, result) => {
                    let mut memory = take(&here, result, chunk, scratch);
                    with_block(&here, chunk, scratch, |block| stage(block, memory.numbers()));
                    put(result, memory, chunk, scratch);
                }
                Kernel::Several(several, results) => {
                    let mut memory: Vec<Memory> =
                        results.iter().map(|result| take(&here, result, chunk, scratch)).collect();
                    let mut parts: Vec<&mut [f32]> = memory.iter_mut().map(Memory::numbers).collect();
                    with_block(&here, chunk, scratch, |block| several(block, &mut parts));
                    for (result, memory) in results.iter().zip(memory) {
                        put(result, memory, chunk, scratch);
                    }
                }
                Kernel::Reduction(reduction, _) => {
                    let mut sum = std::mem::take(&mut chunk.partials[partial]);
                    with_block(&here, chunk, scratch, |block| (reduction.add)(block, &mut sum));
                    chunk.partials[partial] = sum;
                    partial += 1;
                }
            }
            before = scratch.recorder.note(Task::Entry(shared.at, entry.node), before);
        }
        scratch.recorder.note(Task::Block(shared.at), start);
    }
}

/// An entry and a block of samples.
struct Here<'a> {
    shared: &'a Shared<'a>,
    entry: &'a Entry,
    /// The entry's number in the loop.
    at: usize,
    samples: &'a Range<usize>,
    /// The first sample of the chunk.
    first_sample: usize,
}

/// The memory of a result while it is written, and the part of it that is this block's.
enum Memory<'a> {
    Scratch(Vec<f32>, usize),
    Stored(&'a mut [f32], Range<usize>),
}

impl Memory<'_> {
    fn numbers(&mut self) -> &mut [f32] {
        match self {
            Memory::Scratch(memory, len) => &mut memory[..*len],
            Memory::Stored(memory, range) => &mut memory[range.clone()],
        }
    }
}

fn take<'a>(here: &Here, result: &Written, chunk: &mut Chunk<'a>, scratch: &mut Scratch) -> Memory<'a> {
    let spans = &here.shared.spans[result.space];
    let rows = spans.rows(here.samples);
    match result.target {
        Target::Scratch(place) => {
            let mut memory = std::mem::take(&mut scratch.values[place]);
            let len = rows.len() * result.width;
            if memory.len() < len {
                memory.resize(len, 0.0);
            }
            Memory::Scratch(memory, len)
        }
        Target::Stored(stored) => {
            let base = spans.rows(&(here.first_sample..here.samples.end)).start;
            let range = (rows.start - base) * result.width..(rows.end - base) * result.width;
            Memory::Stored(std::mem::take(&mut chunk.stored[stored]), range)
        }
    }
}

fn put<'a>(result: &Written, memory: Memory<'a>, chunk: &mut Chunk<'a>, scratch: &mut Scratch) {
    match (result.target, memory) {
        (Target::Scratch(place), Memory::Scratch(memory, _)) => scratch.values[place] = memory,
        (Target::Stored(stored), Memory::Stored(memory, _)) => chunk.stored[stored] = memory,
        _ => {}
    }
}

/// Maps of this block alone: places count from the block's first row.
fn local_maps(shared: &Shared, samples: &Range<usize>, scratch: &mut Scratch) {
    for (at, ((map, to), (from, _))) in shared.maps.iter().zip(&shared.block.maps).enumerate() {
        let Some(space) = shared.block.spaces.iter().position(|known| known == from) else { continue };
        let rows = &map[shared.spans[space].rows(samples)];
        let base = to.map_or(0, |to| shared.spans[to].rows(samples).start as u32);
        let local = &mut scratch.maps[at];
        local.clear();
        local.extend(rows.iter().map(|place| place - base));
    }
}

fn with_block(here: &Here, chunk: &Chunk, scratch: &Scratch, run: impl FnOnce(&Block)) {
    let Here { shared, entry, at, samples, first_sample } = *here;
    let rows_of = |space: usize| shared.spans[space].rows(samples);
    let mut reads: Vec<Read> = Vec::with_capacity(entry.reads.len());
    for operand in &entry.reads {
        let range = operand.space.map(rows_of);
        let width = operand.width;
        let data = match (&operand.from, &range) {
            (From::Scratch(place), Some(rows)) => Data::F32(&scratch.values[*place][..rows.len() * width]),
            (From::Stored(stored), Some(rows)) => {
                let base =
                    operand.space.map_or(0, |space| shared.spans[space].rows(&(first_sample..samples.end)).start);
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
        let base = range.map_or(0, |range| range.start);
        reads.push(Read { data, width, rows, base });
    }
    let own = rows_of(entry.space);
    let groups: Vec<&[u32]> = entry.groups.iter().map(|&map| scratch.maps[map].as_slice()).collect();
    let places = match &shared.arrangements[at] {
        Some(found) => &found.places[own.start * found.parts_of_result..own.end * found.parts_of_result],
        None => &[],
    };
    let block = Block {
        groups: &groups,
        group_count: entry.group_space.map_or(0, |space| rows_of(space).len()),
        places,
        rows: own.len(),
        base: own.start,
        segments: shared.spans[entry.space].each(samples),
        ids: shared.ids.get(samples.clone()).unwrap_or_default(),
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
        Kernel::Stage(..) | Kernel::Several(..) => None,
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
