//! How targets were ranked, in words: numbers of two protocols must not be compared.

use crate::lower::{Among, Metric, MetricOf, Seen};
use crate::syntax::spec::{AxisOrigin, DrawBy, Spec};

/// A sentence for each protocol of a spec's metrics, after the names of those that follow it. `rows` says how many a table
/// has, that of unknown ids included.
pub(super) fn protocol(spec: &Spec, metrics: &[Metric], rows: impl Fn(&str) -> Option<u32>) -> Vec<String> {
    let mut sentences: Vec<(String, Vec<&str>)> = Vec::new();
    for metric in metrics {
        let MetricOf::Ranks { among, .. } = &metric.of else { continue };
        let sentence = format!("{}; ties count against the model", candidates(spec, among, &rows));
        match sentences.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, names)) => names.push(&metric.name),
            None => sentences.push((sentence, vec![&metric.name])),
        }
    }
    sentences.into_iter().map(|(sentence, names)| format!("{}: {sentence}", names.join(", "))).collect()
}

fn candidates(spec: &Spec, among: &Among, rows: &impl Fn(&str) -> Option<u32>) -> String {
    match among {
        Among::All { table, seen } => {
            let all = rows(table).unwrap_or(1).saturating_sub(1);
            let less = match seen {
                Seen::Before { .. } => " but what the user had before",
                Seen::Given => " but what `seen` names",
                Seen::Nothing => "",
            };
            format!("among all {all} ids of `{table}`{less}")
        }
        Among::Drawn { axis } => {
            let axis = spec.axes.iter().find(|known| known.name.name == *axis);
            match axis.map(|axis| (&axis.name.name, &axis.value.origin)) {
                Some((_, AxisOrigin::Draw(draw))) => {
                    let by = match draw.by {
                        DrawBy::Uniform => "uniformly".to_owned(),
                        DrawBy::Popularity if draw.power == 1.0 => "by popularity".to_owned(),
                        DrawBy::Popularity => format!("by popularity to the power {}", draw.power),
                    };
                    format!("among {} drawn {by} (seed {}) and the target, no full ranking", draw.n, draw.seed)
                }
                Some((name, _)) => format!("among those of `{name}` and the target, no full ranking"),
                None => "among given ids and the target, no full ranking".to_owned(),
            }
        }
    }
}
