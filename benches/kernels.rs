//! Speed of the host kernels on one thread: `cargo bench --bench kernels`. Results are in `kernels.md` beside it.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use specrec::exec::kernels::attention::{Attention, AttentionGrad, Dropped};
use specrec::exec::kernels::binary::Write;
use specrec::exec::kernels::cross_entropy::{ROWS, Scores, ScoresGrad, Seen};
use specrec::exec::kernels::gemm::{Shape, Start, Strided, gemm};
use specrec::exec::kernels::layer_norm::{layer_norm, layer_norm_grad};
use specrec::exec::kernels::noise::Mask;
use specrec::exec::kernels::rows::gather;
use specrec::exec::kernels::segment_sum::{segment_gather_sum, segment_sum};
use specrec::exec::kernels::unary::{Unary, unary};
use specrec::prim::attention::Noise;
use specrec::prim::philox::Stream;

/// `m, k, n` of the products of an attention unit (128 rows a block), and of their weight gradients.
const FORWARD: [[usize; 3]; 7] =
    [[128, 128, 80], [128, 64, 80], [128, 32, 80], [128, 80, 40], [128, 40, 1], [256, 36, 108], [128, 80, 200]];
const WEIGHT_GRADIENT: [[usize; 3]; 5] = [[128, 128, 80], [64, 128, 80], [80, 128, 40], [40, 128, 1], [36, 256, 108]];

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 37 % 101) as f32 * 0.02 - 1.0).collect()
}

/// Elements per second are floating-point operations per second. `peer` is the `gemm` crate on the same operands.
fn products(criterion: &mut Criterion) {
    for (name, shapes, transposed) in [("forward", &FORWARD[..], false), ("weight_gradient", &WEIGHT_GRADIENT, true)] {
        let mut group = criterion.benchmark_group(name);
        for &[m, k, n] in shapes {
            let (a, b, bias) = (numbers(m * k), numbers(k * n), numbers(n));
            let mut c = vec![0.0; m * n];
            group.throughput(Throughput::Elements(2 * (m * k * n) as u64));
            let shape = format!("{m}x{k}x{n}");
            group.bench_function(BenchmarkId::new("ours", &shape), |bencher| {
                let (a, start) = if transposed {
                    (Strided::transposed(&a, m), Start::Keep)
                } else {
                    (Strided::rows(&a, k), Start::Row(&bias))
                };
                bencher.iter(|| gemm(Shape { m, k, n }, a, &b, n, start, &mut c, n));
            });
            group.bench_function(BenchmarkId::new("peer", &shape), |bencher| {
                let (row, column) = if transposed { (1, m as isize) } else { (k as isize, 1) };
                bencher.iter(|| peer([m, k, n], &a, row, column, &b, transposed, &mut c));
            });
        }
    }
}

#[allow(unsafe_code, reason = "the interface of the gemm crate is raw pointers")]
fn peer([m, k, n]: [usize; 3], a: &[f32], row: isize, column: isize, b: &[f32], keep: bool, c: &mut [f32]) {
    // SAFETY: the caller's slices hold m x k, k x n and m x n entries at these strides.
    unsafe {
        let (stride, one) = (n as isize, 1.0);
        let (c, a, b) = (c.as_mut_ptr(), a.as_ptr(), b.as_ptr());
        let threads = ::gemm::Parallelism::None;
        ::gemm::gemm(m, n, k, c, 1, stride, keep, a, column, row, b, 1, stride, one, one, false, false, false, threads);
    }
}

fn functions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("functions");
    let x = numbers(128 * 80);
    let mut y = vec![0.0; x.len()];
    group.throughput(Throughput::Elements(x.len() as u64));
    for op in [Unary::Relu, Unary::Exp, Unary::Sigmoid, Unary::Tanh, Unary::Gelu] {
        group.bench_function(format!("{op:?}"), |bencher| bencher.iter(|| unary(op, &x, &mut y)));
    }
}

/// Sums over histories of 50, and of table rows used 4 times each; a fetch from a table that no cache holds.
fn rows(criterion: &mut Criterion) {
    const ROWS: usize = 6400;
    let mut group = criterion.benchmark_group("rows");
    for width in [16, 32, 64] {
        let x = numbers(ROWS * width);
        group.throughput(Throughput::Elements((ROWS * width) as u64));

        let offsets: Vec<u32> = (0..=ROWS as u32 / 50).map(|s| s * 50).collect();
        let mut out = vec![0.0; (offsets.len() - 1) * width];
        group.bench_function(BenchmarkId::new("segment_sum", width), |bencher| {
            bencher.iter(|| segment_sum(&x, width, &offsets, Write::Set, &mut out));
        });

        let sources: Vec<u32> = (0..ROWS as u32).map(|p| p * 1237 % ROWS as u32).collect();
        let offsets: Vec<u32> = (0..=ROWS as u32 / 4).map(|u| u * 4).collect();
        let mut out = vec![0.0; (offsets.len() - 1) * width];
        group.bench_function(BenchmarkId::new("scatter", width), |bencher| {
            bencher.iter(|| segment_gather_sum(&x, width, &sources, &offsets, Write::Set, &mut out));
        });

        let table = numbers(1_000_000 * width);
        let ids: Vec<u32> = (0..ROWS as u64).map(|i| (i * 7_368_787 % 1_000_000) as u32).collect();
        let mut out = vec![0.0; ROWS * width];
        group.bench_function(BenchmarkId::new("gather", width), |bencher| {
            bencher.iter(|| gather(&table, width, &ids, &mut out));
        });
    }
}

/// Attention of a sequence of 165 steps with two heads of 32, dropout or not; elements are pairs of a query and a key.
fn attention(criterion: &mut Criterion) {
    const STEPS: usize = 165;
    let mut group = criterion.benchmark_group("attention");
    let (x, g, mut out) = (numbers(STEPS * 64), numbers(STEPS * 64), vec![0.0; STEPS * 64]);
    let mut grads = [vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len()]];
    let rows: Vec<u32> = (0..STEPS as u32).collect();
    let mask = Mask { stream: Stream::new(1, "a"), step: 1, sample: 1, rate: 0.1 };
    let dropped = Dropped { mask, noise: Noise::new(STEPS, STEPS), rows: &rows };
    group.throughput(Throughput::Elements((STEPS * STEPS * 2) as u64));
    for (name, causal, dropped) in [("full", false, None), ("causal", true, None), ("dropout", false, Some(dropped))] {
        let of = Attention { q: &x, k: &x, v: &x, heads: 2, width: 32, scale: 0.2, causal, bias: None, dropped };
        let mut scratch = vec![0.0; of.scratch()];
        group.bench_function(BenchmarkId::new("forward", name), |bencher| {
            bencher.iter(|| of.forward(&mut out, &mut scratch));
        });
        group.bench_function(BenchmarkId::new("backward", name), |bencher| {
            let [dq, dk, dv] = &mut grads;
            bencher.iter(|| of.backward(&g, &mut AttentionGrad { dq, dk, dv, dbias: None }, &mut scratch));
        });
    }
}

/// 64 rows against a vocabulary of 3,417; elements are floating-point operations of the products.
fn vocabulary(criterion: &mut Criterion) {
    const CLASSES: usize = 3417;
    let mut group = criterion.benchmark_group("cross_entropy");
    let (hidden, table) = (numbers(ROWS * 64), numbers(CLASSES * 64));
    let target = vec![7; ROWS];
    let of = Scores { hidden: &hidden, table: &table, bias: None, width: 64, base: 0, target: &target };
    let mut scratch = vec![0.0; Scores::scratch(ROWS, 64)];
    let (mut max, mut sum, mut hit) = ([0.0; ROWS], [0.0; ROWS], [0.0; ROWS]);
    group.throughput(Throughput::Elements((2 * ROWS * CLASSES * 64) as u64));
    group.bench_function("forward", |bencher| {
        bencher.iter(|| {
            let mut seen = Seen { max: &mut max, sum: &mut sum, hit: &mut hit };
            seen.clear();
            of.absorb(&mut seen, &mut scratch);
        });
    });
    let (mut dhidden, mut dtable) = (vec![0.0; hidden.len()], vec![0.0; table.len()]);
    group.throughput(Throughput::Elements((6 * ROWS * CLASSES * 64) as u64));
    group.bench_function("backward", |bencher| {
        let mut to = ScoresGrad { hidden: &mut dhidden, table: &mut dtable, bias: None };
        bencher.iter(|| of.backward(&[8.0; ROWS], &[0.1; ROWS], &mut to, &mut scratch));
    });
}

fn normalisation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layer_norm");
    let (x, gamma, beta) = (numbers(128 * 64), numbers(64), numbers(64));
    let mut y = vec![0.0; x.len()];
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("forward", |bencher| bencher.iter(|| layer_norm(&x, &gamma, &beta, 1e-5, &mut y)));
    group.bench_function("backward", |bencher| bencher.iter(|| layer_norm_grad(&x, &x, &gamma, 1e-5, &mut y)));
    group.bench_function("dropout", |bencher| {
        let mask = Mask { stream: Stream::new(1, "a"), step: 1, sample: 1, rate: 0.1 };
        bencher.iter(|| mask.fill(0, &mut y));
    });
}

criterion_group! {
    name = kernels;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = products, functions, rows, attention, vocabulary, normalisation
}
criterion_main!(kernels);
