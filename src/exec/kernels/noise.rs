//! Dropout masks: which numbers are kept, by address.

use super::dispatch;
use crate::prim::philox::Stream;
use pulp::{Simd, WithSimd};

/// What the masks of one sample at one step have in common.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// The numbers' stream.
    pub stream: Stream,
    /// The step.
    pub step: u64,
    /// The sample.
    pub sample: u64,
    /// The probability of 0; other numbers are `1 / (1 - rate)`.
    pub rate: f64,
}

/// Blocks that are made at once.
const BLOCKS: usize = 16;

impl Mask {
    /// The numbers from block `first` on, four of a block: those of `prim::random`, bit by bit.
    pub fn fill(&self, first: u32, out: &mut [f32]) {
        dispatch::run(Fill { mask: *self, first, out });
    }
}

struct Fill<'a> {
    mask: Mask,
    first: u32,
    out: &'a mut [f32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Mask { stream, step, sample, rate } = self.mask;
        // A rate below 1 is a threshold below 2^32.
        let threshold = (rate * 4_294_967_296.0) as u64 as u32;
        let kept = (1.0 / (1.0 - rate)) as f32;
        let rest = [step as u32, sample as u32, (sample >> 32) as u32];
        for (at, out) in self.out.chunks_mut(4 * BLOCKS).enumerate() {
            let words = stream.blocks::<BLOCKS>(self.first.wrapping_add((at * BLOCKS) as u32), rest);
            let mut numbers = [0.0f32; 4 * BLOCKS];
            for (word, words) in words.iter().enumerate() {
                for i in 0..BLOCKS {
                    numbers[4 * i + word] = if words[i] < threshold { 0.0 } else { kept };
                }
            }
            let count = out.len();
            out.copy_from_slice(&numbers[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;
    use crate::prim::random::dropout_mask;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        on_every_arch(|| {
            for (len, rate) in [(0, 0.5), (1, 0.1), (7, 0.3), (64, 0.0), (150, 0.9)] {
                let stream = Stream::new(5, "d");
                let (mut found, mut expected) = (vec![9.0; len], vec![8.0; len]);
                Mask { stream, step: 3, sample: 1 << 40 | 17, rate }.fill(0, &mut found);
                dropout_mask(stream, 3, 1 << 40 | 17, rate, &mut expected);
                assert_eq!(found, expected);
            }
        });
    }
}
