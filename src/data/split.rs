//! Samples to parts: by time, the last of each user, at random, by conditions or by files.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::plan::{Plan, SplitPlan, Unit};
use super::rows::{NO_PART, Table, Task};
use crate::diag::{Diagnostic, Diags};
use crate::syntax::spec::Part;

/// Names of parts, in order.
pub(crate) const PARTS: [&str; 3] = ["train", "valid", "test"];

/// The rows that are samples.
#[derive(Debug)]
pub(crate) struct Parted {
    /// The part of every row; [`NO_PART`] for none.
    pub(crate) part: Vec<u8>,
    /// Rows that are samples of a part, by (part, time, row).
    pub(crate) order: Vec<u32>,
    /// Where each part begins in the order, and its end.
    pub(crate) bounds: [usize; 4],
}

/// Parts the rows. An empty part is a finding.
pub(crate) fn split(plan: &Plan, task: &Task, table: &Table, diags: &mut Diags) -> Parted {
    let in_time = in_time(&table.times, table.rows.len());
    let keys = plan.samples.unit.by().and_then(|by| key(task, table, &by.name)).unwrap_or(&[]);
    let (part, samples) = match &plan.samples.unit {
        Unit::Row => (parts(plan, task, table, &in_time), in_time),
        Unit::User { step, .. } => {
            let part = parts(plan, task, table, &in_time);
            let targets = targets(keys, &in_time, &part, *step);
            (part, targets)
        }
        Unit::List { .. } => {
            let heads = heads(keys, &in_time);
            let of_heads = parts(plan, task, table, &heads);
            (whole_lists(plan, keys, &heads, &of_heads, table, diags), heads)
        }
    };
    let mut order: Vec<u32> = Vec::with_capacity(samples.len());
    let mut bounds = [0; 4];
    for at in 0..3 {
        order.extend(samples.iter().filter(|&&row| usize::from(part[row as usize]) == at));
        bounds[at + 1] = order.len();
    }
    for (at, name) in PARTS.iter().enumerate() {
        if bounds[at] == bounds[at + 1] && is_made(&plan.samples.split, at) {
            let finding = Diagnostic::new("E0509", format!("the part `{name}` of the split is empty"));
            let note = format!("{} rows have a part, {} have none", order.len(), table.rows.len() - order.len());
            diags.push(finding.at(plan.samples.split_span, "").note(note));
        }
    }
    Parted { part, order, bounds }
}

/// Rows by (time, row).
fn in_time(times: &[f64], rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    if !times.is_empty() {
        order.sort_by(|&a, &b| times[a as usize].total_cmp(&times[b as usize]));
    }
    order
}

/// Whether a split means to make a part.
fn is_made(split: &SplitPlan, at: usize) -> bool {
    match split {
        SplitPlan::None => at == 0,
        SplitPlan::Time(parts) | SplitPlan::Random { parts, .. } => parts.get(at).is_some_and(|part| *part > 0.0),
        SplitPlan::LeaveOneOut(_) => true,
        SplitPlan::Where(parts) => parts.iter().any(|(part, _)| *part as usize == at),
        SplitPlan::From(parts) => parts.iter().any(|part| *part as usize == at),
    }
}

/// The codes of a key column.
fn key<'a>(task: &Task, table: &'a Table, name: &str) -> Option<&'a [u32]> {
    task.keys.iter().position(|key| key == name).and_then(|at| table.keys.get(at)).map(|keys| &keys[..])
}

/// The part of every row; rows that are not in `order`, which is by (time, row), have none.
fn parts(plan: &Plan, task: &Task, table: &Table, order: &[u32]) -> Vec<u8> {
    let rows = table.rows.len();
    match &plan.samples.split {
        SplitPlan::None => vec![Part::Train as u8; rows],
        SplitPlan::Where(_) | SplitPlan::From(_) => table.parts.to_vec(),
        SplitPlan::Time(parts) => by_time(&table.times, rows, order, parts),
        SplitPlan::LeaveOneOut(of) => leave_one_out(key(task, table, &of.name).unwrap_or(&[]), rows, order),
        SplitPlan::Random { of: Some(of), parts, seed } => {
            let Some(keys) = key(task, table, &of.name) else { return vec![0; rows] };
            // Numbers of keys that only other sources have are no groups here.
            let mut groups = keys.to_vec();
            groups.sort_unstable();
            groups.dedup();
            let part = at_random(groups.len(), parts, *seed);
            keys.iter().map(|key| groups.binary_search(key).map_or(NO_PART, |group| part[group])).collect()
        }
        SplitPlan::Random { of: None, parts, seed } => {
            let mut ascending = order.to_vec();
            ascending.sort_unstable();
            let mut part = vec![NO_PART; rows];
            for (row, dealt) in ascending.into_iter().zip(at_random(order.len(), parts, *seed)) {
                part[row as usize] = dealt;
            }
            part
        }
    }
}

/// The first row of each list, in order.
fn heads(keys: &[u32], in_time: &[u32]) -> Vec<u32> {
    let mut met = vec![false; keys.iter().max().map_or(0, |most| *most as usize + 1)];
    let is_head = |row: &u32| {
        keys.get(*row as usize).is_some_and(|&key| key > 0 && !std::mem::replace(&mut met[key as usize], true))
    };
    in_time.iter().copied().filter(is_head).collect()
}

/// Every row is of the part of its list. Where conditions or files make the parts, they must agree about a list.
fn whole_lists(plan: &Plan, keys: &[u32], heads: &[u32], of_heads: &[u8], table: &Table, diags: &mut Diags) -> Vec<u8> {
    let mut part = vec![NO_PART; keys.iter().max().map_or(0, |most| *most as usize + 1)];
    for &head in heads {
        part[keys[head as usize] as usize] = of_heads[head as usize];
    }
    let found: Vec<u8> = keys.iter().map(|&key| part[key as usize]).collect();
    let by_row = matches!(plan.samples.split, SplitPlan::Where(_) | SplitPlan::From(_));
    let torn = |row: &usize| by_row && keys[*row] > 0 && found[*row] != table.parts[*row];
    let torn = (0..keys.len()).filter(torn).count();
    if torn > 0 {
        let title = format!("{torn} rows are in another part than the first row of their list");
        let finding = Diagnostic::new("E0514", title).at(plan.samples.split_span, "");
        diags.push(finding.help("a list is one sample: conditions of parts read what is the same for all of its rows"));
    }
    found
}

/// The place behind each part, of so many.
fn cuts(count: usize, parts: &[f64]) -> Vec<usize> {
    let mut sum = 0.0;
    let mut cuts: Vec<usize> = parts
        .iter()
        .map(|part| {
            sum += part;
            // 0.8 + 0.1 is a little less than 0.9, which must not cost a row.
            ((count as f64 * sum + 1e-6).floor() as usize).min(count)
        })
        .collect();
    cuts.iter_mut().last().into_iter().for_each(|last| *last = count);
    cuts
}

/// The rows that samples per user are to predict, in order: the last one of each user and part, and of the train part every
/// `step`-th before it that has an earlier row of its user.
fn targets(keys: &[u32], in_time: &[u32], part: &[u8], step: Option<u32>) -> Vec<u32> {
    let users = keys.iter().max().map_or(0, |most| *most as usize + 1);
    let mut first = vec![u32::MAX; users];
    for &row in in_time.iter().rev() {
        if let Some(key) = keys.get(row as usize) {
            first[*key as usize] = row;
        }
    }
    // How many rows of the user and part come later.
    let mut later = vec![[0_u32; 3]; users];
    let mut found = Vec::new();
    for &row in in_time.iter().rev() {
        let Some(&key) = keys.get(row as usize) else { continue };
        let Some(later) = later[key as usize].get_mut(usize::from(part[row as usize])).filter(|_| key > 0) else {
            continue;
        };
        let is_step = || step.is_some_and(|step| part[row as usize] == 0 && later.is_multiple_of(step));
        if *later == 0 || (is_step() && first[key as usize] != row) {
            found.push(row);
        }
        *later += 1;
    }
    found.reverse();
    found
}

/// Cuts the order of time; a cut inside rows of one time moves behind them.
fn by_time(times: &[f64], rows: usize, in_time: &[u32], parts: &[f64]) -> Vec<u8> {
    let mut part = vec![NO_PART; rows];
    let time = |at: usize| in_time.get(at).and_then(|&row| times.get(row as usize));
    let mut at = 0;
    for (number, mut cut) in cuts(in_time.len(), parts).into_iter().enumerate() {
        while cut > 0 && cut < in_time.len() && time(cut) == time(cut - 1) {
            cut += 1;
        }
        for &row in in_time.get(at..cut).unwrap_or(&[]) {
            part[row as usize] = number as u8;
        }
        at = at.max(cut);
    }
    part
}

/// The last row of each is test, the one before valid; whoever has fewer than three only trains.
fn leave_one_out(keys: &[u32], rows: usize, in_time: &[u32]) -> Vec<u8> {
    let groups = keys.iter().max().map_or(0, |most| *most as usize + 1);
    let mut count = vec![0_u32; groups];
    let key = |row: u32| keys.get(row as usize).map_or(0, |key| *key as usize);
    in_time.iter().filter(|&&row| key(row) > 0).for_each(|&row| count[key(row)] += 1);
    let mut seen = vec![0_u32; groups];
    let mut part = vec![NO_PART; rows];
    for &row in in_time {
        part[row as usize] = Part::Train as u8;
        let key = key(row);
        // Key 0 is null: rows of nobody have no last one.
        if key > 0 && count[key] >= 3 {
            seen[key] += 1;
            part[row as usize] = match count[key] - seen[key] {
                0 => Part::Test as u8,
                1 => Part::Valid as u8,
                _ => Part::Train as u8,
            };
        }
    }
    part
}

/// Deals groups out in a random order, so that the parts have their sizes exactly.
fn at_random(groups: usize, parts: &[f64], seed: u64) -> Vec<u8> {
    let mut order: Vec<u32> = (0..groups as u32).collect();
    order.shuffle(&mut Pcg64::seed_from_u64(seed));
    let mut part = vec![NO_PART; groups];
    let mut at = 0;
    for (number, cut) in cuts(groups, parts).into_iter().enumerate() {
        for &group in order.get(at..cut).unwrap_or(&[]) {
            part[group as usize] = number as u8;
        }
        at = at.max(cut);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_time_stay_together() {
        // In order of time: rows 1, 0, 2, 3, 4 at times 1, 2, 2, 2, 3.
        let times = [2.0, 1.0, 2.0, 2.0, 3.0];
        let order = in_time(&times, 5);
        assert_eq!(order, [1, 0, 2, 3, 4]);
        assert_eq!(
            by_time(&times, 5, &order, &[0.4, 0.4, 0.2]),
            [0, 0, 0, 0, 2],
            "the first cut moves behind the ties"
        );
        assert_eq!(by_time(&times, 5, &order, &[0.2, 0.8]), [1, 0, 1, 1, 1]);
    }

    #[test]
    fn parts_that_add_up_lose_no_row() {
        assert_eq!(cuts(10, &[0.8, 0.1, 0.1]), [8, 9, 10]);
        assert_eq!(cuts(3, &[0.5, 0.5]), [1, 3]);
        assert_eq!(cuts(0, &[0.5, 0.5]), [0, 0]);
    }

    #[test]
    fn the_last_two_rows_of_a_user_are_held_out() {
        // User 1 has rows 0, 2, 3, 5; user 2 has 1 and 4, too few; row 6 is nobody's.
        let keys = [1, 2, 1, 1, 2, 1, 0];
        assert_eq!(leave_one_out(&keys, 7, &[0, 1, 2, 3, 4, 5, 6]), [0, 0, 0, 1, 0, 2, 0]);
        assert_eq!(leave_one_out(&keys, 7, &[5, 3, 2, 0, 1, 4, 6])[..1], [2], "last in time, not in the file");
    }

    #[test]
    fn the_last_row_of_a_user_and_part_is_to_be_predicted() {
        // User 1 has rows 0, 2, 3, 5, 6, 7, user 2 row 1, and row 4 is nobody's; rows 6 and 7 are valid and test.
        let keys = [1, 2, 1, 1, 0, 1, 1, 1];
        let part = [0, 0, 0, 0, 0, 0, 1, 2];
        let order = [0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(targets(&keys, &order, &part, None), [1, 5, 6, 7]);
        assert_eq!(targets(&keys, &order, &part, Some(1)), [1, 2, 3, 5, 6, 7], "row 0 has nothing before it");
        assert_eq!(targets(&keys, &order, &part, Some(2)), [1, 2, 5, 6, 7]);
        assert_eq!(
            targets(&keys, &[0, 1, 2, 5, 4, 3, 6, 7], &part, None),
            [1, 3, 6, 7],
            "last in time, not in the file"
        );
    }

    #[test]
    fn random_parts_have_their_sizes_and_repeat() {
        let part = at_random(100, &[0.8, 0.1, 0.1], 7);
        let count = |number| part.iter().filter(|&&part| part == number).count();
        assert_eq!([count(0), count(1), count(2)], [80, 10, 10]);
        assert_eq!(part, at_random(100, &[0.8, 0.1, 0.1], 7));
        assert_ne!(part, at_random(100, &[0.8, 0.1, 0.1], 8));
    }
}
