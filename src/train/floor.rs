//! What simple rules reach where a model ranks next items: the popularity of an item, and its likeness to what the user had
//! last. A model below them has learned nothing.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::metric::Measured;
use super::order::of_ranks;
use crate::data::{Dataset, NextItem};
use crate::lower::{Among, Metric, MetricOf, Seen};
use crate::syntax::spec::Part;

/// How many of the user's last items a candidate is compared with.
const LAST: usize = 3;
/// How many items are near another one.
const NEIGHBOURS: usize = 100;

/// In the order in which they are shown.
const RULES: [&str; 2] = ["item-kNN", "popularity"];

/// A rule and what it reaches of each metric.
pub type Floor = (String, Vec<(String, Measured)>);

/// Ranks the targets of a part by each rule, under the same protocol as the metrics: every item of the train part is a
/// candidate but those that the user had before, ties count against the rule, unknown targets are misses. Empty where no
/// metric is of next items.
pub(super) fn floors(dataset: &Dataset, metrics: &[Metric], part: Part) -> Vec<Floor> {
    let mut ranks: BTreeMap<&str, [Vec<f32>; 2]> = BTreeMap::new();
    let mut floors = RULES.map(|rule| (format!("by {rule}"), Vec::new()));
    for metric in metrics {
        let MetricOf::Ranks { k, among: Among::All { table, seen: Seen::Before { feature } }, .. } = &metric.of else {
            continue;
        };
        if !ranks.contains_key(feature.as_str()) {
            let Some(of_rules) = ranked(dataset, table, feature, part) else { continue };
            ranks.insert(feature, of_rules);
        }
        for ((_, measured), ranks) in floors.iter_mut().zip(&ranks[feature.as_str()]) {
            measured.push((metric.name.clone(), of_ranks(metric.kind, ranks, *k)));
        }
    }
    floors.into_iter().filter(|(_, measured)| !measured.is_empty()).collect()
}

/// The ranks of a part's targets by each rule.
fn ranked(dataset: &Dataset, table: &str, feature: &str, part: Part) -> Option<[Vec<f32>; 2]> {
    let size = dataset.rows_of(table)? as usize;
    let (train, items) = (dataset.next_items(feature, Part::Train)?, dataset.next_items(feature, part)?);
    let sequences = sequences(&train);
    Some([by_neighbours(&sequences, &items, size), by_popularity(&sequences, &items, size)])
}

/// Everything that each user of the train part had, in order: what came before the user's last sample, and its target.
fn sequences(train: &[NextItem]) -> Vec<Vec<u32>> {
    let mut longest: BTreeMap<u32, NextItem> = BTreeMap::new();
    for item in train {
        let known = longest.entry(item.user).or_insert(*item);
        if known.before.len() < item.before.len() {
            *known = *item;
        }
    }
    longest.values().map(|item| item.before.iter().chain([&item.next]).copied().collect()).collect()
}

/// The more events of the train part an item has, the better.
fn by_popularity(sequences: &[Vec<u32>], items: &[NextItem], size: usize) -> Vec<f32> {
    let mut counts = vec![0.0_f64; size];
    sequences.iter().flatten().for_each(|&item| counts[item as usize] += 1.0);
    let ranked = items.par_iter().map_init(|| vec![false; size], |seen, item| rank(item, &counts, seen));
    ranked.collect()
}

/// The nearer to the user's last items, the better: the sum over these of the cosine between the users of both.
fn by_neighbours(sequences: &[Vec<u32>], items: &[NextItem], size: usize) -> Vec<f32> {
    let mut users: Vec<Vec<u32>> = vec![Vec::new(); size];
    for (user, sequence) in sequences.iter().enumerate() {
        for &item in sequence {
            let of_item = &mut users[item as usize];
            if item != 0 && of_item.last() != Some(&(user as u32)) {
                of_item.push(user as u32);
            }
        }
    }
    let last = |item: &NextItem| item.before.iter().rev().take(LAST).copied().filter(|&id| id != 0).collect::<Vec<_>>();
    let needed: BTreeSet<u32> = items.iter().flat_map(last).collect();
    let needed: Vec<u32> = needed.into_iter().collect();
    let near = needed.par_iter().map_init(
        || (vec![0_u32; size], vec![u32::MAX; size]),
        |(together, counted), &item| neighbours(item, sequences, &users, together, counted),
    );
    let near: BTreeMap<u32, Vec<(u32, f64)>> =
        needed.iter().copied().zip(near.collect::<Vec<Vec<(u32, f64)>>>()).collect();
    let ranked = items.par_iter().map_init(
        || (vec![0.0_f64; size], vec![false; size]),
        |(scores, seen), item| {
            let touched = || last(item).into_iter().filter_map(|id| near.get(&id)).flatten();
            touched().for_each(|&(id, cosine)| scores[id as usize] += cosine);
            let rank = rank(item, scores, seen);
            touched().for_each(|&(id, _)| scores[id as usize] = 0.0);
            rank
        },
    );
    ranked.collect()
}

/// The nearest items of one, best first. `together` is all 0 before and after; `counted` holds the last user that each item
/// was counted for, so that an item that a user had twice counts once.
fn neighbours(
    item: u32,
    sequences: &[Vec<u32>],
    users: &[Vec<u32>],
    together: &mut [u32],
    counted: &mut [u32],
) -> Vec<(u32, f64)> {
    counted.fill(u32::MAX);
    let mut others = Vec::new();
    for &user in &users[item as usize] {
        for &other in &sequences[user as usize] {
            if other != 0 && other != item && counted[other as usize] != user {
                counted[other as usize] = user;
                if together[other as usize] == 0 {
                    others.push(other);
                }
                together[other as usize] += 1;
            }
        }
    }
    let of = |id: u32| users[id as usize].len() as f64;
    let cosine = |&other: &u32| f64::from(together[other as usize]) / (of(item) * of(other)).sqrt();
    let mut near: Vec<(u32, f64)> = others.iter().map(|other| (*other, cosine(other))).collect();
    others.iter().for_each(|&other| together[other as usize] = 0);
    near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    near.truncate(NEIGHBOURS);
    near
}

/// The rank of what came next by the scores of all items. `seen` is all false before and after.
fn rank(item: &NextItem, scores: &[f64], seen: &mut [bool]) -> f32 {
    if item.next == 0 {
        return f32::INFINITY;
    }
    item.before.iter().for_each(|&id| seen[id as usize] = true);
    let target = scores[item.next as usize];
    let is_ahead = |&id: &usize| id != item.next as usize && !seen[id] && scores[id] >= target;
    let ahead = (1..scores.len()).filter(is_ahead).count();
    item.before.iter().for_each(|&id| seen[id as usize] = false);
    (ahead + 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCES: [&[u32]; 4] = [&[1, 2, 3], &[1, 2, 2], &[1, 4], &[5, 4]];

    fn sequences() -> Vec<Vec<u32>> {
        SEQUENCES.iter().map(|sequence| sequence.to_vec()).collect()
    }

    fn next(before: &[u32], next: u32) -> NextItem<'_> {
        NextItem { user: 0, before, next }
    }

    #[test]
    fn what_is_popular_comes_first_and_what_was_seen_never() {
        // Events: item 1 three, 2 three, 3 one, 4 two, 5 one. Items 3 and 5 tie.
        let items = [next(&[], 4), next(&[1], 4), next(&[1, 2], 3), next(&[4], 4), next(&[], 0)];
        assert_eq!(by_popularity(&sequences(), &items, 6), [3.0, 2.0, 3.0, 3.0, f32::INFINITY]);
    }

    #[test]
    fn what_the_same_users_had_comes_first() {
        // Of item 3, had by one user: item 2, had by two, with it once: 1 / sqrt(2). Item 1, by three: 1 / sqrt(3).
        let near = by_neighbours(&sequences(), &[next(&[3], 2), next(&[3], 1), next(&[3], 4), next(&[], 1)], 6);
        assert_eq!(near, [1.0, 2.0, 4.0, 5.0], "all others score 0, and ties count against the rule");
        // Of items 1 and 4 together: item 5 has 1 / sqrt(2), item 2 has 2 / sqrt(6), which is more.
        assert_eq!(by_neighbours(&sequences(), &[next(&[1, 4], 2), next(&[1, 4], 5)], 6), [1.0, 2.0]);
        // Only the last three count: of 5, 1, 2, 3 there is nothing that says 4 but item 1: 1 / sqrt(6).
        assert_eq!(by_neighbours(&sequences(), &[next(&[5, 1, 2, 3], 4)], 6), [1.0]);
    }

    #[test]
    fn a_user_is_counted_once_however_many_samples_there_are() {
        let before = [7, 8, 9];
        let of = |user, count: usize, next| NextItem { user, before: &before[..count], next };
        assert_eq!(
            super::sequences(&[of(0, 1, 8), of(0, 3, 4), of(0, 2, 9), of(5, 0, 3)]),
            [vec![7, 8, 9, 4], vec![3]]
        );
    }
}
