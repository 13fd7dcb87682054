//! From files to files: every row of a list is scored, with drawn rows and vectors of a file.

use std::path::Path;

use super::train::{specrec, write_data};

/// Trains the spec over the data of `train` and predicts these rows; the lines of the scores.
fn predicted(dir: &Path, spec: &str, rows: &str, keep: &str) -> Vec<Vec<String>> {
    write_data(dir);
    std::fs::write(dir.join("spec.yaml"), spec).unwrap();
    let done = specrec(dir, &["train", "spec.yaml", "--run", "run", "--threads", "1"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::write(dir.join("rows.csv"), rows).unwrap();
    let args = ["predict", "run", "--input", "rows.csv", "--output", "scores.csv", "--keep", keep];
    let done = specrec(dir, &args);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(dir.join("scores.csv")).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

const LISTS: &str = "
specrec: 1
name: lists
sources: {log: {path: log.csv}}
samples:
  from: log
  labels: {liked: like == 1}
  split: {by: random, of: user, parts: [0.7, 0.3], seed: 1}
features: {item: {type: id, side: item, dim: 8}}
tables: {known: {of: item, dim: 2, from: {path: known.csv, key: item, columns: [a, b]}}}
axes:
  slate: {list: user, order: time, max: 20}
  drawn: {draw: item, n: 2, by: uniform, along: [slate]}
model:
  score: concat(slate.item, lookup(slate.item, known)) |> linear(1)
losses:
  list: softmax_cross_entropy(score, slate.liked, over=slate)
outputs:
  score: score
train: {batch: 8, epochs: 1}
";

#[test]
fn every_row_of_a_list_is_scored_in_the_order_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("known.csv"), "item,a,b\n1,1,0\n2,0,1\n").unwrap();
    let lines = predicted(dir.path(), LISTS, "user,item,time\nx,1,9\ny,1,1\nx,2,3\ny,3,2\nx,1,1\n", "user,item");
    let columns = |at: usize| lines[1..].iter().map(|line| line[at].clone()).collect::<Vec<_>>();
    assert_eq!((columns(0).join(""), columns(1).join("")), ("xyxyx".into(), "11231".into()));
    let scores = columns(2);
    // A row's score depends on its item alone here.
    assert!(scores[0] == scores[1] && scores[1] == scores[4] && scores[0] != scores[2], "{scores:?}");
}
