//! Small matrix products: `C (+)= A B`, with everything of one tile of `C` in registers.
//!
//! `B` is read where it lies, row-major: up to 256 x 256 it stays in cache, and packing would cost more than it saves.
//! Larger products belong to the `gemm` crate. An element of `C` is one chain of additions in the order of `k`, whatever the
//! number of rows, so a row has the same bits in every block. (`n = 1` sums each row in another order, also fixed.)

mod dots;
mod tiles;

use super::dispatch;
use dots::Dots;
use tiles::Tiles;

/// A left operand: entry `(i, p)` is `data[i * row + p * column]`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// From entry `(0, 0)`.
    pub data: &'a [f32],
    /// Distance of two entries of a column.
    pub row: usize,
    /// Distance of two entries of a row.
    pub column: usize,
}

impl<'a> Strided<'a> {
    /// A row-major matrix whose rows begin `stride` apart: the input of a forward product.
    pub fn rows(data: &'a [f32], stride: usize) -> Self {
        Strided { data, row: stride, column: 1 }
    }

    /// The transpose of a row-major matrix whose rows begin `stride` apart: `X` in `dW += X^T dY`.
    pub fn transposed(data: &'a [f32], stride: usize) -> Self {
        Strided { data, row: 1, column: stride }
    }
}

/// What `C` holds before the products are added.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// 0.
    Zero,
    /// Its present values.
    Keep,
    /// The same row (`n` wide) in every row.
    Row(&'a [f32]),
    /// Row `i` of `n` wide rows in row `i`: a sum that the product is a part of.
    Rows(&'a [f32]),
    /// Row `map[i]` of `rows` (row-major, `n` wide) in row `i`: a part of a linear layer that was computed once per sample.
    Mapped {
        /// Row-major, `n` wide.
        rows: &'a [f32],
        /// One row index per row of `C`.
        map: &'a [u32],
    },
}

/// The shape of a product: `C` is `m x n`, `A` is `m x k`, `B` is `k x n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of `A` and `C`.
    pub m: usize,
    /// Columns of `A`, rows of `B`.
    pub k: usize,
    /// Columns of `B` and `C`.
    pub n: usize,
}

/// `C = start + A B`. `b` has rows `b_stride` apart, `c` has rows `c_stride` apart (both at least `n`); only the first `n`
/// entries of a row are touched. `2 m k n` floating-point operations, near the peak of one core from `m = 8, n = 32` on.
pub fn gemm(shape: Shape, a: Strided, b: &[f32], b_stride: usize, start: Start, c: &mut [f32], c_stride: usize) {
    let Shape { m, k, n } = shape;
    if m == 0 || n == 0 {
        return;
    }
    assert!(m == 1 || c_stride >= n, "gemm: rows of C overlap");
    assert!(extent(m, c_stride, n, 1) <= c.len(), "gemm: C is too short");
    if k > 0 {
        assert!(extent(m, a.row, k, a.column) <= a.data.len(), "gemm: A is too short");
        assert!(extent(k, b_stride, n, 1) <= b.len(), "gemm: B is too short");
    }
    match start {
        Start::Zero | Start::Keep => {}
        Start::Row(row) => assert!(n <= row.len(), "gemm: the bias is too short"),
        Start::Rows(rows) => assert!(m * n <= rows.len(), "gemm: the bias has too few rows"),
        Start::Mapped { rows, map } => {
            assert!(m <= map.len(), "gemm: the map is too short");
            let count = rows.len() / n;
            assert!(map[..m].iter().all(|r| (*r as usize) < count), "gemm: a map entry is beyond its rows");
        }
    }
    let vector = n == 1 && k > 0;
    // The choice depends on the layout alone, never on m.
    if vector && a.column == 1 && b_stride == 1 {
        dispatch::run(Dots { m, k, a: a.data, a_stride: a.row, b, start, c, c_stride });
    } else if vector && a.row == 1 && c_stride == 1 && matches!(start, Start::Zero | Start::Keep) {
        // C^T = B^T A^T: the only layout in which lanes are contiguous.
        let left = Strided { data: b, row: 0, column: b_stride };
        dispatch::run(Tiles { m: 1, k, n: m, a: left, b: a.data, b_stride: a.column, start, c, c_stride: m });
    } else {
        dispatch::run(Tiles { m, k, n, a, b, b_stride, start, c, c_stride });
    }
}

/// The length a slice must have to hold entry `(rows - 1, columns - 1)`; saturates, so that it is never too small.
fn extent(rows: usize, row: usize, columns: usize, column: usize) -> usize {
    (rows - 1).saturating_mul(row).saturating_add((columns - 1).saturating_mul(column)).saturating_add(1)
}

/// `dst = src^T`, where `src` is `rows x columns`: packs a weight once per step for its input gradient.
pub fn transpose(src: &[f32], rows: usize, columns: usize, dst: &mut [f32]) {
    assert!(src.len() == rows * columns && dst.len() == src.len(), "transpose: lengths differ from the shape");
    const TILE: usize = 16;
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for i in top..rows.min(top + TILE) {
                for j in left..columns.min(left + TILE) {
                    dst[j * rows + i] = src[i * columns + j];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    /// Numbers between -1 and 1 with no structure that a wrong index could hide in.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn check(
        shape: Shape,
        a: Strided,
        b: &[f32],
        b_stride: usize,
        start: Start,
        c: &[f32],
        c_stride: usize,
    ) -> Vec<f32> {
        let Shape { m, k, n } = shape;
        let mut actual = c.to_vec();
        gemm(shape, a, b, b_stride, start, &mut actual, c_stride);
        for (at, actual) in actual.iter().enumerate() {
            let (i, j) = (at / c_stride, at % c_stride);
            if i >= m || j >= n {
                assert_eq!(*actual, c[at], "{shape:?}: wrote outside of C at {at}");
                continue;
            }
            let from = f64::from(match start {
                Start::Zero => 0.0,
                Start::Keep => c[at],
                Start::Row(row) => row[j],
                Start::Rows(rows) => rows[i * n + j],
                Start::Mapped { rows, map } => rows[map[i] as usize * n + j],
            });
            let sum = (0..k).map(|p| f64::from(a.data[i * a.row + p * a.column]) * f64::from(b[p * b_stride + j]));
            let expected = from + sum.sum::<f64>();
            let error = (f64::from(*actual) - expected).abs();
            assert!(
                error <= 1e-6 * (k as f64 + 1.0),
                "{shape:?} {start:?} at ({i}, {j}): {actual}, expected {expected}"
            );
        }
        actual
    }

    fn every_start(shape: Shape, a: Strided, b: &[f32], b_stride: usize, c_stride: usize) {
        let c = numbers(shape.m * c_stride + 3, 5);
        let rows = numbers(7.max(shape.m) * shape.n, 6);
        let map: Vec<u32> = (0..shape.m as u32).map(|i| i * 5 % 7).collect();
        let mapped = Start::Mapped { rows: &rows, map: &map };
        for start in [Start::Zero, Start::Keep, Start::Row(&rows[..shape.n]), Start::Rows(&rows), mapped] {
            check(shape, a, b, b_stride, start, &c, c_stride);
        }
    }

    #[test]
    fn products_of_every_width_agree_with_f64() {
        on_every_arch(|| {
            for n in (1..=40).chain([63, 80, 97, 108, 200]) {
                for (m, k) in [(1, 1), (2, 3), (5, 16), (7, 33), (9, 0), (17, 40), (23, 1)] {
                    let shape = Shape { m, k, n };
                    let b = numbers(k * (n + 2), 2);
                    let x = numbers(m * (k + 1), 1);
                    every_start(shape, Strided::rows(&x, k + 1), &b, n + 2, n);
                    let x = numbers(k * (m + 3), 3);
                    every_start(shape, Strided::transposed(&x, m + 3), &b, n + 2, n + 1);
                    if n == 1 {
                        every_start(shape, Strided::transposed(&x, m + 3), &b, 1, 1);
                    }
                }
            }
        });
    }

    #[test]
    fn a_row_has_the_same_bits_in_every_block() {
        on_every_arch(|| {
            let (m, k) = (29, 37);
            let x = numbers(m * k, 1);
            for n in [1, 8, 20, 40, 80] {
                let b = numbers(k * n, 2);
                let mut whole = vec![0.0; m * n];
                gemm(Shape { m, k, n }, Strided::rows(&x, k), &b, n, Start::Row(&b[..n]), &mut whole, n);
                for from in 0..m {
                    for to in from + 1..=m {
                        let mut part = vec![0.0; (to - from) * n];
                        let shape = Shape { m: to - from, k, n };
                        gemm(shape, Strided::rows(&x[from * k..], k), &b, n, Start::Row(&b[..n]), &mut part, n);
                        assert_eq!(part, whole[from * n..to * n]);
                    }
                }
            }
        });
    }

    #[test]
    fn a_product_by_hand() {
        let mut c = [10.0, 20.0, 30.0, 40.0];
        gemm(
            Shape { m: 2, k: 2, n: 2 },
            Strided::rows(&[1.0, 2.0, 3.0, 4.0], 2),
            &[5.0, 6.0, 7.0, 8.0],
            2,
            Start::Keep,
            &mut c,
            2,
        );
        assert_eq!(c, [29.0, 42.0, 73.0, 90.0]);
    }

    #[test]
    fn empty_products_leave_the_start() {
        gemm(Shape { m: 0, k: 3, n: 2 }, Strided::rows(&[], 3), &[0.0; 6], 2, Start::Zero, &mut [], 2);
        let mut c = [1.0; 4];
        gemm(Shape { m: 2, k: 0, n: 2 }, Strided::rows(&[], 0), &[], 2, Start::Row(&[3.0, 4.0]), &mut c, 2);
        assert_eq!(c, [3.0, 4.0, 3.0, 4.0]);
    }

    #[test]
    #[should_panic(expected = "A is too short")]
    fn a_short_operand_is_refused() {
        gemm(Shape { m: 2, k: 3, n: 1 }, Strided::rows(&[0.0; 5], 3), &[0.0; 3], 1, Start::Zero, &mut [0.0; 2], 1);
    }

    #[test]
    #[should_panic(expected = "beyond its rows")]
    fn a_wrong_map_is_refused() {
        let start = Start::Mapped { rows: &[0.0; 2], map: &[0, 2] };
        gemm(Shape { m: 2, k: 1, n: 1 }, Strided::rows(&[0.0; 2], 1), &[0.0], 1, start, &mut [0.0; 2], 1);
    }

    #[test]
    fn transpose_swaps_indices() {
        for (rows, columns) in [(1, 5), (17, 3), (33, 40)] {
            let x = numbers(rows * columns, 4);
            let mut y = vec![0.0; x.len()];
            transpose(&x, rows, columns, &mut y);
            for i in 0..rows {
                assert!((0..columns).all(|j| y[j * rows + i] == x[i * columns + j]));
            }
        }
    }
}
