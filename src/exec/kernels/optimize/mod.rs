//! Steps of the optimisers, fused: a parameter is read and written once, together with its moments.
//!
//! The formulas are PyTorch's, so that a run can be compared with it. Scalars of a step are computed in f64.

mod rules;

use super::dispatch;
use super::lanes;
use pulp::{Simd, WithSimd};
use rules::{Adagrad, Adam, Momentum, Plain, Step};

/// How a parameter `w` with gradient `g` moves. Weight decay that acts through the gradient (L2) is part of `g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Moments `m = b1 m + (1 - b1) g` and `v = b2 v + (1 - b2) g^2`; `w -= rate m' / (sqrt v' + epsilon)`, where `m'` and `v'`
    /// are corrected for their start at 0.
    Adam {
        /// Learning rate.
        rate: f64,
        /// Decay of `m`.
        beta1: f64,
        /// Decay of `v`.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
        /// AdamW: `w` first shrinks by `rate * decay`. 0 is Adam.
        decay: f64,
    },
    /// Sum of squares `s += g^2`; `w -= rate g / (sqrt s + epsilon)`.
    Adagrad {
        /// Learning rate.
        rate: f64,
        /// Added to the root.
        epsilon: f64,
    },
    /// Velocity `u = momentum u + g`; `w -= rate u`. Without momentum there is no `u`.
    Sgd {
        /// Learning rate.
        rate: f64,
        /// Decay of `u`.
        momentum: f64,
    },
}

impl Rule {
    /// How many moments it keeps, each shaped like the parameter and 0 at the start.
    pub fn moments(&self) -> usize {
        match self {
            Rule::Adam { .. } => 2,
            Rule::Adagrad { .. } => 1,
            Rule::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
        }
    }
}

/// Rows of a table that have a gradient. Row `i` of the gradient (`ids x width`) belongs to row `ids[i] - base` of the slices, so
/// that a thread can own the rows from `base` on. No row is named twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableRows<'a> {
    /// Width of a row.
    pub width: usize,
    /// Rows of the table, ascending.
    pub ids: &'a [u32],
    /// The table row that the slices begin with.
    pub base: u32,
}

/// Which parameters a step moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope<'a> {
    /// All; the gradient is as long as the parameter.
    All,
    /// The rows named, the others and their moments untouched. Adam is then PyTorch's `SparseAdam`: bias corrections count all
    /// steps, also those that a row missed, and epsilon is not corrected.
    Lazy(TableRows<'a>),
    /// All rows, those that are not named with a gradient of 0: equal to a dense gradient, without one in memory.
    Exact(TableRows<'a>),
}

/// One step. `step` counts from 1; every gradient is first multiplied by `scale` (1, or less where the norm is clipped);
/// `moments` are those of the rule. Bound by memory: Adam reads 16 and writes 12 bytes per parameter.
pub fn update(rule: Rule, step: u64, scope: Scope, scale: f32, w: &mut [f32], g: &[f32], moments: &mut [&mut [f32]]) {
    assert!(moments.iter().all(|m| m.len() == w.len()), "optimizer: lengths differ");
    let lazy = matches!(scope, Scope::Lazy(_));
    match (rule, moments) {
        (Rule::Adam { rate, beta1, beta2, epsilon, decay }, [m, v]) => {
            let rule = Adam::new(step, rate, [beta1, beta2], epsilon, decay, lazy);
            run(rule, scope, scale, w, g, [m, v]);
        }
        (Rule::Adagrad { rate, epsilon }, [sum]) => {
            run(Adagrad { rate: rate as f32, epsilon: epsilon as f32 }, scope, scale, w, g, [sum]);
        }
        (Rule::Sgd { rate, momentum }, [velocity]) => {
            run(Momentum { rate: rate as f32, momentum: momentum as f32 }, scope, scale, w, g, [velocity]);
        }
        (Rule::Sgd { rate, momentum: 0.0 }, []) => run(Plain { rate: rate as f32 }, scope, scale, w, g, []),
        (rule, moments) => panic!("optimizer: {rule:?} with {} moments", moments.len()),
    }
}

fn run<R: Step<N>, const N: usize>(
    rule: R,
    scope: Scope,
    scale: f32,
    w: &mut [f32],
    g: &[f32],
    moments: [&mut [f32]; N],
) {
    match scope {
        Scope::All => assert_eq!(w.len(), g.len(), "optimizer: lengths differ"),
        Scope::Lazy(rows) | Scope::Exact(rows) => {
            assert_eq!(g.len(), rows.ids.len() * rows.width, "optimizer: the gradient has another number of rows");
            assert!(rows.ids.is_sorted(), "optimizer: rows are not ascending");
        }
    }
    dispatch::run(Update { rule, scope, scale, w, g, moments });
}

struct Update<'a, R, const N: usize> {
    rule: R,
    scope: Scope<'a>,
    scale: f32,
    w: &'a mut [f32],
    g: &'a [f32],
    moments: [&'a mut [f32]; N],
}

impl<R: Step<N>, const N: usize> WithSimd for Update<'_, R, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // A list of spans, each with its gradient or none: one call site keeps one copy of the arithmetic.
        let (rows, exact) = match self.scope {
            Scope::All => (TableRows { width: self.w.len(), ids: &[0], base: 0 }, false),
            Scope::Lazy(rows) => (rows, false),
            Scope::Exact(rows) => (rows, true),
        };
        let width = rows.width;
        let (mut done, mut i) = (0, 0);
        loop {
            let next = rows.ids.get(i).map(|id| (id - rows.base) as usize * width);
            let (from, to, g) = match next {
                Some(at) if exact && done < at => (done, at, None),
                Some(at) => {
                    i += 1;
                    (at, at + width, Some(&self.g[(i - 1) * width..i * width]))
                }
                None if exact && done < self.w.len() => (done, self.w.len(), None),
                None => break,
            };
            self.span(simd, from, to, g);
            done = to;
        }
    }
}

impl<R: Step<N>, const N: usize> Update<'_, R, N> {
    /// Parameters `from .. to`, with their gradient, or with one of 0.
    #[inline(always)]
    fn span<S: Simd>(&mut self, simd: S, from: usize, to: usize, g: Option<&[f32]>) {
        let scale = simd.splat_f32s(self.scale);
        let zero = simd.splat_f32s(0.0);
        for at in (from..to).step_by(S::F32_LANES) {
            let end = to.min(at + S::F32_LANES);
            let g = g.map_or(zero, |g| lanes::load(simd, &g[at - from..end - from]));
            let mut state = [zero; N];
            for (state, moment) in state.iter_mut().zip(&self.moments) {
                *state = lanes::load(simd, &moment[at..end]);
            }
            let w = lanes::load(simd, &self.w[at..end]);
            let (w, state) = self.rule.step(simd, w, simd.mul_f32s(g, scale), state);
            lanes::store(simd, &mut self.w[at..end], w);
            for (state, moment) in state.iter().zip(&mut self.moments) {
                lanes::store(simd, &mut moment[at..end], *state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    const WIDTH: usize = 3;
    const ROWS: usize = 5;
    const ADAM: Rule = Rule::Adam { rate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-2, decay: 0.0 };
    const ADAMW: Rule = Rule::Adam { rate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-2, decay: 0.5 };
    const ADAGRAD: Rule = Rule::Adagrad { rate: 0.1, epsilon: 1e-2 };
    const SGD: Rule = Rule::Sgd { rate: 0.1, momentum: 0.0 };
    const MOMENTUM: Rule = Rule::Sgd { rate: 0.1, momentum: 0.75 };
    type ScopeOf = fn(TableRows) -> Scope;

    fn all(_: TableRows) -> Scope {
        Scope::All
    }

    fn lazy(rows: TableRows) -> Scope {
        Scope::Lazy(rows)
    }

    fn exact(rows: TableRows) -> Scope {
        Scope::Exact(rows)
    }

    /// The rows that have a gradient in each of three steps.
    const TOUCHED: [[u32; 2]; 3] = [[0, 2], [2, 3], [0, 4]];

    fn start() -> Vec<f32> {
        (0..ROWS * WIDTH).map(|at| ((at / WIDTH * 7 + at % WIDTH * 3) % 11) as f32 * 0.25 - 1.0).collect()
    }

    fn gradient(step: usize, row: usize) -> Vec<f32> {
        (0..WIDTH).map(|j| ((row * 5 + j * 2 + step * 3) % 13) as f32 * 0.125 - 0.75).collect()
    }

    /// The parameters after three steps.
    fn train(rule: Rule, scope: ScopeOf, scale: f32) -> Vec<f32> {
        let mut w = start();
        let mut moments = vec![vec![0.0; w.len()]; rule.moments()];
        for (step, ids) in TOUCHED.iter().enumerate() {
            let scope = scope(TableRows { width: WIDTH, ids, base: 0 });
            let rows: Vec<usize> = match scope {
                Scope::All => (0..ROWS).collect(),
                _ => ids.iter().map(|id| *id as usize).collect(),
            };
            let g: Vec<f32> = rows.iter().flat_map(|row| gradient(step, *row)).map(|g| g / scale).collect();
            let mut moments: Vec<&mut [f32]> = moments.iter_mut().map(Vec::as_mut_slice).collect();
            update(rule, step as u64 + 1, scope, scale, &mut w, &g, &mut moments);
        }
        w
    }

    /// Computed by PyTorch 2.15 with the same numbers: `Adam`, `AdamW`, `Adagrad`, `SGD`, and the same on sparse gradients.
    const EXPECTED: &[(Rule, ScopeOf, [f32; ROWS * WIDTH])] = &[
        (
            ADAM,
            all,
            [
                -0.7425347, -0.051187, 0.5651193, 0.7306601, 1.3403263, -0.7168493, -0.27119, 0.3962154, 1.4859145,
                1.698813, -0.4348808, 0.0924561, 0.3403262, 1.0331508, -0.8103824,
            ],
        ),
        (
            ADAMW,
            all,
            [
                -0.6140947, -0.0290755, 0.4834129, 0.6166407, 1.1397704, -0.631276, -0.227462, 0.3349581, 1.2936676,
                1.4713306, -0.373962, 0.0604929, 0.2823954, 0.8691303, -0.6943639,
            ],
        ),
        (
            ADAM,
            lazy,
            [
                -0.8495732, -0.1381253, 0.5541738, 0.75, 1.5, -0.5, -0.3148881, 0.3955489, 1.4302582, 1.5611166,
                -0.5611166, 0.1793774, 0.5647379, 1.3134544, -0.6901082,
            ],
        ),
        (
            ADAM,
            exact,
            [
                -0.7911321, -0.0803181, 0.6165656, 0.75, 1.5, -0.5, -0.2962896, 0.386233, 1.500379, 1.6189307,
                -0.6189306, 0.1217596, 0.5660185, 1.315317, -0.6867006,
            ],
        ),
        (
            ADAGRAD,
            all,
            [
                -0.8571215, -0.1710636, 0.4671877, 0.6662664, 1.3937602, -0.6350957, -0.2277255, 0.4697639, 1.367026,
                1.5789365, -0.5328122, 0.0642088, 0.3937602, 1.1149043, -0.7515821,
            ],
        ),
        (
            ADAGRAD,
            lazy,
            [
                -0.9013158, -0.1958962, 0.508283, 0.75, 1.5, -0.5, -0.2657471, 0.4561772, 1.3850206, 1.5925926,
                -0.5925926, 0.1525974, 0.5986842, 1.3480393, -0.6538461,
            ],
        ),
        (
            MOMENTUM,
            all,
            [
                -0.7609375, -0.1375, 0.4859375, 0.6726562, 1.4585936, -0.6679688, -0.196875, 0.4265625, 1.4257812,
                1.6125, -0.5140625, 0.109375, 0.4585938, 1.0820312, -0.7601563,
            ],
        ),
        (
            SGD,
            all,
            [
                -0.8875, -0.2125, 0.4625, 0.675, 1.5125, -0.5625, -0.1875, 0.4875, 1.325, 1.5375, -0.5375, 0.1375,
                0.5125, 1.1875, -0.725,
            ],
        ),
        (
            SGD,
            lazy,
            [
                -0.925, -0.225, 0.475, 0.75, 1.5, -0.5, -0.225, 0.475, 1.3375, 1.5125, -0.5125, 0.2125, 0.575, 1.3,
                -0.725,
            ],
        ),
    ];

    #[test]
    fn three_steps_are_those_of_pytorch() {
        on_every_arch(|| {
            for (rule, scope, expected) in EXPECTED {
                for scale in [1.0, 0.25] {
                    let w = train(*rule, *scope, scale);
                    for (w, expected) in w.iter().zip(expected) {
                        assert!((w - expected).abs() < 1e-6, "{rule:?}: {w}, expected {expected}");
                    }
                }
            }
        });
    }

    #[test]
    fn a_part_of_a_table_moves_as_in_the_whole() {
        on_every_arch(|| {
            for scope in [lazy as ScopeOf, exact] {
                let whole = train(ADAM, scope, 1.0);
                let mut w = start()[2 * WIDTH..].to_vec();
                let (mut m, mut v) = (vec![0.0; w.len()], vec![0.0; w.len()]);
                for (step, ids) in TOUCHED.iter().enumerate() {
                    let ids: Vec<u32> = ids.iter().copied().filter(|id| *id >= 2).collect();
                    let g: Vec<f32> = ids.iter().flat_map(|id| gradient(step, *id as usize)).collect();
                    let scope = scope(TableRows { width: WIDTH, ids: &ids, base: 2 });
                    update(ADAM, step as u64 + 1, scope, 1.0, &mut w, &g, &mut [&mut m, &mut v]);
                }
                assert_eq!(w, whole[2 * WIDTH..]);
            }
        });
    }

    #[test]
    fn every_length_moves_every_parameter() {
        on_every_arch(|| {
            for len in 0..70 {
                let mut w = vec![1.0; len];
                update(SGD, 1, Scope::All, 1.0, &mut w, &vec![5.0; len], &mut []);
                assert_eq!(w, vec![0.5; len]);
            }
        });
    }

    #[test]
    #[should_panic(expected = "moments")]
    fn missing_moments_are_refused() {
        update(ADAM, 1, Scope::All, 1.0, &mut [1.0], &[1.0], &mut []);
    }
}
