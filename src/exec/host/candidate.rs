//! Ranks among the candidates of a table, and the best of them, by the tiles of scores that cross-entropy is made of.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::ir::graph::Node;
use crate::ir::types::Elem;

use super::super::kernels::cross_entropy::{ROWS, Scores};
use super::group::Order;
use super::whole::Job;

/// The operands of `rank` and `best`.
struct Candidates<'a> {
    hidden: &'a [f32],
    table: &'a [f32],
    bias: Option<&'a [f32]>,
    width: usize,
    from: usize,
    /// Rows of the table that are no candidates, by row of `hidden`: rising, each once.
    seen: Vec<Vec<u32>>,
}

impl<'a> Candidates<'a> {
    /// What was seen and the bias are operands from number `first` on, in any order and both optional.
    fn of(node: &Node, job: &Job<'a>, first: usize) -> Self {
        let (hidden, table) = (job.floats(0), job.floats(1));
        let width = job.width(node.operands[0]).max(1);
        let from = (node.attrs.int("from") as usize).min(table.len() / width);
        let space = &job.graph.ty(node.operands[0]).space;
        let mut of = Self { hidden, table: &table[from * width..], bias: None, width, from, seen: Vec::new() };
        for (i, &operand) in node.operands.iter().enumerate().skip(first) {
            let ty = job.graph.ty(operand);
            if ty.elem == Elem::F32 {
                of.bias = Some(&job.floats(i)[from..]);
                continue;
            }
            let order = Order::of(&job.batch.rows.map(&ty.space, space), job.batch.rows.count(space));
            let place = |at: u32| job.places(i)[order.rows.as_ref().map_or(at, |rows| rows[at as usize]) as usize];
            of.seen = order
                .offsets
                .windows(2)
                .map(|ends| {
                    let mut own: Vec<u32> = (ends[0]..ends[1]).map(place).collect();
                    own.sort_unstable();
                    own.dedup();
                    own
                })
                .collect();
        }
        of
    }

    fn scores<'s>(&'s self, rows: std::ops::Range<usize>, target: &'s [u32]) -> Scores<'s> {
        Scores {
            hidden: &self.hidden[rows.start * self.width..rows.end * self.width],
            table: self.table,
            bias: self.bias,
            width: self.width,
            base: self.from as u32,
            target,
        }
    }

    /// The rows of the table that a row has seen, of those from `first` on.
    fn seen(&self, row: usize, first: usize, count: usize) -> impl Iterator<Item = usize> {
        let own = self.seen.get(row).map_or(&[][..], Vec::as_slice);
        let begin = own.partition_point(|&place| (place as usize) < self.from + first);
        own[begin..].iter().map(move |&place| place as usize - self.from - first).take_while(move |&at| at < count)
    }
}

/// The rank of each target.
pub(super) fn rank(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let [out] = results else { return };
    let (of, targets) = (Candidates::of(node, job, 3), job.places(2));
    job.pool.install(|| {
        out.par_chunks_mut(ROWS).enumerate().for_each(|(at, out)| {
            let (first_row, rows) = (at * ROWS, out.len());
            let targets = &targets[first_row..first_row + rows];
            let scores = of.scores(first_row..first_row + rows, targets);
            let mut scratch = vec![0.0; Scores::scratch(rows, of.width)];
            // The same kernel gives the target's score both times, so equal scores are equal bits.
            let mut own = vec![f32::NAN; rows];
            let place = |row: usize, first: usize, count: usize| {
                let at = (targets[row] as usize).checked_sub(of.from + first)?;
                (at < count).then_some(at)
            };
            scores.tiles(&mut scratch, |first, tile| {
                for (row, own) in own.iter_mut().enumerate() {
                    if let Some(at) = place(row, first, tile.len() / rows) {
                        *own = tile[at * rows + row];
                    }
                }
            });
            let mut better = vec![0u32; rows];
            scores.tiles(&mut scratch, |first, tile| {
                let count = tile.len() / rows;
                for row in 0..rows {
                    let none = of.seen(first_row + row, first, count).chain(place(row, first, count));
                    none.for_each(|at| tile[at * rows + row] = f32::NEG_INFINITY);
                }
                for scores in tile.chunks_exact(rows) {
                    for ((better, score), own) in better.iter_mut().zip(scores).zip(&own) {
                        // A score that is no number is not below.
                        *better += u32::from(score >= own || score.is_nan() || own.is_nan());
                    }
                }
            });
            for ((out, own), better) in out.iter_mut().zip(own).zip(better) {
                *out = if own.is_nan() { f32::INFINITY } else { 1.0 + better as f32 };
            }
        });
    });
}

/// The places and scores of the best candidates; places as bits.
pub(super) fn best(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let ([places, scores], Some(as_)) = (results, node.attrs.axis("as")) else { return };
    let len = job.graph.axes().fixed(as_).unwrap_or(0) as usize;
    let of = Candidates::of(node, job, 2);
    let rows = of.hidden.len() / of.width;
    let mut lists: Vec<Vec<(f32, u32)>> = vec![Vec::new(); rows];
    job.pool.install(|| {
        lists.par_chunks_mut(ROWS).enumerate().for_each(|(at, lists)| {
            let (first_row, rows) = (at * ROWS, lists.len());
            let none = vec![0; rows];
            let mut scratch = vec![0.0; Scores::scratch(rows, of.width)];
            let mut least = vec![f32::NEG_INFINITY; rows];
            of.scores(first_row..first_row + rows, &none).tiles(&mut scratch, |first, tile| {
                let count = tile.len() / rows;
                for row in 0..rows {
                    of.seen(first_row + row, first, count).for_each(|at| tile[at * rows + row] = f32::NAN);
                }
                for (class, scores) in tile.chunks_exact(rows).enumerate() {
                    for (row, (&score, least)) in scores.iter().zip(&mut least).enumerate() {
                        // Of equal scores the first stays, and a NaN is none.
                        if score > *least || (score == *least && lists[row].len() < len) {
                            lists[row].push((score, (of.from + first + class) as u32));
                            if lists[row].len() >= 4 * len.max(1) {
                                keep(&mut lists[row], len);
                                *least = lists[row].last().map_or(f32::INFINITY, |(score, _)| *score);
                            }
                        }
                    }
                }
            });
            lists.iter_mut().for_each(|list| keep(list, len));
        });
    });
    let rows = &job.batch.rows;
    let (from, to) = (&job.graph.ty(node.operands[0]).space, &job.graph.ty(node.results[0]).space);
    let (map, rank) = (rows.map(to, from), rows.element(to, as_));
    for (((place, score), &row), &rank) in places.iter_mut().zip(scores.iter_mut()).zip(map.iter()).zip(rank.iter()) {
        let found = lists[row as usize].get(rank as usize).copied().unwrap_or((f32::NEG_INFINITY, 0));
        (*score, *place) = (found.0, f32::from_bits(found.1));
    }
}

/// The first of a list by score, then by place.
fn keep(list: &mut Vec<(f32, u32)>, len: usize) {
    list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    list.truncate(len);
}
