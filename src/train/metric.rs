//! Metrics over a whole part of the data: exact, in f64, in an order that does not depend on batches or threads.

/// What a metric reads: one entry per sample of the part, in any order.
#[derive(Clone, Copy, Debug)]
pub struct Scored<'a> {
    /// Scores before any sigmoid: `f32` sigmoids of large logits are equal, and so would be tied.
    pub logits: &'a [f32],
    /// Labels; NaN where none is known, and then the sample is left out.
    pub labels: &'a [f32],
    /// The group of each sample (`by=`): any number that is equal within a group. Empty where the metric has none.
    pub groups: &'a [u32],
}

/// The value of a metric, or why it has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The number; none where it is not defined for these labels.
    pub value: Option<f64>,
    /// What a reader of the number must know: groups that were left out, or why there is no number.
    pub note: Option<String>,
}

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better; so it is for `loss` too.
    Lower,
}

/// A kind of metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The function's name in a spec.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Its direction.
    pub better: Better,
    /// Whether it needs `by=`.
    pub grouped: bool,
    /// Computes it.
    pub measure: fn(Scored) -> Measured,
}

/// Every kind of metric, alphabetical.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "accuracy",
        about: "share of samples on the right side of 1/2",
        better: Better::Higher,
        grouped: false,
        measure: accuracy,
    },
    Metric {
        name: "auc",
        about: "chance that a positive ranks above a negative; ties count half",
        better: Better::Higher,
        grouped: false,
        measure: auc,
    },
    Metric {
        name: "gauc",
        about: "AUC within each group, weighted by its samples; groups of one class are left out",
        better: Better::Higher,
        grouped: true,
        measure: gauc,
    },
    Metric {
        name: "logloss",
        about: "mean cross-entropy in nats",
        better: Better::Lower,
        grouped: false,
        measure: logloss,
    },
];

/// The metric of a name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

impl Measured {
    fn none(why: impl Into<String>) -> Self {
        Self { value: None, note: Some(why.into()) }
    }

    fn of(value: f64) -> Self {
        Self { value: Some(value), note: None }
    }
}

/// A sample that counts.
#[derive(Clone, Copy)]
struct Sample {
    group: u32,
    logit: f32,
    label: f32,
}

/// The samples with a known label, or why they cannot be measured.
fn known(scored: Scored) -> Result<Vec<Sample>, Measured> {
    if scored.logits.iter().any(|logit| logit.is_nan()) {
        return Err(Measured::none("a score is not a number"));
    }
    let groups = scored.groups.iter().copied().chain(std::iter::repeat(0));
    let all = scored.logits.iter().zip(scored.labels).zip(groups);
    let samples: Vec<Sample> = all
        .filter(|((_, label), _)| !label.is_nan())
        .map(|((&logit, &label), group)| Sample { group, logit, label })
        .collect();
    if samples.is_empty() {
        return Err(Measured::none("no sample has a label"));
    }
    Ok(samples)
}

/// As [`known`], of labels that are 0 or 1.
fn binary(scored: Scored) -> Result<Vec<Sample>, Measured> {
    let samples = known(scored)?;
    match samples.iter().find(|sample| sample.label != 0.0 && sample.label != 1.0) {
        Some(sample) => Err(Measured::none(format!("expected labels 0 and 1, found {}", sample.label))),
        None => Ok(samples),
    }
}

fn accuracy(scored: Scored) -> Measured {
    let samples = match binary(scored) {
        Ok(samples) => samples,
        Err(none) => return none,
    };
    let right = samples.iter().filter(|sample| (sample.logit > 0.0) == (sample.label == 1.0)).count();
    Measured::of(right as f64 / samples.len() as f64)
}

fn auc(scored: Scored) -> Measured {
    let mut samples = match binary(scored) {
        Ok(samples) => samples,
        Err(none) => return none,
    };
    samples.sort_unstable_by(by_logit);
    match ranked(&samples) {
        Some(auc) => Measured::of(auc),
        None => Measured::none(format!("all labels are {}", samples[0].label)),
    }
}

fn gauc(scored: Scored) -> Measured {
    let mut samples = match binary(scored) {
        Ok(samples) => samples,
        Err(none) => return none,
    };
    samples.sort_unstable_by(|a, b| a.group.cmp(&b.group).then(by_logit(a, b)));
    let (mut sum, mut weight, mut left_out) = (0.0, 0usize, 0usize);
    for group in samples.chunk_by(|a, b| a.group == b.group) {
        match ranked(group) {
            Some(auc) => {
                sum += auc * group.len() as f64;
                weight += group.len();
            }
            None => left_out += 1,
        }
    }
    let note = (left_out > 0)
        .then(|| format!("{left_out} group{} of one class left out", if left_out == 1 { "" } else { "s" }));
    if weight == 0 {
        return Measured::none(format!("all {left_out} groups have one class"));
    }
    Measured { value: Some(sum / weight as f64), note }
}

fn logloss(scored: Scored) -> Measured {
    let samples = match known(scored) {
        Ok(samples) => samples,
        Err(none) => return none,
    };
    let mut sum = 0.0;
    for sample in &samples {
        let (x, y) = (f64::from(sample.logit), f64::from(sample.label));
        // ln(1 + e^x) - x y, in the form that no logit overflows.
        sum += x.max(0.0) - x * y + (-x.abs()).exp().ln_1p();
    }
    Measured::of(sum / samples.len() as f64)
}

/// By score; adding 0 makes the two zeros one.
fn by_logit(a: &Sample, b: &Sample) -> std::cmp::Ordering {
    (a.logit + 0.0).total_cmp(&(b.logit + 0.0))
}

/// The AUC of samples in rising order of score; none of one class. Pairs are counted in whole numbers, twice each so
/// that a tie is one half.
fn ranked(samples: &[Sample]) -> Option<f64> {
    let (mut below, mut twice) = (0u128, 0u128);
    for tied in samples.chunk_by(|a, b| a.logit == b.logit) {
        let positives = tied.iter().filter(|sample| sample.label == 1.0).count() as u128;
        let negatives = tied.len() as u128 - positives;
        twice += positives * (2 * below + negatives);
        below += negatives;
    }
    let pairs = below * (samples.len() as u128 - below);
    (pairs > 0).then(|| twice as f64 / 2.0 / pairs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(name: &str, logits: &[f32], labels: &[f32], groups: &[u32]) -> Measured {
        (find(name).unwrap().measure)(Scored { logits, labels, groups })
    }

    #[test]
    fn metrics_are_alphabetical() {
        assert!(METRICS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn ties_count_half() {
        // Pairs (negative, positive): (1, 1) ties, (1, 2) right, (3, 1) and (3, 2) wrong: 1.5 of 4.
        assert_eq!(measure("auc", &[1.0, 3.0, 1.0, 2.0], &[0.0, 0.0, 1.0, 1.0], &[]).value, Some(0.375));
        assert_eq!(measure("auc", &[0.0, -0.0], &[0.0, 1.0], &[]).value, Some(0.5));
    }

    #[test]
    fn one_class_has_no_auc_and_says_why() {
        let none = measure("auc", &[1.0, 2.0], &[1.0, 1.0], &[]);
        assert_eq!(none, Measured { value: None, note: Some("all labels are 1".to_owned()) });
        assert_eq!(measure("auc", &[], &[], &[]).note.as_deref(), Some("no sample has a label"));
        assert_eq!(measure("auc", &[f32::NAN], &[1.0], &[]).note.as_deref(), Some("a score is not a number"));
        let odd = measure("auc", &[1.0, 2.0], &[0.0, 3.5], &[]);
        assert_eq!(odd.note.as_deref(), Some("expected labels 0 and 1, found 3.5"));
    }

    #[test]
    fn unknown_labels_are_left_out() {
        let labels = [0.0, f32::NAN, 1.0];
        assert_eq!(measure("auc", &[1.0, 9.0, 2.0], &labels, &[]).value, Some(1.0));
        assert_eq!(measure("accuracy", &[-1.0, 9.0, -2.0], &labels, &[]).value, Some(0.5));
    }

    #[test]
    fn groups_weigh_by_their_samples_and_one_class_is_left_out() {
        // Group 7 has 3 samples and AUC 1/2, group 8 has 2 and AUC 1, group 9 has one class: (3/2 + 2) / 5.
        let logits = [2.0, 0.0, 1.0, 5.0, 4.0, 3.0];
        let measured = measure("gauc", &logits, &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0], &[7, 8, 7, 7, 8, 9]);
        assert_eq!(measured, Measured { value: Some(0.7), note: Some("1 group of one class left out".to_owned()) });
        let none = measure("gauc", &logits, &[1.0; 6], &[7, 8, 7, 7, 8, 9]);
        assert_eq!(none, Measured::none("all 3 groups have one class"));
    }

    #[test]
    fn logloss_survives_large_logits() {
        assert_eq!(measure("logloss", &[1000.0, -1000.0], &[0.0, 0.0], &[]).value, Some(500.0));
        let half = measure("logloss", &[0.0], &[1.0], &[]).value.unwrap();
        assert!((half - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn metrics_are_those_of_scikit_learn() {
        let text = std::fs::read_to_string("tests/parity/fixtures/metrics.json").unwrap();
        let fixtures: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cases = fixtures["cases"].as_array().unwrap();
        assert!(cases.len() >= 7);
        for case in cases {
            let numbers = |key: &str| -> Vec<f32> {
                case[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
            };
            let groups: Vec<u32> = numbers("users").iter().map(|&user| user as u32).collect();
            for name in ["auc", "gauc", "logloss"] {
                let measured = measure(name, &numbers("logits"), &numbers("labels"), &groups);
                // The fixture's logloss goes through a sigmoid, which costs digits where it is near 1.
                let tolerance = if case["name"] == "saturated" && name == "logloss" { 1e-6 } else { 1e-12 };
                match (measured.value, case[name].as_f64()) {
                    (Some(found), Some(expected)) => {
                        assert!((found - expected).abs() <= tolerance, "{name} of {}: {found}", case["name"]);
                    }
                    (found, expected) => assert_eq!(found, expected, "{name} of {}", case["name"]),
                }
            }
            let left_out = case["users_skipped"].as_u64().unwrap();
            let note = measure("gauc", &numbers("logits"), &numbers("labels"), &groups).note.unwrap_or_default();
            assert!(left_out == 0 || note.contains(&left_out.to_string()), "{note}");
        }
    }
}
