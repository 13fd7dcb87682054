//! What a run came to, as a table for people.

use std::fmt::{self, Display, Formatter};

use super::checkpoint::Progress;
use super::evaluate::{Evaluation, name};
use super::fingerprint::Fingerprint;
use super::floor::Floor;
use crate::data::report::Report;
use crate::syntax::spec::Part;

/// The best weights of a run, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What was measured, by part, or `rows` for new rows.
    pub parts: Vec<(String, Evaluation)>,
    /// The metric that chose the weights.
    pub monitor: String,
    /// Its value in validation, and the step it was measured after; none where it never had one, and then the weights are
    /// the last ones.
    pub best: Option<(f64, u64)>,
    /// Steps of the whole run.
    pub steps: u64,
    /// What simple rules reach on each part.
    pub floors: Vec<(String, Vec<Floor>)>,
    /// How targets were ranked.
    pub protocol: Vec<String>,
}

impl Results {
    /// Results without a part measured yet.
    pub(super) fn new(monitor: String, progress: &Progress, protocol: Vec<String>) -> Self {
        let (best, steps) = (progress.best, progress.step);
        Self { parts: Vec::new(), monitor, best, steps, floors: Vec::new(), protocol }
    }

    /// Adds what a part came to, and what simple rules reach there.
    pub(super) fn add(&mut self, part: &str, evaluation: Evaluation, floors: Vec<Floor>) {
        self.parts.push((part.to_owned(), evaluation));
        self.floors.push((part.to_owned(), floors));
    }

    /// What was measured on a part.
    pub fn of(&self, part: Part) -> Option<&Evaluation> {
        self.parts.iter().find(|(of, _)| of == name(part)).map(|(_, evaluation)| evaluation)
    }
}

/// A number of a table or a line; `-` where there is none.
pub fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

impl Display for Results {
    /// A line per part, a column per metric, then what a reader of the numbers must know.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut header = vec!["part".to_owned(), "samples".to_owned(), "loss".to_owned()];
        if let Some((_, first)) = self.parts.first() {
            header.extend(first.metrics.iter().map(|(name, _)| name.clone()));
        }
        let mut table = vec![header];
        let mut notes: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        for (part, evaluation) in &self.parts {
            let mut line = vec![part.clone(), evaluation.samples.to_string(), number(Some(evaluation.loss))];
            for (metric, measured) in &evaluation.metrics {
                line.push(number(measured.value));
                let Some(note) = &measured.note else { continue };
                match notes.iter_mut().find(|(of, known, _)| of == part && known == note) {
                    Some((_, _, metrics)) => metrics.push(metric),
                    None => notes.push((part, note, vec![metric])),
                }
            }
            table.push(line);
            for (rule, of_rule) in self.floors.iter().filter(|(of, _)| of == part).flat_map(|(_, floors)| floors) {
                let mut line = vec![format!("{part} {rule}"), evaluation.samples.to_string(), number(None)];
                for (metric, _) in &evaluation.metrics {
                    let measured = of_rule.iter().find(|(of, _)| of == metric);
                    line.push(number(measured.and_then(|(_, measured)| measured.value)));
                }
                table.push(line);
            }
        }
        f.write_str(&aligned(&table))?;
        match self.best {
            Some((value, step)) => {
                let monitor = &self.monitor;
                writeln!(f, "weights: best {monitor} in valid, {value:.4} after step {step} of {}", self.steps)?;
            }
            None => writeln!(f, "weights: the last, after step {}", self.steps)?,
        }
        self.protocol.iter().try_for_each(|sentence| writeln!(f, "{sentence}"))?;
        notes.iter().try_for_each(|(part, note, metrics)| writeln!(f, "{part} {}: {note}", metrics.join(", ")))
    }
}

/// Columns as wide as their widest cell, the first one aligned left, the others right.
pub fn aligned(table: &[Vec<String>]) -> String {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |line: &Vec<String>, at: usize| line.get(at).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|at| table.iter().map(|line| cell(line, at)).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for line in table {
        let cells = line.iter().zip(&widths).enumerate();
        let cells = cells
            .map(|(at, (cell, &width))| if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        let text = cells.collect::<Vec<_>>().join("  ");
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// The text of `report.md`.
pub(super) fn report(spec: &str, results: &Results, data: &Report, of: &Fingerprint) -> String {
    let Fingerprint { program, spec: hash, data: data_hash, seed, device, cpu, instructions } = of;
    let instructions = instructions.join(", ");
    format!(
        "# {spec}\n\n```\n{results}```\n\n## Data\n\n```\n{data}```\n\n## Fingerprint\n\n\
         Equal fingerprints give equal bits, at any number of threads.\n\n```\n{}```\n",
        aligned(&[
            vec!["program".to_owned(), program.clone()],
            vec!["spec".to_owned(), hash.clone()],
            vec!["data".to_owned(), data_hash.clone()],
            vec!["seed".to_owned(), seed.to_string()],
            vec!["device".to_owned(), device.clone()],
            vec!["cpu".to_owned(), format!("{cpu} ({instructions})")],
        ])
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::metric::Measured;

    #[test]
    fn results_are_a_table_and_its_notes() {
        let measured = |value: Option<f64>, note: &str| Measured { value, note: Some(note.to_owned()) };
        let metrics =
            vec![("auc".to_owned(), measured(None, "all labels are 1")), ("gauc".to_owned(), measured(Some(0.5), "x"))];
        let parts = vec![("test".to_owned(), Evaluation { samples: 12, loss: 0.25, metrics })];
        let progress = Progress { step: 60, best: Some((0.625, 40)), ..Progress::default() };
        let mut results = Results { parts, ..Results::new("gauc".to_owned(), &progress, Vec::new()) };
        let expected = "\
part  samples    loss  auc    gauc
test       12  0.2500    -  0.5000
weights: best gauc in valid, 0.6250 after step 40 of 60
test auc: all labels are 1
test gauc: x
";
        assert_eq!(results.to_string(), expected);
        results.best = None;
        results.protocol.push("gauc: alone".to_owned());
        let gauc = vec![("gauc".to_owned(), measured(Some(0.25), "not shown"))];
        results.floors.push(("test".to_owned(), vec![("by chance".to_owned(), gauc)]));
        assert!(results.to_string().contains("test by chance       12       -    -  0.2500\n"), "{results}");
        assert!(results.to_string().contains("gauc: alone\ntest auc: all labels are 1\n"));
        assert!(results.to_string().contains("weights: the last, after step 60"));
    }
}
