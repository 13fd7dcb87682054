//! Which validation was the best, and when to stop looking for a better one.

use super::checkpoint::Progress;
use super::metric::Better;

/// What a validation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The best so far: its weights are kept.
    Best,
    /// Not better, and patience is left.
    Waiting,
    /// Not better for as long as patience lasts.
    Stop,
}

/// Judges the monitored value after `progress.step` and notes it. A value that is missing or not a number is never
/// better than another.
pub(super) fn judge(progress: &mut Progress, value: Option<f64>, better: Better, patience: Option<u32>) -> Verdict {
    let value = value.filter(|value| !value.is_nan());
    let improves = |value: f64| match (progress.best, better) {
        (None, _) => true,
        (Some((best, _)), Better::Higher) => value > best,
        (Some((best, _)), Better::Lower) => value < best,
    };
    if let Some(value) = value.filter(|value| improves(*value)) {
        progress.best = Some((value, progress.step));
        progress.waited = 0;
        return Verdict::Best;
    }
    progress.waited += 1;
    match patience {
        Some(patience) if progress.waited >= patience => Verdict::Stop,
        _ => Verdict::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(values: &[Option<f64>], better: Better, patience: Option<u32>) -> (Vec<Verdict>, Progress) {
        let mut progress = Progress::default();
        let judged = values.iter().enumerate().map(|(at, value)| {
            progress.step = at as u64;
            judge(&mut progress, *value, better, patience)
        });
        (judged.collect(), progress)
    }

    #[test]
    fn patience_counts_validations_without_a_better_value() {
        use Verdict::{Best, Stop, Waiting};
        let values = [Some(0.5), Some(0.5), Some(0.6), Some(0.4), Some(0.5)];
        let (judged, progress) = verdicts(&values, Better::Higher, Some(2));
        assert_eq!(judged, [Best, Waiting, Best, Waiting, Stop]);
        assert_eq!((progress.best, progress.waited), (Some((0.6, 2)), 2));
        let (judged, _) = verdicts(&values, Better::Lower, None);
        assert_eq!(judged, [Best, Waiting, Waiting, Best, Waiting]);
    }

    #[test]
    fn a_value_that_is_none_is_not_better_than_any() {
        let (judged, progress) = verdicts(&[None, Some(f64::NAN), Some(0.1)], Better::Lower, Some(3));
        assert_eq!(judged, [Verdict::Waiting, Verdict::Waiting, Verdict::Best]);
        assert_eq!(progress.best, Some((0.1, 2)));
    }
}
