//! Cross-entropy over the rows of a table, on all threads: blocks of rows forward, parts of the table and of the rows
//! backward.

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::ir::graph::Node;

use super::super::kernels::cross_entropy::{ROWS, Scores, ScoresGrad, Seen};
use super::whole::Job;

/// Classes of a part of the table, unless there would be more parts than [`PARTS`].
const CLASSES: usize = 512;

/// Most parts of the table or of the rows: each has a partial gradient of its own.
const PARTS: usize = 16;

/// The candidates of a node: the rows of its table from `from` on.
struct Candidates<'a> {
    hidden: &'a [f32],
    table: &'a [f32],
    target: &'a [u32],
    bias: Option<&'a [f32]>,
    width: usize,
    from: usize,
}

impl<'a> Candidates<'a> {
    /// Of the operands from number `first` on.
    fn of(node: &Node, job: &Job<'a>, first: usize) -> Self {
        let width = job.width(node.operands[first]);
        let table = job.floats(first + 1);
        let from = (node.attrs.int("from") as usize).min(table.len() / width.max(1));
        let bias = (node.operands.len() > first + 3).then(|| &job.floats(first + 3)[from..]);
        let (hidden, target) = (job.floats(first), job.places(first + 2));
        Self { hidden, table: &table[from * width..], target, bias, width, from }
    }

    fn classes(&self) -> usize {
        self.table.len() / self.width.max(1)
    }

    /// Some rows against some classes.
    fn scores(&self, rows: std::ops::Range<usize>, classes: std::ops::Range<usize>) -> Scores<'a> {
        Scores {
            hidden: &self.hidden[rows.start * self.width..rows.end * self.width],
            table: &self.table[classes.start * self.width..classes.end * self.width],
            bias: self.bias.map(|bias| &bias[classes.clone()]),
            width: self.width,
            base: (self.from + classes.start) as u32,
            target: &self.target[rows],
        }
    }
}

/// Losses, and the logarithms of the sums of `e^score`.
pub(super) fn cross_entropy(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let [loss, log_sum] = results else { return };
    let of = Candidates::of(node, job, 0);
    if of.classes() == 0 || of.width == 0 {
        loss.fill(0.0);
        log_sum.fill(0.0);
        return;
    }
    job.pool.install(|| {
        let blocks = loss.par_chunks_mut(ROWS).zip(log_sum.par_chunks_mut(ROWS)).enumerate();
        let memory = || (vec![0.0; Scores::scratch(ROWS, of.width)], [[0.0; ROWS]; 3]);
        blocks.for_each_init(memory, |(scratch, [max, sum, hit]), (at, (loss, log_sum))| {
            let rows = loss.len();
            let scores = of.scores(at * ROWS..at * ROWS + rows, 0..of.classes());
            let mut seen = Seen { max: &mut max[..rows], sum: &mut sum[..rows], hit: &mut hit[..rows] };
            seen.clear();
            scores.absorb(&mut seen, scratch);
            seen.log_sum(log_sum);
            for (((loss, log_sum), hit), &target) in loss.iter_mut().zip(log_sum).zip(hit).zip(scores.target) {
                *loss = if (target as usize) < of.from { 0.0 } else { *log_sum - *hit };
            }
        });
    });
}

/// A part of the rows against a part of the classes, with the gradients that are its own.
struct Part<'a> {
    rows: std::ops::Range<usize>,
    classes: std::ops::Range<usize>,
    hidden: Own<'a>,
    table: Own<'a>,
    bias: Option<Own<'a>>,
}

/// The result itself, or a partial result that is added to it later.
enum Own<'a> {
    Result(&'a mut [f32]),
    Partial(Vec<f32>),
}

impl Own<'_> {
    fn numbers(&mut self) -> &mut [f32] {
        match self {
            Own::Result(numbers) => numbers,
            Own::Partial(numbers) => numbers,
        }
    }
}

/// The gradients by `hidden`, `table` and `bias`.
pub(super) fn cross_entropy_grad(node: &Node, job: &Job, results: &mut [&mut [f32]]) {
    let of = Candidates::of(node, job, 2);
    results.iter_mut().for_each(|result| result.fill(0.0));
    let ([hidden, table, bias @ ..], rows) = (results, of.target.len()) else { return };
    if of.classes() == 0 || of.width == 0 || rows == 0 {
        return;
    }
    let counts = |(&g, &target): (&f32, &u32)| if (target as usize) < of.from { 0.0 } else { g };
    let g: Vec<f32> = job.floats(0).iter().zip(of.target).map(counts).collect();
    let log_sum = job.floats(1);
    let bias = bias.first_mut().map(|bias| &mut bias[of.from..]);
    let mut parts = cut(&of, rows, hidden, &mut table[of.from * of.width..], bias);
    job.pool.install(|| {
        parts.par_iter_mut().for_each(|part| {
            let mut scratch = vec![0.0; Scores::scratch(ROWS, of.width)];
            let first = part.rows.start;
            for start in part.rows.clone().step_by(ROWS) {
                let own = start..part.rows.end.min(start + ROWS);
                let numbers = (own.start - first) * of.width..(own.end - first) * of.width;
                let mut to = ScoresGrad {
                    hidden: &mut part.hidden.numbers()[numbers],
                    table: part.table.numbers(),
                    bias: part.bias.as_mut().map(Own::numbers),
                };
                let scores = of.scores(own.clone(), part.classes.clone());
                scores.backward(&log_sum[own.clone()], &g[own], &mut to, &mut scratch);
            }
        });
    });
    combine(job, &of, parts);
}

/// Cuts the work by the number of rows and classes alone. The first part along each side writes to the result.
fn cut<'a>(
    of: &Candidates,
    rows: usize,
    mut hidden: &'a mut [f32],
    mut table: &'a mut [f32],
    mut bias: Option<&'a mut [f32]>,
) -> Vec<Part<'a>> {
    let classes = of.classes();
    let across = (classes / CLASSES).clamp(1, PARTS);
    // A table of few parts leaves threads without work, unless its rows are shared among them too.
    let down = if across >= PARTS / 2 { 1 } else { (rows / (8 * ROWS)).clamp(1, PARTS / across) };
    let ends = |of: usize, parts: usize, at: usize| at * of / parts..(at + 1) * of / parts;
    let mut parts = Vec::with_capacity(across * down);
    for row_part in 0..down {
        for class_part in 0..across {
            let (rows, classes) = (ends(rows, down, row_part), ends(classes, across, class_part));
            let own_hidden = match class_part {
                0 => Own::Result(first_of(&mut hidden, rows.len() * of.width)),
                _ => Own::Partial(vec![0.0; rows.len() * of.width]),
            };
            let (own_table, own_bias) = match row_part {
                0 => {
                    let own = Own::Result(first_of(&mut table, classes.len() * of.width));
                    (own, bias.as_mut().map(|bias| Own::Result(first_of(bias, classes.len()))))
                }
                _ => {
                    let own = Own::Partial(vec![0.0; classes.len() * of.width]);
                    (own, bias.as_ref().map(|_| Own::Partial(vec![0.0; classes.len()])))
                }
            };
            parts.push(Part { rows, classes, hidden: own_hidden, table: own_table, bias: own_bias });
        }
    }
    parts
}

fn first_of<'a>(rest: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    let (own, left) = std::mem::take(rest).split_at_mut(count);
    *rest = left;
    own
}

/// Adds partial results to those that they belong to, in order.
fn combine(job: &Job, of: &Candidates, parts: Vec<Part>) {
    let width = of.width;
    let (mut results, mut partials) = (Vec::new(), Vec::new());
    for part in parts {
        let rows = (0, part.rows.start * width);
        let classes = (1, part.classes.start * width);
        let biases = (2, part.classes.start);
        let owned = [Some((rows, part.hidden)), Some((classes, part.table)), part.bias.map(|own| (biases, own))];
        for (place, own) in owned.into_iter().flatten() {
            match own {
                Own::Result(numbers) => results.push((place, numbers)),
                Own::Partial(numbers) => partials.push((place, numbers)),
            }
        }
    }
    job.pool.install(|| {
        results.into_par_iter().for_each(|(place, result)| {
            for (_, partial) in partials.iter().filter(|(own, _)| *own == place) {
                add(result, partial);
            }
        });
    });
}

fn add(sum: &mut [f32], part: &[f32]) {
    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
}
