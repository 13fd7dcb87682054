//! Softmax with cross-entropy over a whole vocabulary, without the matrix of scores: they are made a tile at a time, forward and
//! again backward.
//!
//! Scores lie with the classes as rows, `tile x rows`, so that a register holds one class for neighbouring rows: maxima and
//! sums over the classes need no step across lanes.

mod tile;

use super::gemm::{Shape, Start, Strided, gemm, transpose};
use super::{dispatch, lanes, math};
use pulp::{Simd, WithSimd};
use tile::{Absorb, Slopes};

/// Classes whose scores are held at once.
const TILE: usize = 128;

/// Rows that share the reads of a tile's classes, as many as callers should give at a time.
pub const ROWS: usize = 64;

/// The score of class `base + c` for row `i` is `hidden[i] table[c] + bias[c]`.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    /// `rows x width`, [`ROWS`] rows at a time.
    pub hidden: &'a [f32],
    /// `classes x width`: the whole table, or the rows of it that begin at `base`.
    pub table: &'a [f32],
    /// One per class of `table`; minus infinity leaves a class out.
    pub bias: Option<&'a [f32]>,
    /// The width of a row.
    pub width: usize,
    /// The class of the first row of `table`.
    pub base: u32,
    /// The class that is right for each row, in the numbering of the whole table.
    pub target: &'a [u32],
}

/// What is known of each row after some of the classes: `sum` is that of `e^(score - max)`, `hit` the score of the target.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The largest score.
    pub max: &'a mut [f32],
    /// The sum, relative to the largest.
    pub sum: &'a mut [f32],
    /// The score of the target.
    pub hit: &'a mut [f32],
}

impl Seen<'_> {
    /// No class seen.
    pub fn clear(&mut self) {
        self.max.fill(f32::NEG_INFINITY);
        self.sum.fill(0.0);
        self.hit.fill(f32::NEG_INFINITY);
    }

    /// After all classes: the logarithm of the sum of `e^score`. The loss is that less `hit`: infinity for a target that is
    /// left out or not in the table.
    pub fn log_sum(&self, log_sum: &mut [f32]) {
        assert!(self.sum.len() == self.max.len() && log_sum.len() == self.max.len(), "cross-entropy: lengths differ");
        dispatch::run(LogSum { max: self.max, sum: self.sum, log_sum });
    }
}

/// Where the gradients go; all are added.
#[derive(Debug)]
pub struct ScoresGrad<'a> {
    /// Like `hidden`.
    pub hidden: &'a mut [f32],
    /// Like `table`.
    pub table: &'a mut [f32],
    /// Like `bias`.
    pub bias: Option<&'a mut [f32]>,
}

impl Scores<'_> {
    fn rows(&self) -> usize {
        self.target.len()
    }

    fn classes(&self) -> usize {
        self.table.len() / self.width.max(1)
    }

    /// Length of the scratch of both passes, whose contents mean nothing before and after.
    pub fn scratch(rows: usize, width: usize) -> usize {
        rows * (width + TILE)
    }

    fn check(&self, scratch: &[f32]) {
        assert!(
            self.width > 0 && self.table.len().is_multiple_of(self.width),
            "cross-entropy: the table does not fill rows"
        );
        assert!(self.hidden.len() == self.rows() * self.width, "cross-entropy: lengths differ");
        assert!(self.bias.is_none_or(|b| b.len() == self.classes()), "cross-entropy: the bias has another length");
        assert!(scratch.len() >= Self::scratch(self.rows(), self.width), "cross-entropy: the scratch is too short");
    }

    /// Adds the classes of `table` to what is seen: several parts of a table may follow each other. `2 rows classes width`
    /// floating-point operations, and an exponential per score.
    pub fn absorb(&self, seen: &mut Seen, scratch: &mut [f32]) {
        self.check(scratch);
        let rows = self.rows();
        assert!(
            seen.max.len() == rows && seen.sum.len() == rows && seen.hit.len() == rows,
            "cross-entropy: lengths differ"
        );
        if rows == 0 {
            return;
        }
        let (turned, tile) = scratch.split_at_mut(rows * self.width);
        transpose(self.hidden, rows, self.width, turned);
        for first in (0..self.classes()).step_by(TILE) {
            let tile = self.tile(first, turned, tile);
            for (i, target) in self.target.iter().enumerate() {
                if let Some(c) = self.place(*target, first, tile.len() / rows) {
                    seen.hit[i] = tile[c * rows + i];
                }
            }
            dispatch::run(Absorb { tile, rows, max: seen.max, sum: seen.sum });
        }
    }

    /// Adds the gradients through the classes of `table`, given that of each row's loss. `6 rows classes width` operations.
    /// Parts of a table have their own gradients; that of `hidden` is the sum over the parts.
    pub fn backward(&self, log_sum: &[f32], g: &[f32], to: &mut ScoresGrad, scratch: &mut [f32]) {
        self.check(scratch);
        let (rows, width) = (self.rows(), self.width);
        assert!(log_sum.len() == rows && g.len() == rows, "cross-entropy: lengths differ");
        if rows == 0 {
            return;
        }
        let (turned, tile) = scratch.split_at_mut(rows * width);
        transpose(self.hidden, rows, width, turned);
        for first in (0..self.classes()).step_by(TILE) {
            let tile = self.tile(first, turned, tile);
            let classes = tile.len() / rows;
            dispatch::run(Slopes { tile, rows, log_sum, g });
            for (i, target) in self.target.iter().enumerate() {
                if let Some(c) = self.place(*target, first, classes) {
                    tile[c * rows + i] -= g[i];
                }
            }
            let part = first * width..(first + classes) * width;
            let shape = Shape { m: classes, k: rows, n: width };
            let dtable = &mut to.table[part.clone()];
            gemm(shape, Strided::rows(tile, rows), self.hidden, width, Start::Keep, dtable, width);
            if let Some(dbias) = &mut to.bias {
                super::reduce::row_sum(tile, rows, super::binary::Write::Add, &mut dbias[first..first + classes]);
            }
            let shape = Shape { m: rows, k: classes, n: width };
            gemm(shape, Strided::transposed(tile, rows), &self.table[part], width, Start::Keep, to.hidden, width);
        }
    }

    /// Gives every tile of scores, `tile x rows`, with the number of its first class in `table`. A score has the same bits
    /// each time.
    pub fn tiles(&self, scratch: &mut [f32], mut visit: impl FnMut(usize, &mut [f32])) {
        self.check(scratch);
        if self.rows() == 0 {
            return;
        }
        let (turned, tile) = scratch.split_at_mut(self.rows() * self.width);
        transpose(self.hidden, self.rows(), self.width, turned);
        for first in (0..self.classes()).step_by(TILE) {
            visit(first, self.tile(first, turned, tile));
        }
    }

    /// The scores of the classes from `first` on, `tile x rows`.
    fn tile<'t>(&self, first: usize, turned: &[f32], tile: &'t mut [f32]) -> &'t mut [f32] {
        let (rows, width) = (self.rows(), self.width);
        let classes = TILE.min(self.classes() - first);
        let tile = &mut tile[..classes * rows];
        let mut start = Start::Zero;
        if let Some(bias) = self.bias {
            for (row, bias) in tile.chunks_exact_mut(rows).zip(&bias[first..]) {
                row.fill(*bias);
            }
            start = Start::Keep;
        }
        let shape = Shape { m: classes, k: width, n: rows };
        gemm(shape, Strided::rows(&self.table[first * width..], width), turned, rows, start, tile, rows);
        tile
    }

    /// The row of the tile from `first` on that holds the target.
    fn place(&self, target: u32, first: usize, classes: usize) -> Option<usize> {
        let c = (target as usize).checked_sub(self.base as usize + first)?;
        (c < classes).then_some(c)
    }
}

struct LogSum<'a> {
    max: &'a [f32],
    sum: &'a [f32],
    log_sum: &'a mut [f32],
}

impl WithSimd for LogSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for from in (0..self.max.len()).step_by(S::F32_LANES) {
            let at = from..self.max.len().min(from + S::F32_LANES);
            let log = math::log(simd, lanes::load(simd, &self.sum[at.clone()]));
            let log_sum = simd.add_f32s(log, lanes::load(simd, &self.max[at.clone()]));
            lanes::store(simd, &mut self.log_sum[at], log_sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 * 0.02 - 1.0).collect()
    }

    struct Example {
        hidden: Vec<f32>,
        table: Vec<f32>,
        bias: Vec<f32>,
        target: Vec<u32>,
        width: usize,
    }

    /// The third class is left out.
    fn example(rows: usize, classes: usize, width: usize) -> Example {
        let mut bias = numbers(3, classes);
        bias[2] = f32::NEG_INFINITY;
        let target = (0..rows).map(|i| [0, 1, classes as u32 - 1][i % 3]).collect();
        Example { hidden: numbers(1, rows * width), table: numbers(2, classes * width), bias, target, width }
    }

    impl Example {
        fn scores(&self, part: std::ops::Range<usize>) -> Scores<'_> {
            Scores {
                hidden: &self.hidden,
                table: &self.table[part.start * self.width..part.end * self.width],
                bias: Some(&self.bias[part.clone()]),
                width: self.width,
                base: part.start as u32,
                target: &self.target,
            }
        }

        /// Losses and the slopes of their scores, `rows x classes`, in f64.
        fn reference(&self) -> (Vec<f64>, Vec<f64>) {
            let (mut losses, mut slopes) = (Vec::new(), Vec::new());
            for (hidden, target) in self.hidden.chunks(self.width).zip(&self.target) {
                let dot = |t: &[f32]| -> f64 { t.iter().zip(hidden).map(|(t, h)| f64::from(*t) * f64::from(*h)).sum() };
                let scores: Vec<f64> =
                    self.table.chunks(self.width).zip(&self.bias).map(|(t, b)| dot(t) + f64::from(*b)).collect();
                let sum: f64 = scores.iter().map(|s| s.exp()).sum();
                losses.push(sum.ln() - scores[*target as usize]);
                slopes.extend(
                    scores.iter().enumerate().map(|(c, s)| s.exp() / sum - f64::from(u8::from(c == *target as usize))),
                );
            }
            (losses, slopes)
        }

        /// Losses and logarithms of sums, with the table taken in parts.
        fn losses(&self, parts: &[std::ops::Range<usize>]) -> (Vec<f32>, Vec<f32>) {
            let rows = self.target.len();
            let (mut max, mut sum, mut hit) = (vec![0.0; rows], vec![0.0; rows], vec![0.0; rows]);
            let mut seen = Seen { max: &mut max, sum: &mut sum, hit: &mut hit };
            seen.clear();
            for part in parts {
                let scores = self.scores(part.clone());
                scores.absorb(&mut seen, &mut vec![f32::NAN; Scores::scratch(rows, self.width)]);
            }
            let mut log_sum = vec![0.0; rows];
            seen.log_sum(&mut log_sum);
            (log_sum.iter().zip(&hit).map(|(sum, hit)| sum - hit).collect(), log_sum)
        }
    }

    fn close(a: f32, b: f64) -> bool {
        (f64::from(a) - b).abs() < 2e-5 * (1.0 + b.abs())
    }

    #[test]
    fn losses_and_gradients_agree_with_f64() {
        on_every_arch(|| {
            for (rows, classes, width) in [(1, 3, 1), (5, 300, 7), (35, 129, 20), (64, 128, 8)] {
                let of = example(rows, classes, width);
                let (expected, slopes) = of.reference();
                let (loss, log_sum) = of.losses(&[0..classes / 3, classes / 3..classes]);
                assert!(loss.iter().zip(&expected).all(|(a, b)| close(*a, *b)), "{rows}x{classes}x{width}");

                let g: Vec<f32> = (0..rows).map(|i| 0.5 + i as f32 * 0.1).collect();
                let mut dhidden = vec![0.25; rows * width];
                let mut dtable = vec![0.25; classes * width];
                let mut dbias = vec![0.25; classes];
                let scores = of.scores(0..classes);
                let mut to = ScoresGrad { hidden: &mut dhidden, table: &mut dtable, bias: Some(&mut dbias) };
                scores.backward(&log_sum, &g, &mut to, &mut vec![f32::NAN; Scores::scratch(rows, width)]);
                let slope = |i: usize, c: usize| f64::from(g[i]) * slopes[i * classes + c];
                for i in 0..rows {
                    for j in 0..width {
                        let sum: f64 = (0..classes).map(|c| slope(i, c) * f64::from(of.table[c * width + j])).sum();
                        assert!(close(dhidden[i * width + j], sum + 0.25), "{rows}x{classes}x{width}");
                    }
                }
                for c in 0..classes {
                    assert!(close(dbias[c], 0.25 + (0..rows).map(|i| slope(i, c)).sum::<f64>()));
                    for j in 0..width {
                        let sum: f64 = (0..rows).map(|i| slope(i, c) * f64::from(of.hidden[i * width + j])).sum();
                        assert!(close(dtable[c * width + j], sum + 0.25), "{rows}x{classes}x{width}");
                    }
                }
            }
        });
    }

    #[test]
    fn a_loss_has_the_same_bits_in_every_block_of_rows() {
        on_every_arch(|| {
            let of = example(40, 300, 20);
            let (whole, _) = of.losses(std::slice::from_ref(&(0..300)));
            let some = Example { hidden: of.hidden[7 * 20..30 * 20].to_vec(), target: of.target[7..30].to_vec(), ..of };
            assert_eq!(some.losses(std::slice::from_ref(&(0..300))).0, whole[7..30]);
        });
    }

    #[test]
    fn large_scores_do_not_overflow_and_a_left_out_target_costs_infinity() {
        on_every_arch(|| {
            let of = Example {
                hidden: vec![100.0; 2],
                table: vec![5.0; 3],
                bias: vec![0.0, f32::NEG_INFINITY, 0.0],
                target: vec![0, 1],
                width: 1,
            };
            let (loss, _) = of.losses(std::slice::from_ref(&(0..3)));
            assert!((loss[0] - 2f32.ln()).abs() < 1e-4);
            assert_eq!(loss[1], f32::INFINITY);
        });
    }
}
