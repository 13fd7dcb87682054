//! Numbers: what is fitted of them on the train part, and how they are scaled or cut into buckets.

use crate::syntax::spec::{Edges, Fill, Missing, Scale};

/// Values kept to find quantiles of. Longer columns are thinned evenly: exact quantiles would need a sort of all rows.
const SAMPLED: usize = 1 << 20;

/// What is known of one column of numbers in the train part, nulls left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) mean: f64,
    /// Of the population; 1 where all values are equal, so that nothing is divided by zero.
    pub(crate) deviation: f64,
    pub(crate) least: f64,
    /// Largest minus least; 1 where all values are equal.
    pub(crate) range: f64,
}

impl Statistics {
    /// Of values in their order; as if the one value were 0 where there are none.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Statistics {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| !value.is_nan()) {
            // Welford: one pass, and no large squares that cancel.
            count += 1.0;
            let off = value - mean;
            mean += off / count;
            squares += off * (value - mean);
            least = least.min(value);
            most = most.max(value);
        }
        let or_one = |value: f64| if value > 0.0 && value.is_finite() { value } else { 1.0 };
        Statistics {
            mean,
            deviation: or_one((squares / count).sqrt()),
            least: if count == 0.0 { 0.0 } else { least },
            range: or_one(most - least),
        }
    }

    /// The number that an input holds.
    pub(crate) fn scaled(&self, value: f64, scale: Scale, missing: Missing) -> f32 {
        let value = match (value.is_nan(), missing.fill) {
            (false, _) => value,
            (true, Fill::Mean) => self.mean,
            (true, Fill::Value(fill)) => fill,
        };
        let scaled = match scale {
            Scale::None => value,
            Scale::Zscore => (value - self.mean) / self.deviation,
            Scale::Minmax => (value - self.least) / self.range,
        };
        scaled as f32
    }

    /// As numbers, to be written.
    pub(crate) fn to_array(self) -> [f64; 4] {
        [self.mean, self.deviation, self.least, self.range]
    }

    /// The inverse of [`Statistics::to_array`].
    pub(crate) fn from_slice(values: &[f64]) -> Option<Statistics> {
        let [mean, deviation, least, range] = values else { return None };
        Some(Statistics { mean: *mean, deviation: *deviation, least: *least, range: *range })
    }
}

/// The edges of a bucket feature. Quantiles that coincide make one edge.
pub(crate) fn edges(wanted: &Edges, values: &[f64]) -> Vec<f64> {
    match wanted {
        Edges::At(edges) => edges.clone(),
        Edges::Count(count) => {
            let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            let parts = u64::from(*count) + 1;
            let quantile = |at: u64| sorted.get((at * sorted.len() as u64 / parts) as usize).copied();
            let mut edges: Vec<f64> = (1..parts).filter_map(quantile).collect();
            edges.dedup();
            // Below the least value there would be a bucket that no train row is in.
            if !edges.is_empty() && edges.first() == sorted.first() {
                edges.remove(0);
            }
            edges
        }
    }
}

/// The bucket of a number: 0 for null, then one more than the edges that are not above it.
pub(crate) fn bucket(value: f64, edges: &[f64]) -> u32 {
    if value.is_nan() { 0 } else { 1 + edges.partition_point(|edge| *edge <= value) as u32 }
}

/// Collects values for quantiles, in memory that does not grow with their number.
#[derive(Debug)]
pub(crate) struct Thinned {
    values: Vec<f64>,
    step: u64,
    met: u64,
}

impl Thinned {
    pub(crate) fn new() -> Thinned {
        Thinned { values: Vec::new(), step: 1, met: 0 }
    }

    /// Adds a value; of a long column, every second, fourth, ... is kept.
    pub(crate) fn push(&mut self, value: f64) {
        if self.met.is_multiple_of(self.step) {
            if self.values.len() == SAMPLED {
                let mut at = 0;
                self.values.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.step *= 2;
            }
            if self.met.is_multiple_of(self.step) {
                self.values.push(value);
            }
        }
        self.met += 1;
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_what_they_are_by_hand() {
        let fit = Statistics::of([1.0, f64::NAN, 3.0, 5.0].into_iter());
        assert_eq!((fit.mean, fit.least, fit.range), (3.0, 1.0, 4.0));
        assert_eq!(fit.deviation, (8.0_f64 / 3.0).sqrt());
        let plain = Missing::default();
        assert_eq!(fit.scaled(5.0, Scale::Minmax, plain), 1.0);
        assert_eq!(fit.scaled(5.0, Scale::Zscore, plain), (2.0 / (8.0_f64 / 3.0).sqrt()) as f32);
        assert_eq!(fit.scaled(f64::NAN, Scale::None, Missing { fill: Fill::Mean, flag: true }), 3.0);
        assert_eq!(fit.scaled(f64::NAN, Scale::Zscore, Missing { fill: Fill::Value(3.0), flag: false }), 0.0);
    }

    #[test]
    fn equal_or_absent_values_divide_by_one() {
        assert_eq!(Statistics::of([2.0, 2.0].into_iter()).scaled(3.0, Scale::Zscore, Missing::default()), 1.0);
        let none = Statistics::of([f64::NAN].into_iter());
        assert_eq!(none.to_array(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(Statistics::from_slice(&none.to_array()), Some(none));
    }

    #[test]
    fn quantiles_cut_the_train_part_into_equal_buckets() {
        let values: Vec<f64> = (0..12).map(f64::from).collect();
        let edges = edges(&Edges::Count(3), &values);
        assert_eq!(edges, [3.0, 6.0, 9.0]);
        let buckets: Vec<u32> = values.iter().map(|&value| bucket(value, &edges)).collect();
        assert_eq!(buckets, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
        assert_eq!(bucket(f64::NAN, &edges), 0);
        assert_eq!(super::edges(&Edges::Count(3), &[7.0; 5]), [0.0; 0], "one value has nothing to be cut at");
        assert_eq!(super::edges(&Edges::Count(3), &[0.0, 0.0, 0.0, 1.0]), [1.0]);
        assert_eq!(super::edges(&Edges::At(vec![1.0, 2.0]), &[]), [1.0, 2.0]);
    }

    #[test]
    fn a_long_column_is_thinned_evenly() {
        let mut thinned = Thinned::new();
        (0..SAMPLED + SAMPLED / 2).for_each(|value| thinned.push(value as f64));
        assert_eq!(thinned.values()[..3], [0.0, 2.0, 4.0]);
        assert_eq!(thinned.values().len(), SAMPLED * 3 / 4);
    }
}
