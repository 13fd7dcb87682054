//! The order of an epoch: as stored, or a shuffle whose every place is computed alone, without a list of all rows.

use rand::Rng;
use rand_pcg::Pcg64;

/// In which order batches take samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By (time, row), drawn as validation and test always are.
    Sequential,
    /// By (time, row), drawn anew for every epoch.
    Stored {
        /// Seed of the run.
        seed: u64,
        /// Which epoch, from 0.
        epoch: u64,
    },
    /// Shuffled anew for every epoch.
    Shuffled {
        /// Seed of the run.
        seed: u64,
        /// Which epoch, from 0.
        epoch: u64,
    },
}

/// What draws are keyed by beside the sample: seed and epoch of the run, or nothing where they are to stay the same.
pub(crate) type Turn = Option<(u64, u64)>;

impl Order {
    /// What the draws of a part are keyed by.
    pub(crate) fn turn(self) -> Turn {
        match self {
            Order::Sequential => None,
            Order::Stored { seed, epoch } | Order::Shuffled { seed, epoch } => Some((seed, epoch)),
        }
    }
}

/// Rounds of the network. Four make a permutation that no test of neighbours tells from a random one; more cost little.
const ROUNDS: usize = 6;

/// A permutation of the numbers below `count`: a Feistel network over the next power of four, walked until it lands
/// inside. A Fisher-Yates shuffle would need four bytes per row and could not begin in the middle of an epoch.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    count: u64,
    /// Bits of one half.
    half: u32,
    keys: Option<[u64; ROUNDS]>,
}

impl Permutation {
    pub(crate) fn new(order: Order, count: usize) -> Permutation {
        let count = count as u64;
        let half = (64 - count.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
        let keys = match order {
            Order::Sequential | Order::Stored { .. } => None,
            Order::Shuffled { seed, epoch } => {
                // The epoch is the stream of the generator, so that epochs of one seed share nothing.
                let mut random = Pcg64::new(u128::from(seed), u128::from(epoch));
                Some(std::array::from_fn(|_| random.next_u64()))
            }
        };
        Permutation { count, half, keys }
    }

    /// Where the place `at`, which is below the count, goes.
    pub(crate) fn at(&self, at: u64) -> u64 {
        let Some(keys) = &self.keys else { return at };
        let mut value = at;
        loop {
            value = self.mix(value, keys);
            // The network permutes all numbers of its width, so a walk that leaves the count comes back to it.
            if value < self.count {
                return value;
            }
        }
    }

    fn mix(&self, value: u64, keys: &[u64; ROUNDS]) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (value >> self.half, value & mask);
        for key in keys {
            // The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
            let mut hash = right ^ key;
            hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            (left, right) = (right, left ^ ((hash ^ (hash >> 33)) & mask));
        }
        left << self.half | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order: Order, count: usize) -> Vec<u64> {
        let permutation = Permutation::new(order, count);
        (0..count as u64).map(|at| permutation.at(at)).collect()
    }

    #[test]
    fn every_row_comes_once() {
        for count in [1, 2, 3, 16, 17, 1000] {
            let mut rows = order(Order::Shuffled { seed: 1, epoch: 0 }, count);
            rows.sort_unstable();
            assert!(rows.iter().copied().eq(0..count as u64), "{count}");
        }
        assert!(order(Order::Sequential, 5).into_iter().eq(0..5));
    }

    #[test]
    fn seeds_and_epochs_give_orders_of_their_own() {
        let of = |seed, epoch| order(Order::Shuffled { seed, epoch }, 1000);
        assert_eq!(of(1, 0), of(1, 0));
        assert_ne!(of(1, 0), of(1, 1));
        assert_ne!(of(1, 0), of(2, 0));
    }

    #[test]
    fn neighbours_are_parted() {
        let rows = order(Order::Shuffled { seed: 3, epoch: 0 }, 10_000);
        let steps: Vec<i64> = rows.windows(2).map(|pair| pair[1] as i64 - pair[0] as i64).collect();
        let near = steps.iter().filter(|step| step.abs() <= 10).count();
        // Of 10,000 random pairs about 20 are within 10 of each other.
        assert!((5..50).contains(&near), "{near}");
        let mean_place: f64 = rows[..1000].iter().map(|&row| row as f64).sum::<f64>() / 1000.0;
        // Standard deviation of the mean of 1000 uniform places is 91.
        assert!((mean_place - 5000.0).abs() < 400.0, "{mean_place}");
    }
}
