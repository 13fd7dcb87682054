//! Matrix products too large for one cache, by the `gemm` crate on several threads. Their bits do not depend on how many.

use gemm::Parallelism;

/// `out = a b` with `out` `m x n`, `b` `k x n`, both row-major, and entry `(i, p)` of `a` at `i * row + p * column`.
/// Runs on the rayon pool that it is called in.
pub fn product(
    [m, k, n]: [usize; 3],
    a: &[f32],
    [row, column]: [usize; 2],
    b: &[f32],
    out: &mut [f32],
    threads: usize,
) {
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        out.fill(0.0);
        return;
    }
    assert!((m - 1) * row + (k - 1) * column < a.len(), "product: A is too short");
    assert!(k * n <= b.len() && m * n <= out.len(), "product: B or C is too short");
    let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
    #[allow(unsafe_code, reason = "the crate's interface takes pointers")]
    // SAFETY: the assertions above bound the last entry that each pointer is read or written at; strides are those of the
    // row-major matrices; `out` is borrowed exclusively, so it overlaps neither `a` nor `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            column as isize,
            row as isize,
            b.as_ptr(),
            1,
            n as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_and_a_product_of_a_transpose() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2 x 3
        let b = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]; // 3 x 2
        let mut out = [0.0; 4];
        product([2, 3, 2], &a, [3, 1], &b, &mut out, 2);
        assert_eq!(out, [4.0, 5.0, 10.0, 11.0]);
        let mut out = [0.0; 9]; // a^T a
        product([3, 2, 3], &a, [1, 3], &a, &mut out, 1);
        assert_eq!(out, [17.0, 22.0, 27.0, 22.0, 29.0, 36.0, 27.0, 36.0, 45.0]);
    }
}
