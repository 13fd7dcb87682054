//! Rows moved whole: fetched, scattered, and copied by columns.

use super::binary::Write;
use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// `out[i] = table[ids[i]]`: a fetch from a table, or a value of the parent space beside its elements. `out` is `ids x width`.
pub fn gather(table: &[f32], width: usize, ids: &[u32], out: &mut [f32]) {
    assert_eq!(out.len(), ids.len() * width, "gather: the result has another number of rows");
    dispatch::run(Gather { table, width, ids, out });
}

/// `out[map[i]] += x[i]`, or `weights[i] x[i]` with a weight per row; rows in order, so the sums have one rounding.
pub fn scatter_add(x: &[f32], width: usize, weights: Option<&[f32]>, map: &[u32], out: &mut [f32]) {
    assert!(x.len() >= map.len() * width, "scatter: too few rows");
    assert!(weights.is_none_or(|w| w.len() >= map.len()), "scatter: too few weights");
    dispatch::run(Scatter { x, width, weights, map, out });
}

/// Some columns of a row-major matrix: row `i` is at `i * stride + from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Width of the whole matrix.
    pub stride: usize,
    /// The first column.
    pub from: usize,
}

/// `dst[i, to.from + j] = src[i, of.from + j]`, or `+=`, for `rows` rows and `count` columns: the parts of a concat, and their gradients.
pub fn copy_columns(src: &[f32], of: Columns, dst: &mut [f32], to: Columns, rows: usize, count: usize, write: Write) {
    if rows > 0 && count > 0 {
        assert!(of.from + count <= of.stride && to.from + count <= to.stride, "columns: beyond the row");
        assert!(src.len() >= (rows - 1) * of.stride + of.from + count, "columns: the source is too short");
        assert!(dst.len() >= (rows - 1) * to.stride + to.from + count, "columns: the result is too short");
        dispatch::run(Copy { src, of, dst, to, rows, count, write });
    }
}

struct Gather<'a> {
    table: &'a [f32],
    width: usize,
    ids: &'a [u32],
    out: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (i, id) in self.ids.iter().enumerate() {
            let row = &self.table[*id as usize * self.width..][..self.width];
            copy(simd, row, &mut self.out[i * self.width..][..self.width]);
        }
    }
}

struct Scatter<'a> {
    x: &'a [f32],
    width: usize,
    weights: Option<&'a [f32]>,
    map: &'a [u32],
    out: &'a mut [f32],
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (i, row) in self.map.iter().enumerate() {
            let x = &self.x[i * self.width..][..self.width];
            let out = &mut self.out[*row as usize * self.width..][..self.width];
            match self.weights {
                None => add(simd, x, out),
                Some(weights) => add_scaled(simd, weights[i], x, out),
            }
        }
    }
}

struct Copy<'a> {
    src: &'a [f32],
    of: Columns,
    dst: &'a mut [f32],
    to: Columns,
    rows: usize,
    count: usize,
    write: Write,
}

impl WithSimd for Copy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for i in 0..self.rows {
            let src = &self.src[i * self.of.stride + self.of.from..][..self.count];
            let dst = &mut self.dst[i * self.to.stride + self.to.from..][..self.count];
            match self.write {
                Write::Set => copy(simd, src, dst),
                Write::Add => add(simd, src, dst),
            }
        }
    }
}

/// A copy of a short row in line: `memcpy` would cost more for the call than for the bytes.
#[inline(always)]
fn copy<S: Simd>(simd: S, src: &[f32], dst: &mut [f32]) {
    let (src, src_tail) = S::as_simd_f32s(src);
    let (dst, dst_tail) = S::as_mut_simd_f32s(dst);
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst = *src;
    }
    if !src_tail.is_empty() {
        lanes::store(simd, dst_tail, lanes::load(simd, src_tail));
    }
}

#[inline(always)]
fn add<S: Simd>(simd: S, src: &[f32], dst: &mut [f32]) {
    let (src, src_tail) = S::as_simd_f32s(src);
    let (dst, dst_tail) = S::as_mut_simd_f32s(dst);
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst = simd.add_f32s(*dst, *src);
    }
    if !src_tail.is_empty() {
        let sum = simd.add_f32s(lanes::load(simd, dst_tail), lanes::load(simd, src_tail));
        lanes::store(simd, dst_tail, sum);
    }
}

#[inline(always)]
fn add_scaled<S: Simd>(simd: S, scale: f32, src: &[f32], dst: &mut [f32]) {
    let scale = simd.splat_f32s(scale);
    let (src, src_tail) = S::as_simd_f32s(src);
    let (dst, dst_tail) = S::as_mut_simd_f32s(dst);
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst = simd.mul_add_e_f32s(scale, *src, *dst);
    }
    if !src_tail.is_empty() {
        let sum = simd.mul_add_e_f32s(scale, lanes::load(simd, src_tail), lanes::load(simd, dst_tail));
        lanes::store(simd, dst_tail, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| i as f32 + 1.0).collect()
    }

    #[test]
    fn rows_are_fetched_and_scattered_at_every_width() {
        on_every_arch(|| {
            for width in (1..40).chain([100]) {
                let table = numbers(6 * width);
                let ids = [5, 0, 3, 3];
                let mut out = vec![0.0; 4 * width];
                gather(&table, width, &ids, &mut out);
                for (at, out) in out.iter().enumerate() {
                    assert_eq!(*out, table[ids[at / width] as usize * width + at % width]);
                }
                let (mut plain, mut weighted) = (vec![0.5; 6 * width], vec![0.5; 6 * width]);
                scatter_add(&out, width, None, &ids, &mut plain);
                scatter_add(&out, width, Some(&[1.0, 2.0, 3.0, 4.0]), &ids, &mut weighted);
                let (counts, weights) = ([1.0, 0.0, 0.0, 2.0, 0.0, 1.0], [2.0, 0.0, 0.0, 7.0, 0.0, 1.0]);
                for (at, value) in table.iter().enumerate() {
                    assert_eq!(plain[at], 0.5 + counts[at / width] * value);
                    assert_eq!(weighted[at], 0.5 + weights[at / width] * value);
                }
            }
        });
    }

    #[test]
    fn columns_are_copied_between_strides() {
        on_every_arch(|| {
            for count in (1..40).chain([100]) {
                let (of, to) = (Columns { stride: count + 2, from: 1 }, Columns { stride: count + 5, from: 4 });
                let src = numbers(3 * of.stride);
                for write in [Write::Set, Write::Add] {
                    let mut dst = vec![0.25; 3 * to.stride];
                    copy_columns(&src, of, &mut dst, to, 3, count, write);
                    for (at, dst) in dst.iter().enumerate() {
                        let (i, j) = (at / to.stride, at % to.stride);
                        let inside = (4..4 + count).contains(&j);
                        let old = if write == Write::Add || !inside { 0.25 } else { 0.0 };
                        assert_eq!(*dst, old + if inside { src[i * of.stride + j - 3] } else { 0.0 });
                    }
                }
            }
        });
    }

    #[test]
    fn nothing_is_moved_without_rows() {
        gather(&[], 3, &[], &mut []);
        scatter_add(&[], 3, None, &[], &mut []);
        let columns = Columns { stride: 1, from: 0 };
        copy_columns(&[], columns, &mut [], columns, 0, 1, Write::Set);
    }
}
