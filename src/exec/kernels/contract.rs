//! Sums of products of two operands over groups of rows, without the rows of products.

use super::dispatch;
use super::operand::{Operand, Rows};
use pulp::{Simd, WithSimd};

/// `out[map[i], j] += a[i, j] b[i, j]` over `rows` rows in order; operands are broadcast to `rows x width`. No map: everything
/// is summed to one row.
pub fn contract(a: Operand, b: Operand, rows: usize, map: Option<&[u32]>, width: usize, out: &mut [f32]) {
    a.check(rows, width);
    b.check(rows, width);
    assert!(map.is_none_or(|map| map.len() >= rows), "contract: the map is too short");
    if width > 0 {
        dispatch::run(Contract { a, b, rows, map, width, out });
    }
}

struct Contract<'a> {
    a: Operand<'a>,
    b: Operand<'a>,
    rows: usize,
    map: Option<&'a [u32]>,
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for Contract<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // The loops are plain: compiled for the vector unit that runs them, they are as fast as written-out registers.
        let Contract { a, b, rows, map, width, out } = self;
        for i in 0..rows {
            let place = map.map_or(0, |map| map[i] as usize);
            let out = &mut out[place * width..(place + 1) * width];
            let (a, b) = (row(&a, i), row(&b, i));
            match (a, b) {
                ([a], b) => out.iter_mut().zip(b).for_each(|(out, b)| *out += a * b),
                (a, [b]) => out.iter_mut().zip(a).for_each(|(out, a)| *out += a * b),
                (a, b) => out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out += a * b),
            }
        }
    }
}

/// The row of an operand beside row `i`.
#[inline(always)]
fn row<'a>(x: &Operand<'a>, i: usize) -> &'a [f32] {
    let place = match x.rows {
        Rows::All => i,
        Rows::One => 0,
        Rows::Map(map) => map[i] as usize,
    };
    &x.data[place * x.width..(place + 1) * x.width]
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    #[test]
    fn weighted_rows_are_summed_by_group() {
        on_every_arch(|| {
            for width in [1, 2, 7, 16, 40] {
                let values: Vec<f32> = (0..3 * width).map(|i| i as f32).collect();
                let weights = [2.0, 3.0, 5.0];
                let mut out = vec![1.0; 2 * width];
                let (a, b) = (Operand::all(&weights, 1), Operand::all(&values, width));
                contract(a, b, 3, Some(&[1, 0, 1]), width, &mut out);
                for j in 0..width {
                    let v = |i: usize| values[i * width + j];
                    assert_eq!(out[j], 1.0 + 3.0 * v(1));
                    assert_eq!(out[width + j], 1.0 + 2.0 * v(0) + 5.0 * v(2));
                }
                let mut all = vec![0.0; width];
                contract(b, b, 3, None, width, &mut all);
                assert!((0..width).all(|j| all[j] == (0..3).map(|i| values[i * width + j].powi(2)).sum::<f32>()));
            }
        });
    }
}
