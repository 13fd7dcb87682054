//! MovieLens-small as DIN reads it: parts, a history by hand, the floor of means.

use specrec::data::{Batch, CacheDir, Dataset, Options, Order, open};
use specrec::diag::Diags;
use specrec::syntax::spec::Part;

use super::{din, ids, numbers, rows, want};

pub(super) const WANTS: [&str; 6] =
    ["movie", "genres", "history.movie", "history.genres", "label liked", "outcome rating"];

pub(super) fn open_din(cache: CacheDir) -> Dataset {
    let (mut diags, wants) = (Diags::default(), WANTS.map(want));
    let dataset = open(&din(), &wants, &Options { cache }, &mut diags);
    assert!(!diags.has_errors(), "{:?}", diags.list());
    dataset.unwrap()
}

fn all(dataset: &Dataset, part: Part) -> Batch {
    dataset.first(part, usize::MAX).unwrap()
}

/// The file itself: user, movie, rating, time.
fn ratings() -> Vec<(u32, u32, f64, u64)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/movielens/ratings.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].parse().unwrap(), fields[1].parse().unwrap(), fields[2].parse().unwrap(), fields[3].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn parts_are_those_of_the_floor() {
    let dataset = open_din(CacheDir::Off);
    assert_eq!([Part::Train, Part::Valid, Part::Test].map(|part| dataset.len(part)), [80_003, 10_000, 10_001]);
    let report = dataset.report();
    assert_eq!((report.sources[0].rows, report.joins[0].misses, report.joins[0].rows), (100_004, 0, 100_004));
    insta::assert_snapshot!(report.to_string());
}

#[test]
fn every_history_holds_the_liked_movies_before() {
    let dataset = open_din(CacheDir::Off);
    let ratings = ratings();
    // Movies are numbered by first appearance in the train part, in the order of the file, if they stand there twice.
    let train = all(&dataset, Part::Train);
    let is_train: Vec<bool> = {
        let mut flags = vec![false; ratings.len()];
        train.feed.ids.iter().for_each(|&row| flags[row as usize] = true);
        flags
    };
    let mut count = std::collections::BTreeMap::new();
    let in_train = || ratings.iter().zip(&is_train).filter(|(_, train)| **train).map(|(row, _)| row.1);
    in_train().for_each(|movie| *count.entry(movie).or_insert(0) += 1);
    let mut code = std::collections::BTreeMap::new();
    for movie in in_train().filter(|movie| count[movie] >= 2) {
        let next = code.len() as u32 + 1;
        code.entry(movie).or_insert(next);
    }
    assert_eq!(dataset.rows_of("movie"), Some(code.len() as u32 + 1));
    let row_of = |movie: u32| code.get(&movie).copied().unwrap_or(0);
    for part in [Part::Train, Part::Valid, Part::Test] {
        let batch = all(&dataset, part);
        let histories = rows(&batch, "history", "history.movie");
        // Every sample of a few users, by brute force over the file.
        for (at, &row) in batch.feed.ids.iter().enumerate().filter(|(at, _)| at % 97 == 0) {
            let (user, movie, rating, time) = ratings[row as usize];
            let mut before: Vec<(u64, usize)> = ratings
                .iter()
                .enumerate()
                .filter(|(_, other)| other.0 == user && other.2 >= 4.0 && other.3 < time)
                .map(|(row, other)| (other.3, row))
                .collect();
            before.sort_unstable();
            let expected: Vec<u32> =
                before.iter().rev().take(50).rev().map(|(_, row)| row_of(ratings[*row].1)).collect();
            assert_eq!(histories[at], expected, "row {row}");
            assert_eq!(ids(&batch, "movie")[at], row_of(movie));
            assert_eq!(
                (numbers(&batch, "rating")[at], numbers(&batch, "liked")[at]),
                (rating as f32, f32::from(u8::from(rating >= 4.0)))
            );
        }
    }
}

/// The formula of scripts/floor.py on what batches hold: AUC .6815, GAUC .6341 on the test part.
#[test]
fn means_of_the_train_part_reach_the_floor() {
    let (mut diags, mut wants) = (Diags::default(), WANTS.map(want).to_vec());
    // Without a vocabulary cut, so that a movie rated once in the train part has its mean, as in the script.
    let mut spec = din();
    spec.features[0].value.own_table.min_count =
        Some(specrec::syntax::spec::Spanned { value: 1, span: spec.samples.span });
    wants.truncate(5);
    let dataset = open(&spec, &wants, &Options { cache: CacheDir::Off }, &mut diags).unwrap();
    let (train, test) = (all(&dataset, Part::Train), all(&dataset, Part::Test));
    let liked = |batch: &Batch| numbers(batch, "liked").iter().map(|&y| f64::from(y)).collect::<Vec<_>>();
    let y = liked(&train);
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let (users, items) = (&train.keys["userId"], ids(&train, "movie"));
    let (mut by_user, mut by_item) = (vec![0.0; 1000], vec![0.0; 10_000]);
    for _ in 0..8 {
        by_item = shrunk(items, users, &y, mean, &by_user, by_item.len(), 5.0);
        by_user = shrunk(users, items, &y, mean, &by_item, by_user.len(), 10.0);
    }
    // Row 0 is every movie that is not in the train part, which has no mean.
    by_item[0] = 0.0;
    let score: Vec<f64> = test.keys["userId"]
        .iter()
        .zip(ids(&test, "movie"))
        .map(|(&user, &item)| by_user[user as usize] + by_item[item as usize])
        .collect();
    let auc = auc(&score, &liked(&test));
    assert!((auc - 0.6815).abs() < 0.00005, "{auc}");
}

fn shrunk(own: &[u32], other: &[u32], y: &[f64], mean: f64, of_other: &[f64], size: usize, more: f64) -> Vec<f64> {
    let (mut sum, mut count) = (vec![0.0; size], vec![0.0; size]);
    for ((&own, &other), y) in own.iter().zip(other).zip(y) {
        sum[own as usize] += y - mean - of_other[other as usize];
        count[own as usize] += 1.0;
    }
    sum.iter().zip(&count).map(|(sum, count)| sum / (count + more)).collect()
}

fn auc(score: &[f64], y: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..score.len()).collect();
    order.sort_by(|&a, &b| score[a].total_cmp(&score[b]));
    let (mut ranks, mut at) = (0.0, 0);
    let positive: f64 = y.iter().sum();
    while at < order.len() {
        let end = (at..order.len()).find(|&next| score[order[next]] != score[order[at]]).unwrap_or(order.len());
        let rank = (at + 1 + end) as f64 / 2.0;
        ranks += order[at..end].iter().map(|&row| y[row] * rank).sum::<f64>();
        at = end;
    }
    (ranks - positive * (positive + 1.0) / 2.0) / (positive * (y.len() as f64 - positive))
}

#[test]
fn shuffled_batches_are_the_part_in_another_order_and_go_on_where_they_stopped() {
    let dataset = open_din(CacheDir::Off);
    let order = Order::Shuffled { seed: 1, epoch: 2 };
    let batches: Vec<Batch> = dataset.batches(Part::Test, 512, order, 0).map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(|batch| batch.feed.samples).collect::<Vec<_>>()[18..], [512, 273]);
    let mut rows: Vec<u64> = batches.iter().flat_map(|batch| batch.feed.ids.clone()).collect();
    assert!(!rows.is_sorted());
    let mut expected = all(&dataset, Part::Test).feed.ids;
    rows.sort_unstable();
    expected.sort_unstable();
    assert_eq!(rows, expected);
    let later: Vec<Batch> = dataset.batches(Part::Test, 512, order, 7).map(Result::unwrap).collect();
    assert!(later == batches[7..]);
    assert_eq!(dataset.batches(Part::Test, 512, order, 20).count(), 0);
    assert_eq!(dataset.batches(Part::Test, 512, order, u64::MAX).count(), 0);
}
