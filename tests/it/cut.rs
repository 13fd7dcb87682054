//! Metrics of lists that `cut` made shorter.

use std::fmt::Write;

use super::train::{ok, specrec};

const SPEC: &str = "
specrec: 1
sources: {log: {path: log.csv}}
samples:
  from: log
  labels: {clicked: click == 1}
  split: {train: day == 1, valid: day == 2, test: day == 3}
features:
  item: {type: id, side: item, dim: 4}
axes:
  slate: {list: request, order: place, max: 2, cut: true}
model:
  score: linear(slate.item, 1)
losses:
  list: softmax_cross_entropy(score, slate.clicked, over=slate)
outputs:
  ranked: score
metrics:
  recall: recall(score, slate.clicked, k=2)
  map: map(score, slate.clicked, k=2)
train: {batch: 8, epochs: 1, monitor: recall}
";

#[test]
fn a_metric_of_a_list_counts_the_positives_that_were_cut() {
    let dir = tempfile::tempdir().unwrap();
    // Of the four places of a list the first and the last are clicked, and the last is cut.
    let mut log = "request,item,place,day,click\n".to_owned();
    for request in 0..30 {
        for place in 0..4 {
            let (item, day, click) = ((request + place) % 7, request / 10 + 1, u8::from(place == 0 || place == 3));
            writeln!(log, "{request},i{item},{place},{day},{click}").unwrap();
        }
    }
    std::fs::write(dir.path().join("log.csv"), log).unwrap();
    std::fs::write(dir.path().join("spec.yaml"), SPEC).unwrap();
    let table = ok(&specrec(dir.path(), &["train", "spec.yaml", "--run", "run"]));
    let again = ok(&specrec(dir.path(), &["eval", "run"]));
    for table in [table, again] {
        let test = table.lines().find(|line| line.starts_with("test")).unwrap_or_else(|| panic!("{table}"));
        let cells: Vec<&str> = test.split_whitespace().collect();
        assert_eq!(cells[3], "0.5000", "{table}");
        let map: f64 = cells[4].parse().unwrap();
        assert!((0.25..=0.5).contains(&map), "one of two positives, at the first or the second place: {table}");
    }
}
