//! Metrics of an order: where the target stands among all candidates, and how good the first places of a list are.

use crate::lower::MetricKind;

use super::metric::Measured;

/// Of the rank of each sample's target, from 1 on. NaN is a sample without a target, which does not count; an unknown target
/// has an infinite rank and is a miss.
pub fn of_ranks(kind: MetricKind, ranks: &[f32], k: u32) -> Measured {
    let k = f64::from(k);
    let (mut total, mut count, mut unknown) = (0.0, 0u64, 0u64);
    for rank in ranks.iter().map(|&rank| f64::from(rank)).filter(|rank| !rank.is_nan()) {
        count += 1;
        unknown += u64::from(rank.is_infinite());
        if rank <= k {
            total += match kind {
                MetricKind::Ndcg => 1.0 / (1.0 + rank).log2(),
                MetricKind::Mrr | MetricKind::Map => 1.0 / rank,
                MetricKind::Precision => 1.0 / k,
                _ => 1.0,
            };
        }
    }
    if count == 0 {
        return Measured { value: None, note: Some("no sample has a target".to_owned()) };
    }
    let note = (unknown > 0).then(|| format!("{unknown} of {count} targets are unknown to the train part: misses"));
    Measured { value: Some(total / count as f64), note }
}

/// Lists of some lengths, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    /// By element.
    pub scores: &'a [f32],
    /// By element: the relevance. NaN is an element that does not count.
    pub labels: &'a [f32],
    /// By list.
    pub lengths: &'a [u32],
    /// By list, where lists were cut: how many relevant elements it had before.
    pub whole: Option<&'a [f32]>,
}

/// Of a score and a label for each element. A list without a relevant element has no order to measure and is left out. What
/// was cut from a list is found by no score, and counts as relevant with a label of 1 where it was.
pub fn of_lists(kind: MetricKind, lists: &Lists, k: u32) -> Measured {
    let none = |why: &str| Measured { value: None, note: Some(why.to_owned()) };
    if lists.scores.iter().any(|score| score.is_nan()) {
        return none("a score is not a number");
    }
    let (mut total, mut count, mut left_out) = (0.0, 0u64, 0u64);
    let mut begin = 0;
    for (list, &length) in lists.lengths.iter().enumerate() {
        let end = begin + length as usize;
        let whole = lists.whole.map_or(Some(0.0), |whole| whole.get(list).copied());
        let (Some(scores), Some(labels), Some(whole)) =
            (lists.scores.get(begin..end), lists.labels.get(begin..end), whole)
        else {
            return none("lists and scores do not fit");
        };
        begin = end;
        match of_list(kind, scores, labels, whole as usize, k as usize) {
            Some(value) => {
                total += value;
                count += 1;
            }
            None => left_out += 1,
        }
    }
    if count == 0 {
        return none("no list has a relevant element");
    }
    let note = (left_out > 0).then(|| match left_out {
        1 => "1 list without a relevant element is left out".to_owned(),
        _ => format!("{left_out} lists without a relevant element are left out"),
    });
    Measured { value: Some(total / count as f64), note }
}

fn of_list(kind: MetricKind, scores: &[f32], labels: &[f32], whole: usize, k: usize) -> Option<f64> {
    let mut known: Vec<(f32, f64)> =
        scores.iter().zip(labels).filter(|(_, label)| !label.is_nan()).map(|(&s, &l)| (s, f64::from(l))).collect();
    // Ties count against the model: of equal scores the less relevant comes first.
    known.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
    let kept = known.iter().filter(|(_, label)| *label > 0.0).count();
    let relevant = kept.max(whole);
    if relevant == 0 {
        return None;
    }
    let first = known.iter().take(k).map(|(_, label)| *label);
    let hits = first.clone().filter(|label| *label > 0.0).count() as f64;
    Some(match kind {
        MetricKind::Ndcg => {
            let cut = std::iter::repeat_n(1.0, relevant - kept);
            let mut best: Vec<f64> = known.iter().map(|(_, label)| *label).chain(cut).collect();
            best.sort_by(|a, b| b.total_cmp(a));
            gain(first) / gain(best.into_iter().take(k))
        }
        MetricKind::Mrr => {
            let place = first.clone().position(|label| label > 0.0);
            place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
        }
        MetricKind::Map => {
            let (mut found, mut sum) = (0.0, 0.0);
            for (place, label) in first.enumerate() {
                if label > 0.0 {
                    found += 1.0;
                    sum += found / (place + 1) as f64;
                }
            }
            sum / relevant.min(k) as f64
        }
        MetricKind::Precision => hits / k as f64,
        MetricKind::Recall => hits / relevant as f64,
        _ => f64::from(u8::from(hits > 0.0)),
    })
}

/// The discounted gain (Burges et al. 2005): `2^label - 1` over the logarithm of the place.
fn gain(labels: impl Iterator<Item = f64>) -> f64 {
    labels.enumerate().map(|(place, label)| (label.exp2() - 1.0) / (place as f64 + 2.0).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Measured, expected: f64) {
        let found = found.value.unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    fn lists<'a>(scores: &'a [f32], labels: &'a [f32], lengths: &'a [u32]) -> Lists<'a> {
        Lists { scores, labels, lengths, whole: None }
    }

    #[test]
    fn what_was_cut_from_a_list_counts() {
        let of = |kind, whole: &[f32], k| {
            let lists = lists(&[0.9, 0.8], &[1.0, 0.0], &[2]);
            of_lists(kind, &Lists { whole: Some(whole), ..lists }, k)
        };
        close(of(MetricKind::Recall, &[4.0], 2), 0.25);
        close(of(MetricKind::Map, &[4.0], 2), 0.5);
        close(of(MetricKind::Ndcg, &[4.0], 2), 1.0 / (1.0 + 1.0 / 3f64.log2()));
        close(of(MetricKind::Recall, &[1.0], 2), 1.0);
        let nothing_kept = Lists { whole: Some(&[1.0]), ..lists(&[0.9], &[0.0], &[1]) };
        close(of_lists(MetricKind::Ndcg, &nothing_kept, 1), 0.0);
        let missing = Lists { whole: Some(&[]), ..nothing_kept };
        assert_eq!(of_lists(MetricKind::Ndcg, &missing, 1).value, None);
    }

    #[test]
    fn ranks_count_up_to_k_and_unknown_targets_are_misses() {
        let ranks = [1.0, 3.0, 11.0, f32::INFINITY, f32::NAN];
        close(of_ranks(MetricKind::HitRate, &ranks, 10), 0.5);
        close(of_ranks(MetricKind::Ndcg, &ranks, 10), (1.0 + 0.5) / 4.0);
        close(of_ranks(MetricKind::Mrr, &ranks, 10), (1.0 + 1.0 / 3.0) / 4.0);
        assert!(of_ranks(MetricKind::HitRate, &ranks, 10).note.unwrap().contains("1 of 4"));
        assert_eq!(of_ranks(MetricKind::HitRate, &[f32::NAN], 10).value, None);
    }

    #[test]
    fn a_list_is_measured_by_its_first_places() {
        let of = |kind, k| of_lists(kind, &lists(&[0.9, 0.8, 0.7, 0.6], &[0.0, 1.0, 0.0, 1.0], &[4]), k);
        close(of(MetricKind::Ndcg, 4), (1.0 / 3f64.log2() + 1.0 / 5f64.log2()) / (1.0 + 1.0 / 3f64.log2()));
        close(of(MetricKind::Map, 4), (0.5 + 0.5) / 2.0);
        close(of(MetricKind::Mrr, 4), 0.5);
        close(of(MetricKind::Precision, 2), 0.5);
        close(of(MetricKind::Recall, 2), 0.5);
        close(of(MetricKind::HitRate, 1), 0.0);
    }

    #[test]
    fn ties_count_against_the_model_and_lists_without_a_positive_are_left_out() {
        close(of_lists(MetricKind::HitRate, &lists(&[1.0, 1.0, 5.0], &[1.0, 0.0, 0.0], &[2, 1]), 1), 0.0);
        let measured = of_lists(MetricKind::Ndcg, &lists(&[1.0, 2.0], &[1.0, 0.0], &[1, 1]), 10);
        assert!(measured.note.unwrap().starts_with("1 list without"));
        assert_eq!(of_lists(MetricKind::Ndcg, &lists(&[1.0], &[0.0], &[1]), 10).value, None);
    }
}
