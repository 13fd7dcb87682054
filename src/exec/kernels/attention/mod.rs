//! Scaled dot-product attention of several heads over the real elements of one sample, forward and backward.
//!
//! Queries are taken in blocks, so that the scores of a block stay in cache and causal attention does half of the work. The
//! backward pass computes them again instead of reading them back.

mod rows;

use super::dispatch;
use super::gemm::{Shape, Start, Strided, gemm, transpose};
use super::noise::Mask;
use crate::prim::attention::Noise;
use rows::{Scores, Weights};
use std::ops::Range;

/// Queries of a block.
const BLOCK: usize = 32;

/// The operands. Matrices are row-major; the columns of head `h` are `h width .. (h + 1) width` of each.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// `queries x (heads width)`.
    pub q: &'a [f32],
    /// `keys x (heads width)`.
    pub k: &'a [f32],
    /// `keys x (heads width)`.
    pub v: &'a [f32],
    /// Number of heads.
    pub heads: usize,
    /// Columns of one head.
    pub width: usize,
    /// Factor of the products, usually `1 / sqrt(width)`.
    pub scale: f32,
    /// Query `i` sees keys `0 ..= i` only; there are as many queries as keys.
    pub causal: bool,
    /// Added to the scaled products of every head, `queries x keys`; minus infinity hides a key.
    pub bias: Option<&'a [f32]>,
    /// Which weights are dropped after the softmax.
    pub dropped: Option<Dropped<'a>>,
}

/// The noise of the weights.
#[derive(Clone, Copy, Debug)]
pub struct Dropped<'a> {
    /// Of the sample.
    pub mask: Mask,
    /// The addresses of the sample's rows.
    pub noise: Noise,
    /// The number of each query among the sample's rows.
    pub rows: &'a [u32],
}

/// Where the gradients go; all are added.
#[derive(Debug)]
pub struct AttentionGrad<'a> {
    /// Like `q`.
    pub dq: &'a mut [f32],
    /// Like `k`.
    pub dk: &'a mut [f32],
    /// Like `v`.
    pub dv: &'a mut [f32],
    /// Like `bias`: summed over the heads.
    pub dbias: Option<&'a mut [f32]>,
}

impl Attention<'_> {
    fn queries(&self) -> usize {
        self.q.len() / (self.heads * self.width).max(1)
    }

    fn keys(&self) -> usize {
        self.k.len() / (self.heads * self.width).max(1)
    }

    /// Length of the scratch that both passes need, whose contents mean nothing before and after.
    pub fn scratch(&self) -> usize {
        self.keys() * (2 * self.width + 3 * BLOCK)
    }

    fn check(&self) {
        let row = self.heads * self.width;
        assert!(row > 0 && self.q.len().is_multiple_of(row), "attention: queries do not fill rows");
        assert!(self.k.len().is_multiple_of(row) && self.v.len() == self.k.len(), "attention: keys do not fill rows");
        assert!(!self.causal || self.queries() == self.keys(), "attention: causal, but queries are not keys");
        assert!(
            self.bias.is_none_or(|b| b.len() == self.queries() * self.keys()),
            "attention: the bias has another shape"
        );
    }

    /// `out[i] = sum over keys j of p[i, j] v[j]` for each head, where `p[i]` is the softmax of
    /// `scale q[i] k[j] + bias[i, j]`. A query that sees no key gives 0. `out` is like `q`. About `4 queries keys width`
    /// floating-point operations a head.
    pub fn forward(&self, out: &mut [f32], scratch: &mut [f32]) {
        self.check();
        assert!(out.len() == self.q.len() && scratch.len() >= self.scratch(), "attention: lengths differ");
        let (row, keys, width) = (self.heads * self.width, self.keys(), self.width);
        let (k_turned, rest) = scratch.split_at_mut(keys * width);
        let (p, mask) = rest.split_at_mut(keys * BLOCK);
        for head in 0..self.heads {
            let at = head * width;
            turn(self.k, row, at, width, keys, k_turned);
            for block in self.blocks() {
                let seen = self.seen(&block);
                self.weights(head, &block, seen, k_turned, p);
                if self.mask(head, &block, seen, mask) {
                    p.iter_mut().zip(&mask[..block.len() * seen]).for_each(|(p, mask)| *p *= mask);
                }
                let shape = Shape { m: block.len(), k: seen, n: width };
                let out = &mut out[block.start * row + at..];
                gemm(shape, Strided::rows(p, seen), self.v.get(at..).unwrap_or(&[]), row, Start::Zero, out, row);
            }
        }
    }

    /// Adds the gradients, given that of the output, `g` like `q`. About `10 queries keys width` operations a head.
    pub fn backward(&self, g: &[f32], to: &mut AttentionGrad, scratch: &mut [f32]) {
        self.check();
        assert!(g.len() == self.q.len() && to.dq.len() == g.len(), "attention: lengths differ");
        assert!(to.dk.len() == self.k.len() && to.dv.len() == self.v.len(), "attention: lengths differ");
        assert!(scratch.len() >= self.scratch(), "attention: lengths differ");
        assert!(to.dbias.as_ref().is_none_or(|b| b.len() == self.queries() * self.keys()), "attention: lengths differ");
        let (row, keys, width) = (self.heads * self.width, self.keys(), self.width);
        if keys == 0 {
            return;
        }
        let (k_turned, rest) = scratch.split_at_mut(keys * width);
        let (v_turned, rest) = rest.split_at_mut(keys * width);
        let (p, rest) = rest.split_at_mut(keys * BLOCK);
        let (dp, mask) = rest.split_at_mut(keys * BLOCK);
        for head in 0..self.heads {
            let at = head * width;
            turn(self.k, row, at, width, keys, k_turned);
            turn(self.v, row, at, width, keys, v_turned);
            for block in self.blocks() {
                let seen = self.seen(&block);
                let (m, first) = (block.len(), block.start * row + at);
                self.weights(head, &block, seen, k_turned, p);
                // dp = g v^T, dv += p^T g, where p is what is left of the weights.
                let shape = Shape { m, k: width, n: seen };
                gemm(shape, Strided::rows(&g[first..], row), v_turned, keys, Start::Zero, dp, seen);
                let mut kept = &*p;
                if self.mask(head, &block, seen, mask) {
                    let numbers = mask[..m * seen].iter_mut().zip(dp.iter_mut()).zip(p.iter());
                    numbers.for_each(|((mask, dp), p)| (*dp, *mask) = (*dp * *mask, *mask * p));
                    kept = mask;
                }
                let shape = Shape { m: seen, k: m, n: width };
                gemm(shape, Strided::transposed(kept, seen), &g[first..], row, Start::Keep, &mut to.dv[at..], row);
                let (p, dp) = (&p[..m * seen], &mut dp[..m * seen]);
                let dbias = to.dbias.as_deref_mut().map(|b| &mut b[block.start * keys..]);
                dispatch::run(Scores { p, dp, seen, scale: self.scale, dbias, keys });
                // dq += ds k, dk += ds^T q
                let shape = Shape { m, k: seen, n: width };
                gemm(shape, Strided::rows(dp, seen), &self.k[at..], row, Start::Keep, &mut to.dq[first..], row);
                let shape = Shape { m: seen, k: m, n: width };
                gemm(shape, Strided::transposed(dp, seen), &self.q[first..], row, Start::Keep, &mut to.dk[at..], row);
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let queries = self.queries();
        (0..queries).step_by(BLOCK).map(move |from| from..queries.min(from + BLOCK))
    }

    /// How many keys any query of the block sees.
    fn seen(&self, block: &Range<usize>) -> usize {
        if self.causal { block.end } else { self.keys() }
    }

    /// What the weights of a block of queries are multiplied with, `block x seen`; false if nothing is dropped.
    fn mask(&self, head: usize, block: &Range<usize>, seen: usize, mask: &mut [f32]) -> bool {
        let Some(Dropped { mask: of, noise, rows }) = self.dropped else { return false };
        for (query, mask) in block.clone().zip(mask.chunks_exact_mut(seen.max(1))) {
            of.fill(noise.first(head, rows[query] as usize), mask);
        }
        true
    }

    /// The weights of a block of queries, `block x seen`.
    fn weights(&self, head: usize, block: &Range<usize>, seen: usize, k_turned: &[f32], p: &mut [f32]) {
        let row = self.heads * self.width;
        let shape = Shape { m: block.len(), k: self.width, n: seen };
        let q = Strided::rows(&self.q[block.start * row + head * self.width..], row);
        gemm(shape, q, k_turned, self.keys(), Start::Zero, p, seen);
        let bias = self.bias.map(|b| &b[block.start * self.keys()..]);
        let first = self.causal.then_some(block.start);
        dispatch::run(Weights {
            p: &mut p[..block.len() * seen],
            seen,
            scale: self.scale,
            bias,
            keys: self.keys(),
            first,
        });
    }
}

/// The columns `at .. at + width` of a matrix of rows `row` wide, transposed.
fn turn(x: &[f32], row: usize, at: usize, width: usize, rows: usize, to: &mut [f32]) {
    if width == row {
        return transpose(x, rows, width, to);
    }
    for (i, x) in x.chunks_exact(row).enumerate() {
        for (j, x) in x[at..at + width].iter().enumerate() {
            to[j * rows + i] = *x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 * 0.03 - 1.5).collect()
    }

    fn double(x: &[f32]) -> Vec<f64> {
        x.iter().map(|x| f64::from(*x)).collect()
    }

    /// Attention in f64 by its definition; `seen(i, j)` says whether query `i` sees key `j`.
    fn reference(of: &Attention, [q, k, v, bias]: [&[f64]; 4], out: &mut [f64]) {
        let (row, keys) = (of.heads * of.width, of.keys());
        for i in 0..of.queries() {
            for head in 0..of.heads {
                let at = |x: usize, j: usize| x * row + head * of.width + j;
                let limit = if of.causal { i + 1 } else { keys };
                let score = |j: usize| {
                    let dot: f64 = (0..of.width).map(|c| q[at(i, c)] * k[at(j, c)]).sum();
                    dot * f64::from(of.scale) + bias[i * keys + j]
                };
                let e: Vec<f64> = (0..limit).map(|j| score(j).exp()).collect();
                let sum: f64 = e.iter().sum();
                for c in 0..of.width {
                    let mean: f64 = (0..limit).map(|j| e[j] * v[at(j, c)]).sum();
                    out[at(i, c)] = if sum > 0.0 { mean / sum } else { 0.0 };
                }
            }
        }
    }

    #[test]
    fn values_and_gradients_agree_with_f64() {
        on_every_arch(|| {
            for (queries, keys, heads, width, causal) in [
                (1, 1, 1, 1, true),
                (5, 5, 2, 3, true),
                (40, 40, 2, 4, true),
                (7, 35, 1, 8, false),
                (33, 3, 3, 5, false),
            ] {
                let row = heads * width;
                let (q, k, v) = (numbers(1, queries * row), numbers(2, keys * row), numbers(3, keys * row));
                let mut bias = numbers(4, queries * keys);
                if keys > 4 {
                    bias[3] = f32::NEG_INFINITY;
                }
                let of = Attention {
                    q: &q,
                    k: &k,
                    v: &v,
                    heads,
                    width,
                    scale: 0.4,
                    causal,
                    bias: Some(&bias),
                    dropped: None,
                };
                let mut scratch = vec![f32::NAN; of.scratch()];
                let mut out = vec![f32::NAN; q.len()];
                of.forward(&mut out, &mut scratch);
                let inputs = [double(&q), double(&k), double(&v), double(&bias)];
                let mut expected = vec![0.0; q.len()];
                reference(&of, [&inputs[0], &inputs[1], &inputs[2], &inputs[3]], &mut expected);
                for (out, expected) in out.iter().zip(&expected) {
                    assert!((f64::from(*out) - expected).abs() < 1e-5, "{queries}x{keys}: {out} for {expected}");
                }

                let g = numbers(5, q.len());
                let mut grads = [&q, &k, &v, &bias].map(|x| vec![0.5; x.len()]);
                let [dq, dk, dv, dbias] = &mut grads;
                of.backward(&g, &mut AttentionGrad { dq, dk, dv, dbias: Some(dbias) }, &mut scratch);
                let loss = |inputs: &[Vec<f64>; 4]| -> f64 {
                    let mut out = vec![0.0; q.len()];
                    reference(&of, [&inputs[0], &inputs[1], &inputs[2], &inputs[3]], &mut out);
                    out.iter().zip(&g).map(|(out, g)| out * f64::from(*g)).sum()
                };
                for which in 0..4 {
                    for at in (0..inputs[which].len()).step_by(1 + inputs[which].len() / 23) {
                        let (mut up, mut down) = (inputs.clone(), inputs.clone());
                        up[which][at] += 1e-5;
                        down[which][at] -= 1e-5;
                        let slope = (loss(&up) - loss(&down)) / 2e-5;
                        let actual = f64::from(grads[which][at]) - 0.5;
                        assert!(
                            (actual - slope).abs() < 1e-4,
                            "{queries}x{keys} input {which} at {at}: {actual} for {slope}"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn a_query_that_sees_nothing_gives_zero() {
        on_every_arch(|| {
            let of = Attention {
                q: &[1.0, 2.0],
                k: &[1.0, 1.0],
                v: &[3.0, 4.0],
                heads: 1,
                width: 1,
                scale: 1.0,
                causal: false,
                bias: Some(&[f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]),
                dropped: None,
            };
            let mut scratch = vec![0.0; of.scratch()];
            let mut out = [9.0; 2];
            of.forward(&mut out, &mut scratch);
            assert_eq!(out, [0.0, 3.0]);
            let none = Attention { k: &[], v: &[], bias: None, ..of };
            none.forward(&mut out, &mut scratch);
            assert_eq!(out, [0.0; 2]);
        });
    }

    #[test]
    fn a_causal_prefix_does_not_depend_on_what_follows() {
        on_every_arch(|| {
            let (q, k, v) = (numbers(1, 70 * 8), numbers(2, 70 * 8), numbers(3, 70 * 8));
            let run = |t: usize| {
                let of = Attention {
                    q: &q[..t * 8],
                    k: &k[..t * 8],
                    v: &v[..t * 8],
                    heads: 2,
                    width: 4,
                    scale: 0.5,
                    causal: true,
                    bias: None,
                    dropped: None,
                };
                let mut out = vec![0.0; t * 8];
                of.forward(&mut out, &mut vec![0.0; of.scratch()]);
                out
            };
            let whole = run(70);
            for t in [1, 31, 32, 33, 64] {
                let part = run(t);
                assert_eq!(part, whole[..t * 8]);
            }
        });
    }
}
