//! Random numbers by address (Philox4x32-10; Salmon et al. 2011): no state, so packing, threads, recomputing and resuming
//! cannot change a draw.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The numbers of one path under one seed.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: [u32; 2],
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

impl Stream {
    /// The stream of a path, such as that of a node or of a parameter.
    pub fn new(seed: u64, path: &str) -> Self {
        let key = xxh3_64_with_seed(path.as_bytes(), seed);
        Self { key: [key as u32, (key >> 32) as u32] }
    }

    /// Four random words of an address.
    pub fn words(&self, address: [u32; 4]) -> [u32; 4] {
        philox(self.key, address)
    }

    /// The words of neighbouring blocks, the first of which has the address `[first, rest]`: the same as [`Stream::words`],
    /// word by word, in a loop that a compiler turns into vector instructions.
    #[inline(always)]
    pub fn blocks<const N: usize>(&self, first: u32, rest: [u32; 3]) -> [[u32; N]; 4] {
        let mut key = self.key;
        let mut counter = [[0; N], [rest[0]; N], [rest[1]; N], [rest[2]; N]];
        for (i, own) in counter[0].iter_mut().enumerate() {
            *own = first.wrapping_add(i as u32);
        }
        for _ in 0..10 {
            for i in 0..N {
                let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0][i]);
                let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2][i]);
                counter[0][i] = (second >> 32) as u32 ^ counter[1][i] ^ key[0];
                counter[1][i] = second as u32;
                counter[2][i] = (first >> 32) as u32 ^ counter[3][i] ^ key[1];
                counter[3][i] = first as u32;
            }
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        counter
    }

    /// A number in `0..1`, never 1, with 53 bits.
    pub fn uniform(&self, element: u64) -> f64 {
        let [a, b, _, _] = self.words([element as u32, (element >> 32) as u32, 0, 0]);
        unit(a, b)
    }

    /// The same of an address of four words.
    pub fn uniform_at(&self, address: [u32; 4]) -> f64 {
        let [a, b, _, _] = self.words(address);
        unit(a, b)
    }

    /// A standard normal number (Box and Muller 1958).
    pub fn normal(&self, element: u64) -> f64 {
        let [a, b, c, d] = self.words([element as u32, (element >> 32) as u32, 0, 0]);
        // The logarithm's argument is in (0, 1].
        let radius = (-2.0 * (1.0 - unit(a, b)).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(c, d)).cos()
    }
}

fn unit(low: u32, high: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// Ten rounds.
pub fn philox(mut key: [u32; 2], mut counter: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with Random123.
    #[test]
    fn known_answers() {
        assert_eq!(philox([0, 0], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = u32::MAX;
        assert_eq!(philox([ones; 2], [ones; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let answer = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(philox([0xa409_3822, 0x299f_31d0], pi), answer);
    }

    #[test]
    fn neighbouring_blocks_have_the_words_of_their_addresses() {
        let stream = Stream::new(3, "w");
        let words = stream.blocks::<16>(u32::MAX - 3, [5, 6, 7]);
        for i in 0..16 {
            let own = stream.words([(u32::MAX - 3).wrapping_add(i as u32), 5, 6, 7]);
            assert_eq!([words[0][i], words[1][i], words[2][i], words[3][i]], own);
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let stream = Stream::new(1, "w");
        let draws: Vec<f64> = (0..20_000).map(|i| stream.normal(i)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
